// SPDX-License-Identifier: Apache-2.0

package capacity

import "testing"

// Each kind of evidence names its culprit, and a cause comes before its effects.
func TestCulprit(t *testing.T) {
	engine := func(cpu float64) Thread { return Thread{EngineThread, "flb-pipeline", cpu, 0, 0} }
	for _, tt := range []struct {
		name     string
		rate     float64
		evidence Evidence
		want     string
	}{
		{"nothing", 1000, Evidence{}, "unknown"},
		{"engine", 1000, Evidence{Threads: []Thread{{InputThread, "gdummy.0", 0.4, 0, 0}, engine(0.987)}}, "engine thread at 99 %"},
		{"input", 1000, Evidence{Threads: []Thread{{InputThread, "gdummy.0", 0.97, 0, 0}, engine(0.5)}}, "thread of input gdummy.0 at 97 %"},
		{"output's thread", 1000, Evidence{Threads: []Thread{{OutputThread, "http.0 w1", 0.95, 0, 0}, engine(0.5)}}, "thread of output http.0 w1 at 95 %"},
		{"another thread", 1000, Evidence{Threads: []Thread{{OtherThread, "flb-logger", 0.99, 0, 0}}}, "thread flb-logger at 99 %"},
		{"measured above a core", 1000, Evidence{Threads: []Thread{engine(1.02)}}, "engine thread at 100 %"},
		{"filter in the engine", 1000, Evidence{Threads: []Thread{engine(0.99)}, Filters: []Filter{{Name: "grep.0", Time: 0.1}, {Name: "lua.0", Time: 0.71}}},
			"engine thread at 99 %, 72 % of it in filter lua.0"},
		{"small filter", 1000, Evidence{Threads: []Thread{engine(0.99)}, Filters: []Filter{{Name: "grep.0", Time: 0.1}}}, "engine thread at 99 %"},
		{"busy engine before its retries and pauses", 1000, Evidence{Threads: []Thread{engine(0.99)}, Outputs: []Output{{Name: "http.0", Retries: 3}}, Pauses: 4}, "engine thread at 99 %"},
		{"filter that drops", 1000, Evidence{Threads: []Thread{engine(0.2)}, Filters: []Filter{{Name: "throttle.0", Dropped: 1}}}, "filter throttle.0 drops records"},
		{"receiver's limit", 5100, Evidence{Threads: []Thread{engine(0.2)}, ReceiverLimit: 5000, Outputs: []Output{{Name: "http.0", Retries: 9}}, Pauses: 2},
			"receiver at its limit of 5k records/s"},
		{"receiver far from its limit", 2000, Evidence{Threads: []Thread{engine(0.99)}, ReceiverLimit: 5000}, "engine thread at 99 %"},
		{"receiver's thread", 1000, Evidence{Threads: []Thread{engine(0.6)}, ReceiverBusy: 0.96}, "receiver: gdummy reads records 96 % of the time"},
		{"receiver's workers", 1000, Evidence{Threads: []Thread{engine(0.2)}, Workers: 1, WorkersBusy: 0.97, Outputs: []Output{{Name: "http.0", Busy: 1}}}, "receiver: its worker is busy 97 % of the time"},
		{"receiver's idle workers", 1000, Evidence{Threads: []Thread{engine(0.95)}, Workers: 4, WorkersBusy: 0.5}, "engine thread at 95 %"},
		{"engine that waits for a CPU", 1000, Evidence{Threads: []Thread{{EngineThread, "flb-pipeline", 0.6, 0.99, 0.33}}}, "engine thread busy 99 % of the time (60 % computing, 33 % waiting for a CPU)"},
		{"blocked output", 1000, Evidence{Threads: []Thread{engine(0.5), {OutputThread, "file.0 w0", 0.1, 0.98, 0.01}}}, "thread of output file.0 w0 busy 98 % of the time (10 % computing, 87 % blocked)"},
		{"blocked thread of no part", 1000, Evidence{Threads: []Thread{engine(0.5), {OtherThread, "fluent-bit", 0, 1, 0}}}, "unknown: engine thread at 50 % is the busiest"},
		{"filter in a starved engine", 1000, Evidence{Threads: []Thread{{EngineThread, "flb-pipeline", 0.5, 0.99, 0.4}}, Filters: []Filter{{Name: "lua.0", Time: 0.89}}},
			"engine thread busy 99 % of the time (50 % computing, 40 % waiting for a CPU), 90 % of it in filter lua.0"},
		{"quota", 1000, Evidence{Threads: []Thread{engine(0.3)}, CPUQuota: 0.5, CPU: 0.497}, "CPU quota of 0.5 cores at 99 %"},
		{"quota above a busy thread", 1000, Evidence{Threads: []Thread{engine(0.99)}, CPUQuota: 1, CPU: 0.99}, "engine thread at 99 %"},
		{"one worker", 1000, Evidence{Threads: []Thread{engine(0.1)}, Outputs: []Output{{Name: "http.0", Workers: 1, Busy: 0.99}}, Pauses: 2},
			"output http.0: its worker is busy 99 % of the time"},
		{"two workers", 1000, Evidence{Outputs: []Output{{Name: "es.0", Busy: 0.2}, {Name: "http.1", Workers: 2, Busy: 1}}}, "output http.1: its 2 workers are busy 100 % of the time"},
		{"no worker", 1000, Evidence{Outputs: []Output{{Name: "http.1", Busy: 1}}}, "output http.1: its connection is busy 100 % of the time"},
		{"given up", 1000, Evidence{Threads: []Thread{engine(0.1)}, Outputs: []Output{{Name: "http.0", Retries: 9, GivenUp: 1}}}, "output http.0 gave up 1 chunk"},
		{"retries", 1000, Evidence{Threads: []Thread{engine(0.1)}, Outputs: []Output{{Name: "http.0", Retries: 9}}, Pauses: 4}, "output http.0: 9 retries"},
		{"storage", 1000, Evidence{Threads: []Thread{engine(0.1)}, Storage: 0.98, Pauses: 4}, "storage at 98 % of its limit"},
		{"memory", 1000, Evidence{Threads: []Thread{engine(0.1)}, Memory: 1, Pauses: 4}, "mem_buf_limit at 100 %"},
		{"pauses", 1000, Evidence{Threads: []Thread{engine(0.1)}, Pauses: 4}, "inputs were paused: 4 pauses"},
		{"no part is at its limit", 1000, Evidence{Threads: []Thread{engine(0.62), {InputThread, "gdummy.0", 0.3, 0, 0}}}, "unknown: engine thread at 62 % is the busiest"},
		{"gdummy", 170e3, Evidence{Threads: []Thread{engine(0.99)}, Headroom: 210e3}, "gdummy itself, which can produce 210k records/s"},
		{"far from gdummy's limit", 150e3, Evidence{Threads: []Thread{engine(0.99)}, Headroom: 210e3}, "engine thread at 99 %"},
	} {
		if got := tt.evidence.Culprit(tt.rate); got != tt.want {
			t.Errorf("%s: Culprit(%v) of %+v:\n got %s\nwant %s", tt.name, tt.rate, tt.evidence, got, tt.want)
		}
	}
}
