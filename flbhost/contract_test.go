// SPDX-License-Identifier: Apache-2.0

package flbhost_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each planted fault sets its counter, no other counter, and the exit code.
func TestFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault string
		path  string
		v     int
		want  func(i instance) faults
	}{
		{"leak", "return", v511, func(i instance) faults { return faults{Leaked: i.Handed} }},
		{"leak", "return", v200, func(i instance) faults { return faults{Leaked: i.Handed} }},
		{"kept", "return", v511, func(i instance) faults { return faults{Leaked: 1} }},
		{"twice", "return", v511, func(i instance) faults { return faults{CleanedTwice: i.Cleanups} }},
		{"minus", "return", v511, func(i instance) faults { return faults{Leaked: i.Collects, Lost: i.Collects} }},
		{"minus", "return", v200, func(i instance) faults { return faults{Leaked: i.Collects, Lost: i.Collects} }},
		{"nolength", "return", v511, func(i instance) faults { return faults{Leaked: i.Collects} }},
		{"nolength", "return", v200, func(i instance) faults { return faults{} }}, // older hosts call cleanup
		{"null", "return", v511, func(i instance) faults { return faults{Malformed: i.Collects} }},
		{"garbage", "append", v511, func(i instance) faults { return faults{Malformed: i.Appends} }},
		{"notevent", "append", v511, func(i instance) faults { return faults{Malformed: i.Appends} }},
		{"cut", "append", v511, func(i instance) faults { return faults{Malformed: i.Appends} }},
		{"nsec", "append", v511, func(i instance) faults { return faults{Malformed: i.Appends} }},
		{"count", "records", v511, func(i instance) faults { return faults{WrongCounts: i.Appends} }},
		{"count", "append", v511, func(i instance) faults { return faults{} }}, // claims nothing
		{"late", "append", v511, func(i instance) faults { return faults{LateAppends: 1} }},
		{"thread", "none", v511, func(i instance) faults { return faults{} }},
		{"thread", "append", v511, func(i instance) faults { return faults{} }},
		{"thread", "append", v410, func(i instance) faults { return faults{WrongThread: i.Collects} }},
		{"refuse", "return", v400, func(i instance) faults { return faults{InitRefused: 1} }},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s-%s-%x", test.fault, test.path, test.v), func(t *testing.T) {
			t.Parallel()
			end := []string{"--collects", "4"}
			if test.fault == "refuse" {
				end = []string{"--seconds", "0.1"} // no collects
			}
			args := append(end, "--tick", "20", "--output", "null", "PLUGIN", "-i", "-p", "fault="+test.fault, "-p", "path="+test.path)
			if test.v < v210 {
				args = append(args, "-p", "form=legacy")
			}
			r := run(t, variant{version: test.v}, args...)
			if len(r.report.Instances) != 1 {
				t.Fatalf("no report: code %d\n%s", r.code, r.stderr)
			}
			i := r.report.Instances[0]
			want := test.want(i)
			if diff := cmp.Diff(want, i.faults); diff != "" {
				t.Errorf("faults (-want +got):\n%s%s", diff, r.stderr)
			}
			code := 1
			if want == (faults{}) {
				code = 0
			}
			r.wantCode(t, code)
		})
	}
}

