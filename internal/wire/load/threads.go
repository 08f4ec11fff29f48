// SPDX-License-Identifier: Apache-2.0

package load

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gdummy/gdummy/internal/config/render"
	"github.com/gdummy/gdummy/internal/prove/capacity"
	"github.com/gdummy/gdummy/internal/wire/agent"
)

// outputPrefix begins the names of threads of outputs.
const outputPrefix = "flb-out-"

// roleOf returns what a thread of Fluent Bit does, by its name, and which part it serves.
func roleOf(thread string) (capacity.Role, string) {
	for _, r := range []struct {
		prefix string
		role   capacity.Role
	}{{"flb-pipeline", capacity.EngineThread}, {"flb-in-", capacity.InputThread}, {outputPrefix, capacity.OutputThread}} {
		if name, ok := strings.CutPrefix(thread, r.prefix); ok {
			if name == "" {
				name = thread
			}
			return r.role, name
		}
	}
	return capacity.OtherThread, thread
}

// sender is an output of a copy.
type sender struct {
	name  string // as Fluent Bit names it, such as forward.0
	label string // in the user's configuration
}

// senders returns the outputs of a copy, in order.
func senders(outputs []*render.Section, labels []string) (all []sender) {
	count := map[string]int{}
	for i, s := range outputs {
		all = append(all, sender{fmt.Sprintf("%s.%d", s.Plugin(), count[s.Plugin()]), labels[i]})
		count[s.Plugin()]++
	}
	return all
}

// outputThreads returns the labels of the outputs that threads serve, by the thread's
// identifier. A name such as flb-out-forward.0-w1 is cut after 15 bytes: outputs of the
// same plugin are distinguished by the order in which their workers start, if they have
// the same number of them.
func outputThreads(threads []agent.ThreadUsage, outputs []sender) map[string]string {
	labels := map[string]string{}
	byName := map[string][]agent.ThreadUsage{}
	for _, t := range threads {
		if strings.HasPrefix(t.Name, outputPrefix) {
			byName[t.Name] = append(byName[t.Name], t)
		}
	}
	for name, same := range byName {
		var serve []sender
		for _, o := range outputs {
			if full := outputPrefix + o.name + "-w"; strings.HasPrefix(full, name) || strings.HasPrefix(name, full) {
				serve = append(serve, o)
			}
		}
		if len(serve) == 0 || len(same)%len(serve) != 0 {
			continue
		}
		slices.SortFunc(same, func(a, b agent.ThreadUsage) int { return number(a.ID) - number(b.ID) })
		each := len(same) / len(serve)
		for i, t := range same {
			labels[t.ID] = serve[i/each].label
		}
	}
	return labels
}

func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}
