// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// exampleWidth is the length to which a first test shortens an example, in bytes.
const exampleWidth = 60

// WholeLines returns how many records make whole groups of lines, at least n.
func WholeLines(n uint64, all []Observation) uint64 {
	for i := 0; i < len(all); i++ {
		if n%all[i].Lines != 0 {
			n++
			i = -1
		}
	}
	return n
}

// WriteFirst writes a file of expectations that describes what a pipeline does now:
// f is the file of a trial run, with the name of the pipeline to write, and all is what
// arrived.
func (f *File) WriteFirst(w io.Writer, all []Observation) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Written by gdummy test --init from %d records of each input. It describes what the\n", f.Records)
	b.WriteString("# pipeline does now: confirm that each line is what the pipeline is meant to do, and\n# remove its comment.\n")
	fmt.Fprintf(&b, "pipeline: %s\nrecords: %d\n", scalarYAML(f.Pipeline), WholeLines(f.Records, all))
	if len(f.Inputs) > 0 {
		b.WriteString("inputs:\n")
	}
	for _, in := range f.Inputs {
		fmt.Fprintf(&b, "  - input: %s", scalarYAML(in.Input))
		if in.Parser != "" {
			fmt.Fprintf(&b, "   # its parser %s does not run: its records arrive as it would read them", in.Parser)
		}
		b.WriteByte('\n')
		if in.Via != "" {
			fmt.Fprintf(&b, "    via: %s\n", in.Via)
		}
		if in.Form != "" {
			fmt.Fprintf(&b, "    form: %s\n", in.Form)
		}
		for _, o := range in.Options {
			fmt.Fprintf(&b, "    %s: %s   # confirm: these are the records of %s\n", o[0], scalarYAML(o[1]), in.Input)
		}
	}
	b.WriteString("sinks:\n")
	var silent []string
	for i := range all {
		if len(all[i].From) == 0 {
			silent = append(silent, all[i].Output)
			continue
		}
		all[i].write(&b)
	}
	for _, output := range silent {
		fmt.Fprintf(&b, "  # no record with an identity arrived at %s: confirm that none is meant to\n", output)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// write writes one sink.
func (o *Observation) write(b *strings.Builder) {
	fmt.Fprintf(b, "  - output: %s\n", scalarYAML(o.Output))
	switch {
	case o.Shared:
		fmt.Fprintf(b, "    name: %s\n", scalarYAML(o.Name()))
		fmt.Fprintf(b, "    from: %s   # confirm: the records of other inputs differ\n", listYAML(o.From))
	case !o.All:
		fmt.Fprintf(b, "    from: %s   # confirm: no other input\n", listYAML(o.From))
	}
	share := fmt.Sprintf("%d of %d records arrived", o.Arrived, o.Sent)
	switch {
	case o.Lines > 1:
		fmt.Fprintf(b, "    lines: %d   # confirm: %s\n", o.Lines, share)
	case o.Arrive != "":
		fmt.Fprintf(b, "    arrive: %s   # confirm: %s\n", scalarYAML(o.Arrive), share)
	case o.Arrived == o.Sent:
		fmt.Fprintf(b, "    # confirm: %s\n", share)
	default:
		fmt.Fprintf(b, "    # arrive: ''   # complete: %s, and no variable distinguishes them\n", share)
		fmt.Fprintf(b, "    share: %.4g%% ± 1%%   # confirm: or use arrive\n", 100*float64(o.Arrived)/float64(o.Sent))
	}
	switch {
	case o.Copies > 1:
		fmt.Fprintf(b, "    copies: %d   # confirm: each record arrived so often\n", o.Copies)
	case o.Copies == 0:
		b.WriteString("    # some records arrived more often than others: repair the pipeline\n")
	}
	if o.Joined > 0 && o.Lines == 1 {
		fmt.Fprintf(b, "    # %d of these are several records that were joined: if each has N, use lines: N\n", o.Joined)
	}
	if o.Foreign > 0 {
		fmt.Fprintf(b, "    # %d records arrived without an identity: see Inputs in the reference of expectations\n", o.Foreign)
	}
	if slices.ContainsFunc(o.Members, func(m ObservedMember) bool { return m.Always && m.Value != "" }) {
		b.WriteString("    fields:\n")
	} else {
		b.WriteString("    # fields:\n")
	}
	for _, m := range o.Members {
		switch path := scalarYAML(m.Path); {
		case !m.Always:
			fmt.Fprintf(b, "      # %s: not in all records, such as %s\n", path, shortened(m.Example))
		case m.Value == "":
			fmt.Fprintf(b, "      # %s: no variable has its value, such as %s\n", path, shortened(m.Example))
		case m.Constant:
			fmt.Fprintf(b, "      %s: %s   # confirm: the same in all records\n", path, scalarYAML(m.Value))
		default:
			fmt.Fprintf(b, "      %s: %s   # confirm: such as %s\n", path, scalarYAML(m.Value), shortened(m.Example))
		}
	}
	if len(o.Unused) > 0 {
		fmt.Fprintf(b, "    # absent: %s   # complete: secrets among the variables whose values no member has\n", listYAML(o.Unused))
	}
	if len(o.TopLevel) > 0 {
		fmt.Fprintf(b, "    only: %s   # confirm: no other member\n", listYAML(o.TopLevel))
	}
}

// shortened returns the beginning of an example, on one line.
func shortened(text string) string {
	if len(text) > exampleWidth {
		text = strings.ToValidUTF8(text[:exampleWidth], "") + "…"
	}
	return text
}

var (
	plainYAML = regexp.MustCompile(`^[A-Za-z_$./][A-Za-z0-9_$./"()+ |-]*$`)
	wordsYAML = []string{"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
)

// scalarYAML returns a text as a scalar of YAML, plain if it can be.
func scalarYAML(text string) string {
	switch {
	case plainYAML.MatchString(text) && !slices.Contains(wordsYAML, strings.ToLower(text)) && strings.TrimSpace(text) == text:
		return text
	case strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return strconv.Quote(text)
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// listYAML returns texts as a list of YAML.
func listYAML(texts []string) string {
	var parts []string
	for _, t := range texts {
		parts = append(parts, scalarYAML(t))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