// Without faults all counters are 0, in every pose and on every path.
func TestCleanRun(t *testing.T) {
	t.Parallel()
	for _, version := range []int{v200, v220, v410, v511} {
		for _, bare := range []bool{false, true} {
			for _, path := range []string{"return", "append", "records", "none"} {
				if bare && (path == "append" || path == "records") {
					continue // no function to append
				}
				v := variant{version: version, bare: bare}
				t.Run(v.String()+"-"+path, func(t *testing.T) {
					t.Parallel()
					form := "v2"
					if version < v210 {
						form = "legacy"
					}
					r := run(t, v, "--collects", "4", "--tick", "20", "--output", "null", "PLUGIN",
						"-i", "-p", "path="+path, "-p", "count=3", "-p", "form="+form)
					r.wantCode(t, 0)
					if len(r.report.Instances) != 1 {
						t.Fatalf("report: %+v", r.report)
					}
					i := r.report.Instances[0]
					if diff := cmp.Diff(faults{}, i.faults); diff != "" {
						t.Errorf("faults (-want +got):\n%s%s", diff, r.stderr)
					}
					want := i // as computed from the number of collects
					want.Appends, want.Records, want.Handed, want.EmptyCollects = i.Collects, 3*i.Collects, 0, 0
					want.Cleanups, want.NotCleaned, want.Dropped, want.Refused, want.Discarded = 0, 0, 0, 0, 0
					switch {
					case path == "return":
						want.Handed, want.Cleanups = i.Collects, i.Collects
					case path == "none":
						want.Appends, want.Records, want.EmptyCollects = 0, 0, i.Collects
						if version < 0x02010a {
							want.Cleanups = i.Collects
						}
					case version < 0x02010a: // append, and then an empty return
						want.Cleanups = i.Collects
					}
					want.Output = want.Records
					if diff := cmp.Diff(want, i, cmp.AllowUnexported(instance{})); diff != "" {
						t.Errorf("counts (-want +got):\n%s", diff)
					}
					if r.report.Version != strings.TrimSuffix(v.String(), "-bare") || r.report.Bare != bare {
						t.Errorf("pose %v reports %s, bare %v", v, r.report.Version, r.report.Bare)
					}
				})
			}
		}
	}
}

// V2 events are malformed on a host with legacy events only.
func TestV2EventsBefore210(t *testing.T) {
	t.Parallel()
	r := run(t, variant{version: v200}, "--collects", "2", "--tick", "20", "--output", "null", "PLUGIN", "-i")
	r.wantCode(t, 1)
	if i := r.report.Instances[0]; i.Malformed != i.Appends || i.Records != 0 {
		t.Errorf("%d malformed of %d, %d records", i.Malformed, i.Appends, i.Records)
	}
}

// From 4.0.3 on, Init <= 0 fails the start, and no further calls are made.
func TestInitRefused(t *testing.T) {
	t.Parallel()
	for _, version := range []int{v403, v511} {
		t.Run(variant{version: version}.String(), func(t *testing.T) {
			t.Parallel()
			r := run(t, variant{version: version}, "--seconds", "5", "PLUGIN", "-i", "-i", "-p", "fault=refuse")
			r.wantCode(t, 3)
			want := []string{"PreRegister(0)", "Register", "Init", "Init", "Unregister"}
			if diff := cmp.Diff(want, bare(names(r.calls(), once))); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
	r := run(t, variant{version: v400}, "--seconds", "0.2", "PLUGIN", "-i", "-p", "fault=refuse")
	r.wantLine(t, "this release continues without sample.0, and would crash at shutdown")
}

func TestRegisterFails(t *testing.T) {
	t.Parallel()
	r := runEnv(t, variant{version: v511}, []string{"FAULT_REGISTER=1"}, "--seconds", "5")
	r.wantCode(t, 3)
	r.wantLine(t, "FLBPluginRegister failed")
}

// Below 5.0 the definition is not zeroed: a plugin must set its flags.
func TestFlagsLeftUnset(t *testing.T) {
	t.Parallel()
	for version, faults := range map[int]int{v410: 1, v511: 0} {
		r := runEnv(t, variant{version: version}, []string{"FAULT_FLAGS=1"}, "--collects", "1", "--tick", "20", "--output", "null")
		r.wantCode(t, faults)
		if r.report.RegisterFaults != faults {
			t.Errorf("%x: %d faults at Register, want %d", version, r.report.RegisterFaults, faults)
		}
	}
}

// A producer that never lets the ring become empty is distinguished from a slow engine.
// It fills in 0.1 s what takes 1.3 s to drain.
func TestStarvation(t *testing.T) {
	t.Parallel()
	r := run(t, variant{version: v511}, "--seconds", "0.5", "--tick", "20", "--drain-ms", "20", "--ring", "64",
		"--output", "null", "PLUGIN", "-i", "-p", "path=append", "-p", "sleeve=100")
	r.wantCode(t, 1)
	if r.report.Starved == 0 {
		t.Errorf("not starved:\n%s", r.stderr)
	}
}

// bare strips the sizes from Register(56).
func bare(names []string) []string {
	for i, n := range names {
		if strings.HasPrefix(n, "Register(") {
			names[i] = "Register"
		}
	}
	return names
}
