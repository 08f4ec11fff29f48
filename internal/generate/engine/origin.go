// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/gdummy/gdummy/internal/files"
)

// Origin is what the records of a run depend on, beside the moments at which they were
// due. Two engines of equal origins make the same record of a number and a moment.
type Origin struct {
	First, Step   uint64 // number of the first record in its stream, and the distance of two
	Copies        uint64
	Seed, Stream  string // as the options say, or as they were drawn
	Shard, Shards uint64
	Timing        Timing
	Template      string            // hash of the texts that records are made of
	Files         map[string]string // hashes of the files that templates read, by name
	Irregular     string            // the share of irregular records; empty is the usual one
	Broken        string            // the plan of package damage; empty is none
	GOARCH        string            // floats may differ in their last bit
}

// originOf returns the origin of a configuration whose records have a timing.
func originOf(c *Config, timing Timing) Origin {
	n := newNumbering(c)
	t := &c.Template
	o := Origin{
		First: n.first, Step: n.step, Copies: uint64(c.Copies),
		Seed: t.Seed, Stream: t.Stream, Shard: t.Shard, Shards: max(t.Shards, 1),
		Timing: timing, Template: c.hash(), Files: c.fileSums(), Irregular: c.irregular(), GOARCH: runtime.GOARCH,
	}
	if c.broken != nil {
		o.Broken = c.broken.String()
	}
	return o
}

// Origin returns the origin of the records of a configuration, without their timing.
func (c *Config) Origin() Origin { return originOf(c, Timing{}) }

// hash returns the hash of all texts that records are made of.
func (c *Config) hash() string {
	t := &c.Template
	source := c.source
	if source == c.Dummy {
		source = "" // whether it is compiled makes no difference
	}
	h := xxhash.New()
	for _, text := range []string{source, t.Metadata, t.Tag, t.Left, t.Right, c.Dummy, c.Metadata, c.replayKey(), c.irregular(), c.Template.Broken} {
		fmt.Fprintf(h, "%d\n%s", len(text), text)
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// Fields returns the origin as names and values, for the ledger.
func (o Origin) Fields() [][2]string {
	fields := [][2]string{
		{"first", strconv.FormatUint(o.First, 10)}, {"step", strconv.FormatUint(o.Step, 10)},
		{"copies", strconv.FormatUint(o.Copies, 10)},
		{"seed", o.Seed}, {"stream", o.Stream}, {"shard", fmt.Sprintf("%d/%d", o.Shard, o.Shards)},
		{"clock", o.Timing.String()}, {"template", o.Template}, {"goarch", o.GOARCH},
	}
	if o.Timing.Disorder != nil {
		fields = append(fields, [2]string{"disorder", o.Timing.Disorder.Text()})
	}
	for _, f := range [][2]string{{"irregular", o.Irregular}, {"broken", o.Broken}} {
		if f[1] != "" {
			fields = append(fields, f)
		}
	}
	if len(o.Files) > 0 {
		var lines []string
		for _, name := range slices.Sorted(maps.Keys(o.Files)) {
			lines = append(lines, o.Files[name]+" "+name)
		}
		fields = append(fields, [2]string{"files", strings.Join(lines, "\n")})
	}
	return fields
}

// ParseOrigin reads the fields of an origin. Fields of other names are ignored.
func ParseOrigin(fields map[string]string) (Origin, error) {
	p := originParser{fields: fields}
	o := Origin{
		First: p.number("first"), Step: p.number("step"), Copies: p.number("copies"),
		Seed: fields["seed"], Stream: fields["stream"],
		Timing: p.timing(), Template: p.text("template"), GOARCH: p.text("goarch"), Files: map[string]string{},
		Irregular: fields["irregular"], Broken: fields["broken"],
	}
	shard, shards, _ := strings.Cut(p.text("shard"), "/")
	o.Shard, o.Shards = p.parse("shard", shard), p.parse("shard", shards)
	for line := range strings.Lines(fields["files"]) {
		sum, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		o.Files[name] = sum
	}
	return o, p.err
}

type originParser struct {
	fields map[string]string
	err    error
}

func (p *originParser) text(name string) string {
	text, ok := p.fields[name]
	if !ok && p.err == nil {
		p.err = fmt.Errorf("no field %s: the ledger is of an older version", name)
	}
	return text
}

func (p *originParser) number(name string) uint64 { return p.parse(name, p.text(name)) }

func (p *originParser) parse(name, text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("field %s: expected a number, found %q", name, text)
	}
	return n
}

func (p *originParser) timing() Timing {
	t, err := parseTiming(p.text("clock"))
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("field clock: %w", err)
	}
	p.disorder(&t)
	return t
}

// Source returns the source of the records of an origin, without identities. The
// configuration must have the seed, the stream and the texts of the origin.
func (c *Config) Source(o Origin) Source {
	if s := c.lives(); s != nil && o.Timing.Schedule != nil {
		o.Timing.Schedule.Bind(s)
	}
	numbers := numbering{first: o.First, step: o.Step}
	if o.Moves() {
		numbers = numbering{step: 1}
	}
	source := c.unmarked(newTimer(o.Timing, numbers), Options{})
	if d := o.Damage(); d != nil {
		source = newBreaking(source, d)
	}
	return source
}

// unmarked returns the source of the records, neither damaged nor with identities.
func (c *Config) unmarked(t *timer, o Options) Source {
	switch {
	case c.replay != nil:
		return newReplayed(c, t, o.Log)
	case c.Program != nil:
		return &templated{timer: t, p: c.Program}
	}
	return newFixed(c, t, o)
}

// fileSums returns the hashes of all files that records are made of; nil if there are
// none.
func (c *Config) fileSums() map[string]string {
	switch {
	case c.replay != nil:
		return c.replay.Sums()
	case c.files != nil:
		return c.files.hashes
	}
	return nil
}

// FilesRead returns the names of all files that an engine reads or has read, by option.
// Those that templates read are under "template".
func (c *Config) FilesRead() map[string][]string {
	read := map[string][]string{}
	kind := "template"
	if c.replay != nil {
		kind = "replay"
	}
	for name := range c.fileSums() {
		read[kind] = append(read[kind], name)
	}
	if c.Template.File != "" {
		read["template_file"] = []string{c.Template.File}
	}
	if c.Control != "" {
		read["control"] = []string{c.Control}
	}
	return read
}

// hashedFiles are files of a path that are hashed while they are read.
type hashedFiles struct {
	files.Path
	hashes map[string]string // by name
}

// Open opens a file, as files.Path does.
func (f *hashedFiles) Open(name string) (io.ReadCloser, error) {
	file, err := f.Path.Open(name)
	if err != nil {
		return nil, err
	}
	sum := xxhash.New()
	return &hashedFile{io.TeeReader(file, sum), func() error {
		_, err := io.Copy(sum, file) // the rest
		f.hashes[name] = fmt.Sprintf("%016x", sum.Sum64())
		return errors.Join(err, file.Close())
	}}, nil
}

// hashedFile is a file that is hashed while it is read.
type hashedFile struct {
	io.Reader
	close func() error
}

func (f *hashedFile) Close() error { return f.close() }
