package main

import (
	"github.com/gdummy/gdummy/flb"
	"github.com/gdummy/gdummy/internal/engine"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/option"
)

// input joins an engine to an instance of the plugin.
type input struct {
	engine  *engine.Engine
	counted engine.Counts

	records, bytes, ticks, shortfall *flb.Counter
}

// options is the option table as Fluent Bit lists it.
func options() []flb.Option {
	types := map[option.Kind]flb.OptionType{
		option.String: flb.String, option.Integer: flb.Integer, option.Boolean: flb.Boolean,
	}
	opts := make([]flb.Option, len(option.Table))
	for i, o := range option.Table {
		opts[i] = flb.Option{
			Name: o.Name, Type: types[o.Kind], Default: o.Default, Help: o.Help,
			FollowsEnvironment: o.FollowsEnvironment,
		}
	}
	return opts
}

// Init implements flb.Input.
func (in *input) Init(inst *flb.Instance) error {
	following := map[string]string{} // options with ${VAR}, as written
	lookup := func(name string) (string, bool) {
		text, ok := inst.Property(name)
		if !ok {
			return "", false
		}
		if o, found := option.Find(name); found && o.FollowsEnvironment {
			if expanded, could := inst.Expand(text); could && expanded != text {
				following[name] = text
				return expanded, true
			}
		}
		return text, true
	}
	c, warnings, err := option.Parse(lookup)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		for _, line := range w.Lines() {
			inst.Log(flb.Warn, line)
		}
	}
	o := engine.Options{Form: event.Legacy, Log: func(line string) { inst.Log(flb.Warn, line) }}
	if inst.HasMetadata() {
		o.Form = event.V2
	}
	if len(following) > 0 {
		o.Env = func() (string, string) {
			now := [2]string{c.Dummy.Text, c.Metadata.Text}
			for i, name := range []string{"dummy", "metadata"} {
				if text, ok := following[name]; ok {
					if expanded, could := inst.Expand(text); could {
						now[i] = expanded
					}
				}
			}
			return now[0], now[1]
		}
	}
	in.records = inst.Counter("records_total", "Total number of records handed to the engine")
	in.bytes = inst.Counter("bytes_total", "Total number of bytes of MessagePack handed to the engine")
	in.ticks = inst.Counter("ticks_total", "Total number of ticks")
	in.shortfall = inst.Counter("shortfall_records_total", "Total number of records given up because a stall lasted too long")
	in.engine = engine.New(c, o)
	if inst.Streams() {
		inst.Log(flb.Debug, "records are appended to the engine as they become due")
	} else {
		inst.Log(flb.Info, "records are handed over once a second: this host offers no other way")
	}
	return nil
}

// Collect implements flb.Input.
func (in *input) Collect(e *flb.Emitter) error {
	defer in.count()
	in.engine.Run(e)
	return nil
}

// count brings the metrics up to date.
func (in *input) count() {
	now := in.engine.Counts()
	in.records.Add(now.Records - in.counted.Records)
	in.bytes.Add(now.Bytes - in.counted.Bytes)
	in.ticks.Add(now.Ticks - in.counted.Ticks)
	in.shortfall.Add(now.Shortfall - in.counted.Shortfall)
	in.counted = now
}
