// SPDX-License-Identifier: Apache-2.0

package testrun

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gdummy/gdummy/internal/config/render"
	"github.com/gdummy/gdummy/internal/prove/expect"
	"github.com/gdummy/gdummy/internal/wire/pipeline"
)

// surveyed is how many records of each input the run has from which a first file is written.
// It has whole groups of up to ten lines.
const surveyed = 2520

// WriteFirst writes a first file of expectations of a configuration, from what arrives in a
// run, beside it. It returns its path and how many of its lines a person has to confirm.
func WriteFirst(config string, o Options) (path string, confirm int, err error) {
	path = strings.TrimSuffix(config, filepath.Ext(config)) + ".test.yaml"
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return "", 0, fmt.Errorf("%s already exists, and --init replaces no file: run `gdummy test %[1]s`, or rename it first", path)
	}
	file, err := unjudged(config, o)
	if err != nil {
		return "", 0, err
	}
	if o.Library, err = pipeline.Library(o.Library, config); err != nil {
		return "", 0, err
	}
	var all []expect.Observation
	for whole := uint64(0); whole != file.Records; {
		if whole > 0 {
			file.Records = whole // the last lines were not whole
		}
		t := trial{file: file, Options: o, survey: true}
		if result := t.run(); result.Err != nil {
			return "", 0, errors.Join(result.Err, lines(result.Log))
		}
		all = t.judge.Observe()
		whole = expect.WholeLines(file.Records, all)
	}
	var text bytes.Buffer
	file.Pipeline = filepath.Base(config)
	if err := file.WriteFirst(&text, all); err != nil {
		return "", 0, err
	}
	if _, err := expect.Parse(text.Bytes()); err != nil {
		return "", 0, fmt.Errorf("no record arrived at an output for which expectations could be written: %w", err)
	}
	confirm = strings.Count(text.String(), "# confirm") + strings.Count(text.String(), "# complete")
	return path, confirm, os.WriteFile(path, text.Bytes(), 0o666)
}

// unjudged returns a file for a configuration that observes all of its outputs.
func unjudged(path string, o Options) (*expect.File, error) {
	config, err := render.Read(path)
	if err != nil {
		return nil, err
	}
	if err := o.Binary.RequireMetadata(); err != nil {
		return nil, err
	}
	file := &expect.File{Pipeline: path, Records: cmp.Or(o.Records, surveyed), Seed: expect.DefaultSeed, Inputs: pipeline.GuessInputs(config, o.Binary.HasOffsets())}
	for _, label := range render.Labels(config.Outputs) {
		file.Sinks = append(file.Sinks, expect.Sink{Name: label, Output: label, Lines: 1, Copies: 1})
	}
	if len(file.Sinks) == 0 {
		return nil, errors.New("the configuration has no output")
	}
	return file, nil
}
