// SPDX-License-Identifier: Apache-2.0

package testrun

import (
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/render"
	"github.com/gdummy/gdummy/internal/wire/pipeline"
)

// watchEvery is how often files are checked for changes.
const watchEvery = 300 * time.Millisecond

// Watched are the files on which tests depend, and how they were.
type Watched struct {
	paths  []string
	before string
}

// Watch returns the files on which tests depend, as they are now.
func Watch(tests []string) *Watched {
	paths := watchedFiles(tests)
	return &Watched{paths, modified(paths)}
}

// Wait waits until a file has changed since Watch; it returns false if stop is closed
// before.
func (w *Watched) Wait(stop <-chan struct{}) bool {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return false
		case <-tick.C:
			if modified(w.paths) != w.before {
				return true
			}
		}
	}
}

// modified returns a text that changes if one of the files does, or appears.
func modified(watched []string) string {
	var b strings.Builder
	for _, path := range watched {
		if info, err := os.Stat(path); err == nil {
			fmt.Fprintln(&b, path, info.ModTime().UnixNano(), info.Size())
		}
	}
	return b.String()
}

// Limits of watchedFiles.
const (
	maxWatched = 1000
	maxNaming  = 1 << 20 // bytes of a file in which names are looked for
)

// watchedFiles returns the files on which tests depend: the tests, their configurations, and
// all whose names are in one of these: parsers, scripts, templates and their tables.
func watchedFiles(tests []string) (watched []string) {
	var dirs []string
	add := func(path string) {
		if path = filepath.Clean(path); len(watched) < maxWatched && !slices.Contains(watched, path) {
			watched = append(watched, path)
		}
	}
	for _, path := range tests {
		add(path)
		file, err := pipeline.ReadTest(path)
		if err != nil {
			continue
		}
		add(file.Path)
		add(file.Pipeline)
		dirs = append(dirs, filepath.Dir(file.Path), filepath.Dir(file.Pipeline))
		if config, err := render.Read(file.Pipeline); err == nil {
			for _, p := range config.Files() {
				add(p)
			}
		}
	}
	dirs = append(dirs, "")
	for i := 0; i < len(watched); i++ { // it grows
		info, err := os.Stat(watched[i])
		if err != nil || info.Size() > maxNaming {
			continue
		}
		text, err := os.ReadFile(watched[i])
		if err != nil {
			continue
		}
		for name := range words(string(text)) {
			for _, dir := range append(dirs, filepath.Dir(watched[i])) {
				path := name
				if !filepath.IsAbs(name) {
					path = filepath.Join(dir, name)
				}
				if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
					add(path)
				}
			}
		}
	}
	return watched
}

// grown are properties with files that a pipeline reads or writes while it runs.
var grown = []string{"path", "exclude_path", "db", "file", "log_file", "ledger", "storage.path"}

// words returns the words of a text that may be names of files on which a test depends.
func words(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(text) {
			all := strings.FieldsFunc(strings.TrimLeft(line, " \t-"), separates)
			if len(all) > 0 && slices.Contains(grown, strings.ToLower(strings.TrimSuffix(all[0], ":"))) {
				continue
			}
			for _, word := range all {
				if !yield(word) {
					return
				}
			}
		}
	}
}

// separates reports whether a character is not part of the names that are looked for.
func separates(r rune) bool { return r <= ' ' || strings.ContainsRune("\"'`,;()[]{}", r) }
