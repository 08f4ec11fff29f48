// SPDX-License-Identifier: Apache-2.0

// Command follow-file is a Fluent Bit input that follows a file over replacement, truncation and restarts.
package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/gdummy/gdummy/flb"
	"github.com/tinylib/msgp/msgp"
)

var plugin = flb.Plugin{Name: "follow_file", Description: "The lines of a file", New: func() flb.Input { return new(follower) }, Options: []flb.Option{
	{Name: "path", Required: true, Help: "the file to read"}, {Name: "position_file", Required: true, Help: "the file that keeps the position"},
}}

type follower struct {
	in            *flb.Instance
	inotify       int // is ready when the file changes
	file          *os.File
	inode, offset uint64 // after what was emitted
	buf           [flb.SliceSize]byte
}

func (f *follower) Init(in *flb.Instance) (err error) {
	f.in = in
	text, _ := os.ReadFile(in.String("position_file"))
	fmt.Sscan(string(text), &f.inode, &f.offset)
	f.inotify, err = syscall.InotifyInit1(syscall.IN_NONBLOCK | syscall.IN_CLOEXEC)
	return cmp.Or(err, in.Watch(f.inotify))
}

func (f *follower) Collect(e *flb.Emitter) (err error) {
	for next := time.Now(); err == nil && e.Wait(next); {
		next, err = f.read(e, time.Now())
	}
	return cmp.Or(err, f.save())
}

// read emits the next lines and returns when to read again, if the file does not change.
func (f *follower) read(e *flb.Emitter, now time.Time) (next time.Time, err error) {
	syscall.Read(f.inotify, f.buf[:]) // which change it was does not matter
	var stat syscall.Stat_t
	if f.file == nil {
		if f.file, err = os.Open(f.in.String("path")); err != nil {
			return now, err
		}
		syscall.InotifyAddWatch(f.inotify, f.file.Name(), syscall.IN_MODIFY|syscall.IN_ATTRIB|syscall.IN_MOVE_SELF)
		if syscall.Fstat(int(f.file.Fd()), &stat); stat.Ino != f.inode || uint64(stat.Size) < f.offset {
			f.inode, f.offset = stat.Ino, 0
		}
	}
	replaced := syscall.Stat(f.file.Name(), &stat) == nil && (stat.Ino != f.inode || uint64(stat.Size) < f.offset)
	n, err := syscall.Pread(int(f.file.Fd()), f.buf[:], int64(f.offset))
	if err != nil {
		return now, err
	}
	end := bytes.LastIndexByte(f.buf[:n], '\n') + 1
	if end == 0 && (n == len(f.buf) || replaced) {
		end = n // a long line, or one that will never be complete
	}
	if end == n && n < len(f.buf) && replaced {
		defer func(old *os.File) { f.file = nil; old.Close() }(f.file)
	}
	events, records := e.Buffer(), 0
	for line := range bytes.Lines(f.buf[:end]) {
		events = msgp.AppendString(msgp.AppendMapHeader(e.AppendEvent(events, now, nil), 1), "line")
		events, records = msgp.AppendStringFromBytes(events, bytes.TrimRight(line, "\r\n")), records+1
	}
	e.Emit("", records, events)
	f.offset += uint64(end)
	if end == 0 && !replaced {
		now = now.Add(time.Second) // another file may replace this one
	}
	return now, nil
}

// save stores the position if the engine has ingested what was emitted.
func (f *follower) save() (err error) {
	if name := f.in.String("position_file"); f.in.Emitter().Pending() == 0 {
		if err = os.WriteFile(name+".new", fmt.Appendln(nil, f.inode, f.offset), 0o600); err == nil {
			err = os.Rename(name+".new", name)
		}
	}
	return err
}

func (f *follower) Close(bool) error {
	syscall.Close(f.inotify)
	f.file.Close()
	return f.save()
}

func init() { flb.Register(plugin) }
func main() {}
