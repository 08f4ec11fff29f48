// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
	"github.com/gdummy/gdummy/internal/testenv"
)

// texts are files in memory.
type texts map[string]string

func (f texts) Open(path string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(f[path])), nil
}

// numbersOf returns numbers as operands.
func numbersOf(ns ...float64) (args []Operand) {
	for _, n := range ns {
		v := value.OfFloat(n)
		if n == math.Trunc(n) {
			v = value.OfInt(int64(n))
		}
		args = append(args, Constant(v))
	}
	return args
}

// The index of a column is much smaller than the file, for any keys, and is shared.
func TestIndexIsSmall(t *testing.T) {
	var csv strings.Builder
	csv.WriteString("key,n:int\n")
	const rows = 100_000
	for i := range rows {
		fmt.Fprintf(&csv, "the key that row %07d is found by,%d\n", i%90_000, i)
	}
	env := &Env{Files: texts{"f.csv": csv.String()}}
	tab, err := env.table("f.csv")
	if err != nil {
		t.Fatal(err)
	}
	before := float64(testenv.LiveHeap())
	x := env.index(tab, "key")
	if grown := float64(testenv.LiveHeap()) - before; grown > float64(csv.Len())/4 {
		t.Errorf("the index takes %.0f bytes for a file of %d", grown, csv.Len())
	}
	if env.index(tab, "key") != x || env.index(tab, "n") == x {
		t.Error("the index is not shared, or is that of another column")
	}
	for i := range rows {
		if row, ok := x.find(fmt.Sprintf("the key that row %07d is found by", i)); ok != (i < 90_000) || ok && row != uint64(i) {
			t.Fatalf("key %d is in row %d (%v)", i, row, ok)
		}
		if row, ok := env.index(tab, "n").find(fmt.Sprint(i)); !ok || row != uint64(i) {
			t.Fatalf("number %d is in row %d (%v)", i, row, ok)
		}
	}
	runtime.KeepAlive(tab)
}

// All calls of a template share equal distributions and equal sets.
func TestSharing(t *testing.T) {
	env := &Env{Seed: 1}
	build := func(name string, args ...Operand) {
		t.Helper()
		if _, err := (&Call{Func: Find(name), Args: args, Env: env}).Build(); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name string
		args []float64
	}{{"lognormal", []float64{8.5, 1.2}}, {"normal", []float64{8.5, 1.2}}, {"exponential", []float64{250}}, {"zipf", []float64{100_000, 1.1}}} {
		build(tt.name, numbersOf(tt.args...)...)
		before := float64(testenv.LiveHeap())
		for range 200 {
			build(tt.name, numbersOf(tt.args...)...)
		}
		if grown := float64(testenv.LiveHeap()) - before; grown > 200*1000 {
			t.Errorf("200 more calls of %s take %.0f bytes", tt.name, grown)
		}
	}
	tries := 0
	gen := func(r *Record) value.Value { tries++; return value.OfInt(int64(r.Key % 1000)) }
	for place := range uint64(5) {
		if _, err := env.distinct(100, gen, 7, place); err != nil {
			t.Fatal(err)
		}
	}
	once := tries
	if _, err := env.distinct(100, gen, 8, 0); err != nil || tries <= once || once > 400 {
		t.Errorf("%d tries for one set, %d for two (%v)", once, tries, err)
	}
	runtime.KeepAlive(env)
}

// The work at the start of a template is bounded, for any number of calls.
func TestStartIsBounded(t *testing.T) {
	testenv.SkipRace(t)
	env := &Env{}
	refused := func(name, problem string, build func(i int) error) {
		t.Helper()
		for i := range 200 {
			if err := build(i); err != nil {
				if !strings.Contains(err.Error(), problem) {
					t.Errorf("%s: %v, want %s", name, err, problem)
				}
				return
			}
		}
		t.Errorf("%s: 200 calls, no error", name)
	}
	refused("zipf", "the tables of this template have more than 8388608 entries in total; N above 100000 needs no table", func(i int) error {
		_, err := (&Call{Func: Find("zipf"), Args: numbersOf(100_000, 1+float64(i)/100), Env: env}).Build()
		return err
	})
	refused("large sets", "with those of other calls, exceed 128 MB", func(i int) error {
		_, err := env.distinct(10_000, func(r *Record) value.Value {
			return value.OfString(fmt.Sprintf("%0100d", r.Key))
		}, uint64(i), 0)
		return err
	})
	env = &Env{}
	long := make([]byte, 1<<20)
	refused("slow sets", "composes too much text", func(i int) error {
		_, err := env.distinct(1000, func(r *Record) value.Value {
			r.Scratch = append(r.Scratch, long...)
			return value.OfInt(int64(seed.Mix(r.Key)))
		}, uint64(i), 0)
		return err
	})
}
