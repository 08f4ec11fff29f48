// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/gdummy/gdummy/internal/config/conf"
	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/generate/check"
	"github.com/gdummy/gdummy/internal/generate/engine"
)

// properties are the values of -p, in order.
type properties []property

type property struct {
	key, value string
	vars       []conf.Variable
}

// set adds a property, as key=value.
func (p *properties) set(text string) error {
	key, value, ok := strings.Cut(text, "=")
	if key = strings.TrimSpace(key); !ok || key == "" {
		return fmt.Errorf("expected key=value")
	}
	value, vars := conf.Expand(value, conf.Process)
	*p = append(*p, property{key, value, vars})
	return nil
}

// lookup returns the first value of a property: the one that Fluent Bit uses.
func (p properties) lookup(key string) (string, bool) {
	if kv := p.first(key); kv != nil {
		return kv.value, true
	}
	return "", false
}

// first returns the first property of a name, or nil.
func (p properties) first(key string) *property {
	for i := range p {
		if strings.EqualFold(p[i].key, key) {
			return &p[i]
		}
	}
	return nil
}

// config returns the configuration, or reports all errors and returns the exit code.
func (p properties) config(s stream) (*engine.Config, int) {
	wrong := false
	report := func(kind string, lines []string) {
		for i, line := range lines {
			if i == 0 {
				line = "gdummy run: " + kind + line
			}
			fmt.Fprintln(s.err, line)
		}
	}
	for i, kv := range p {
		if o, ok := option.Find(kv.key); ok {
			if p.first(kv.key) != &p[i] {
				report("warning: ", []string{fmt.Sprintf("option %s: set more than once; %s", o.Name, check.FirstCounts)})
			}
			continue
		}
		if option.IsCore(kv.key) {
			if !strings.EqualFold(kv.key, "tag") {
				report("note: ", []string{fmt.Sprintf("option %s: a property of Fluent Bit, without effect here", kv.key)})
			}
			continue
		}
		unknown := option.Unknown(kv.key, kv.value, append(option.Names(), "tag"), func(name string) bool {
			_, ok := p.lookup(name)
			return ok
		})
		report("", unknown.Lines())
		wrong = true
	}
	drawn := ""
	config, warnings, err := engine.Configure(func(name string) (string, bool) {
		text, ok := p.lookup(name)
		if !ok && name == "seed" {
			drawn = strconv.FormatUint(uint64(rand.Uint32()), 10)
			return drawn, true
		}
		return text, ok
	}, nil)
	if errs, ok := errors.AsType[option.Errors](err); ok {
		for _, e := range errs {
			if kv := p.first(e.Option); kv != nil {
				check.Unset(e, kv.vars)
			}
			report("", e.Lines())
		}
	} else if err != nil {
		report("", []string{err.Error()})
	}
	for _, w := range warnings {
		report("warning: ", w.Lines())
	}
	if wrong || err != nil {
		return nil, exitUsage
	}
	if drawn != "" && config.UsesSeed() {
		s.logf("the seed is %s", drawn)
	}
	return config, exitFine
}
