// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/testenv"
)

// through returns data after writing it through the writer that f creates.
func through(t testing.TB, data []byte, before func(io.Writer) (io.WriteCloser, error)) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := before(&b)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t testing.TB, data []byte) []byte {
	return through(t, data, func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil })
}

func zstandard(t testing.TB, data []byte) []byte {
	return through(t, data, func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) })
}

func xzed(t testing.TB, data []byte) []byte {
	return through(t, data, func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) })
}

func lz4ed(t testing.TB, data []byte) []byte {
	return through(t, data, func(w io.Writer) (io.WriteCloser, error) {
		z := lz4.NewWriter(w)
		return z, z.Apply(lz4.BlockSizeOption(lz4.Block64Kb))
	})
}

func snapped(t testing.TB, data []byte) []byte {
	return through(t, data, func(w io.Writer) (io.WriteCloser, error) { return s2.NewWriter(w, s2.WriterSnappyCompat()), nil })
}

func lz4Legacy(t testing.TB, data []byte) []byte {
	return through(t, data, func(w io.Writer) (io.WriteCloser, error) {
		z := lz4.NewWriter(w)
		return z, z.Apply(lz4.LegacyOption(true))
	})
}

// zipped and tarred return archives of files, which are pairs of name and text.
func zipped(t testing.TB, method uint16, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(zstd.ZipMethodWinZip, zstd.ZipCompressor())
	if _, err := z.Create("dir/"); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(files); i += 2 {
		w, err := z.CreateHeader(&zip.FileHeader{Name: files[i], Method: method})
		if err == nil {
			_, err = io.WriteString(w, files[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarred(t testing.TB, format tar.Format, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "dir/", Mode: 0o755, Format: format}); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(files); i += 2 {
		err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: files[i], Size: int64(len(files[i+1])), Mode: 0o644, Format: format})
		if err == nil {
			_, err = io.WriteString(w, files[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func utf16ed(order binary.AppendByteOrder, text string) []byte {
	var b []byte
	for _, c := range utf16.Encode([]rune("\ufeff" + text)) {
		b = order.AppendUint16(b, c)
	}
	return b
}

// skippable is a frame that zstd and lz4 skip. pzstd writes one before each frame.
func skippable(data []byte) []byte {
	return append(binary.LittleEndian.AppendUint32([]byte("\x50\x2a\x4d\x18"), uint32(len(data))), data...)
}

// bzip2 is the output of echo '{"message":"dummy"}' | bzip2. No library in use writes it.
const bzip2Dummy = "QlpoOTFBWSZTWQ8JOMwAAAlZgAAQEAAAECaCCiogACKNqPSM9UIBoAHsHequkLnhD+LuSKcKEgHhJxmA"

// All packings are supported, also when nested.
func TestPackings(t *testing.T) {
	one := `{"message":"dummy","gdummy":"` + id(t, 1, `{"message":"dummy"}`) + "\"}\n"
	two := `{"message":"dummy","gdummy":"` + id(t, 2, `{"message":"dummy"}`) + "\"}\n"
	pack := marked(t, `{"message":"dummy"}`, event.V2, false, 3)
	text, both := []byte(one+two), []byte(one+two)
	wide := "{\"message\":\"\U0001f600 \u00e9\",\"gdummy\":\"" + id(t, 1, "{\"message\":\"\U0001f600 \u00e9\"}") + "\"}\r\n" + two
	of := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	lines := []string{"1 intact", "2 intact"}
	packed := []string{"0 intact", "1 intact", "2 intact"}
	for name, c := range map[string]struct {
		data []byte
		want []string
	}{
		"gzip":                      {gzipped(t, text), lines},
		"gzip, two members":         {of(gzipped(t, []byte(one)), gzipped(t, []byte(two))), lines},
		"gzip, filled with zeros":   {of(gzipped(t, text), make([]byte, 5000)), lines},
		"gzip, zeros between":       {of(gzipped(t, []byte(one)), make([]byte, 700), gzipped(t, []byte(two)), make([]byte, 3)), lines},
		"gzip of MessagePack":       {gzipped(t, pack), packed},
		"zstd":                      {zstandard(t, text), lines},
		"pzstd":                     {of(skippable([]byte("abcd")), zstandard(t, []byte(one)), skippable([]byte("abcd")), zstandard(t, []byte(two))), lines},
		"zstd, a long frame before": {of(skippable(make([]byte, 20_000)), zstandard(t, text)), lines},
		"xz":                        {xzed(t, text), lines},
		"xz, two streams":           {of(xzed(t, []byte(one)), make([]byte, 8), xzed(t, []byte(two))), lines},
		"lz4":                       {lz4ed(t, text), lines},
		"lz4, two frames":           {of(lz4ed(t, []byte(one)), lz4ed(t, []byte(two))), lines},
		"lz4, a frame before":       {of(skippable([]byte("abcd")), lz4ed(t, text)), lines},
		"lz4, old":                  {lz4Legacy(t, text), lines},
		"snappy":                    {snapped(t, text), lines},
		"snappy of MessagePack":     {snapped(t, pack), packed},
		"zip":                       {zipped(t, zip.Deflate, "a.log", one, "b.log", two), lines},
		"zip, stored":               {zipped(t, zip.Store, "a.log", one, "b.log", two), lines},
		"zip, zstd":                 {zipped(t, zstd.ZipMethodWinZip, "a.log", one, "b.log", two), lines},
		"zip, empty":                {zipped(t, zip.Store), nil},
		"zip of gzip":               {zipped(t, zip.Store, "a.log.gz", string(gzipped(t, text)), "b", string(pack)), append(append([]string{}, lines...), packed...)},
		"tar":                       {tarred(t, tar.FormatUSTAR, "a.log", one, "b.log", two), lines},
		"tar, GNU":                  {tarred(t, tar.FormatGNU, strings.Repeat("a", 200), one, "b.log", two), lines},
		"tar, PAX":                  {tarred(t, tar.FormatPAX, strings.Repeat("\u00e9", 90), one, "b.log", two), lines},
		"tar.gz":                    {gzipped(t, tarred(t, tar.FormatPAX, "a.log", one, "b.log", two)), lines},
		"tar.xz of gzip of text":    {xzed(t, tarred(t, tar.FormatPAX, "a.log.gz", string(gzipped(t, text)))), lines},
		"an event of a tar":         {tarred(t, tar.FormatPAX, "a", string(pack[:len(pack)/3])), packed[:1]},
		"UTF-16, little":            {utf16ed(binary.LittleEndian, wide), lines},
		"UTF-16, big":               {utf16ed(binary.BigEndian, wide), lines},
		"UTF-16 in gzip":            {gzipped(t, utf16ed(binary.LittleEndian, strings.Repeat(wide, 500))), repeated(lines, 500)},
		"UTF-8 with its mark":       {of([]byte("\xef\xbb\xbf"), both), lines},
		"a hole before":             {of(make([]byte, 3000), []byte("\n"), text), lines},
	} {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for _, r := range []io.Reader{f, bytes.NewReader(c.data)} {
			got, broken := scanFrom(Options{}, r)
			if d := cmp.Diff(c.want, got); d != "" || broken > 0 {
				t.Errorf("%s: %d broken\n%s", name, broken, d)
			}
		}
	}
	data, err := base64.StdEncoding.DecodeString(bzip2Dummy)
	if err != nil {
		t.Fatal(err)
	}
	if got, broken := scan(Options{}, string(append(data, data...))); fmt.Sprint(got) != "[foreign foreign]" || broken > 0 {
		t.Errorf("bzip2: %v, %d broken", got, broken)
	}
}

func repeated(list []string, n int) (all []string) {
	for range n {
		all = append(all, list...)
	}
	return all
}

// A truncated source is scanned up to its end. The error is not a FormatError.
func TestPackingsCut(t *testing.T) {
	var text []byte
	r := rand.New(rand.NewPCG(14, 2))
	for k := range uint64(5000) {
		text = append(text, fmt.Sprintf(`{"message":"%x%x%x","gdummy":"%s"}`+"\n", r.Uint64(), r.Uint64(), r.Uint64(), id(t, k, `{"message":"dummy"}`))...)
	}
	for name, data := range map[string][]byte{
		"gzip": gzipped(t, text), "zstd": zstandard(t, text), "xz": xzed(t, text), "lz4": lz4ed(t, text), "snappy": snapped(t, text),
		"tar": tarred(t, tar.FormatPAX, "a", string(text)), "UTF-16": utf16ed(binary.LittleEndian, string(text)),
		"garbage behind gzip": append(append(gzipped(t, text), "garbage"...), make([]byte, len(text))...),
	} {
		n := 0
		s := New(Options{Take: func(recordid.ID, State, int64) { n++ }})
		err := s.Read(bytes.NewReader(data[:len(data)*3/4|1]))
		var format *FormatError
		if err == nil || errors.As(err, &format) || n < 1000 {
			t.Errorf("%s: %v, %d records", name, err, n)
		}
	}
	// A truncated file in an archive does not affect the others.
	for name, data := range map[string][]byte{
		"zip": zipped(t, zip.Deflate, "a.gz", string(gzipped(t, text)[:5000]), "b", string(text)),
		"tar": tarred(t, tar.FormatPAX, "a.gz", string(gzipped(t, text)[:5000]), "b", string(text)),
	} {
		n := 0
		s := New(Options{Take: func(recordid.ID, State, int64) { n++ }})
		if err := s.Read(bytes.NewReader(data)); err == nil || !strings.Contains(err.Error(), `"a.gz": `) || n < 5000 {
			t.Errorf("%s: %v, %d records", name, err, n)
		}
	}
}

// otlp returns an export request of OTLP with identities.
func otlp(t testing.TB) []byte {
	// ExportLogsServiceRequest: resource_logs 1 {resource 1, scope_logs 2 {scope 1, log_records 2}}.
	message := func(field int, parts ...[]byte) []byte {
		data := bytes.Join(parts, nil)
		return append(binary.AppendUvarint([]byte{byte(field<<3 | 2)}, uint64(len(data))), data...)
	}
	scope := message(1, message(1, []byte("scope")))
	for k := range uint64(20) {
		time := binary.LittleEndian.AppendUint64([]byte{1<<3 | 1}, 1732300000000000000)
		body := message(1, []byte(`{"message":"dummy","gdummy":"`+id(t, k, `{"message":"dummy"}`)+`"}`))
		scope = append(scope, message(2, time, message(5, body))...)
	}
	resource := message(1, message(1, message(1, []byte("service.name")), message(2, message(1, []byte("x")))))
	return message(1, resource, message(2, scope))
}

// The error for an unsupported format names it, and no record is found.
func TestUnreadable(t *testing.T) {
	line := `{"message":"dummy","gdummy":"` + id(t, 1, `{"message":"dummy"}`) + "\"}\n"
	text := strings.Repeat(line, 100)
	request := otlp(t)
	random := make([]byte, 10_000)
	r := rand.NewChaCha8([32]byte{14})
	r.Read(random)
	for _, c := range []struct{ name, data, want string }{
		{"Parquet", "PAR1\x15\x00\x15\xf4\x02\x15\xf4" + text, "Parquet"},
		{"Avro", "Obj\x01\x04\x14avro.codec\x08null\x16avro.schema" + text, "Avro"},
		{"ORC", "ORC\x11\x00\x00\x0a\x06" + text, "ORC"},
		{"7z", "7z\xbc\xaf\x27\x1c\x00\x04" + text, "a 7-Zip archive"},
		{"RAR", "Rar!\x1a\x07\x01\x00" + text, "a RAR archive"},
		{"pcap", "\xd4\xc3\xb2\xa1\x02\x00\x04\x00" + text, "a packet capture"},
		{"SQLite", "SQLite format 3\x00" + text, "an SQLite database"},
		{"ELF", "\x7fELF\x02\x01\x01" + text, "an ELF binary"},
		{"PDF", "%PDF-1.7\n" + text, "PDF"},
		{"OTLP", string(request), "OTLP as protobuf"},
		{"OTLP behind its length", string(binary.BigEndian.AppendUint32(nil, uint32(len(request)))) + string(request), "OTLP as protobuf"},
		{"UTF-16 without a mark", string(utf16ed(binary.LittleEndian, text)[2:]), "UTF-16 without a byte order mark"},
		{"UTF-32", "\xff\xfe\x00\x00{\x00\x00\x00", "UTF-32"},
		{"random", string(random), "binary data"},
		{"in gzip", string(gzipped(t, []byte("PAR1\x15\x00\x15\xf4"+text))), "Parquet"},
		{"in zip", string(zipped(t, zip.Deflate, "a.json", text, "b.parquet", "PAR1\x15\x00"+text)), `b.parquet: Parquet`},
		{"in tar in gzip", string(gzipped(t, tarred(t, tar.FormatPAX, "b.zip", string(zipped(t, zip.Deflate, "a", text))))), "b.zip: zip inside another format, or read from a pipe"},
		{"encrypted zip", strings.Replace(strings.Replace(string(zipped(t, zip.Store, "a", text)), "PK\x03\x04\x14\x00\x08\x00", "PK\x03\x04\x14\x00\x09\x00", -1), "PK\x01\x02\x14\x00\x14\x00\x08\x00", "PK\x01\x02\x14\x00\x14\x00\x09\x00", -1), "a: an encrypted file"},
	} {
		s := New(Options{Take: func(id recordid.ID, st State, _ int64) {
			if !strings.Contains(c.name, "zip") {
				t.Errorf("%s: found record %d, %v", c.name, id.Seq, st)
			}
		}})
		err := s.Read(strings.NewReader(c.data))
		if strings.Contains(c.name, "zip") {
			err = s.Read(bytes.NewReader([]byte(c.data)))
		}
		var format *FormatError
		if !errors.As(err, &format) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := format.Format
		if c.name == "OTLP" && got != c.want {
			t.Logf("%x", request[:100])
		}
		if format.Entry != "" {
			got = format.Entry + ": " + got
		}
		if got != c.want {
			t.Errorf("%s: Unreadable = %q, want %q", c.name, got, c.want)
		}
	}
}

// Random bytes are binary data. Text in any alphabet, MessagePack, and either of them
// with holes are not.
func TestBinary(t *testing.T) {
	r := rand.New(rand.NewPCG(14, 1))
	taken := 0
	for n := range 20_000 {
		data := make([]byte, 256+r.IntN(5000))
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		if Unreadable(data) == "" && files.PackingOf(data) == files.Unpacked {
			taken++
			t.Logf("%d: %x", n, data[:16])
		}
	}
	if taken > 4 {
		t.Errorf("%d of 20,000 random sources count as text or MessagePack", taken)
	}
	latin := strings.Repeat("2026-11-26 Gr\xfc\xdfe aus M\xfcnchen\r\n", 50)
	for name, data := range map[string]string{
		"text": "hello\n", "empty": "", "a line feed": "\n", "JSON": `{"a":1}`, "a list": "[]", "an empty map": "\x80", "two": "\x80\x81\xa1a\x01",
		"Latin-1": latin, "Windows quotes": "\x93Hello\x94 she said\n", "Cyrillic": strings.Repeat("\xcf\xf0\xe8\xe2\xe5\xf2 \xec\xe8\xf0\n", 50), "Chinese": strings.Repeat("日志\n", 50),
		"colors": strings.Repeat("\x1b[31mERROR\x1b[0m no\n", 50), "a hole": latin + strings.Repeat("\x00", 5000), "holes": "x\n" + strings.Repeat(strings.Repeat("\x00", 900)+"abc\n", 5),
		"GELF": strings.Repeat("{\"version\":\"1.1\",\"short_message\":\"x\"}\x00", 50), "CSV": "PAR1,x\nORC,y\n", "syslog": "<14>1 - - - - - -\n",
		"a record": string(marked(t, `{"a":1}`, event.V2, false, 1)), "a map": string(marked(t, `{"a":1}`, event.Legacy, false, 1)[11:]),
		"blank lines": "\n\n\n{\n\n\n", "msgpack list": "\x92\x81\xa3log\xa1a\x81\xa3log\xa1b", "Forward": "\x92\xa3tag\x91\x92\x01\x81\xa1a\x01",
	} {
		if what := Unreadable([]byte(data)); what != "" {
			t.Errorf("%s is detected as %s", name, what)
		}
	}
}

// Memory does not grow with the uncompressed size of a file.
func TestBombs(t *testing.T) {
	if testing.Short() {
		t.Skip("### SKIPPED with -short: four files of 64 MB are unpacked")
	}
	zeros := make([]byte, 1<<20)
	huge := func(before func(io.Writer) (io.WriteCloser, error), mb int) []byte {
		return through(t, nil, func(w io.Writer) (io.WriteCloser, error) {
			z, err := before(w)
			for range mb {
				if err == nil {
					_, err = z.Write(bytes.Repeat([]byte("{}\n"), len(zeros)/3))
				}
			}
			return z, err
		})
	}
	for name, data := range map[string][]byte{
		"gzip": huge(func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }, 64),
		"lz4":  huge(func(w io.Writer) (io.WriteCloser, error) { return lz4.NewWriter(w), nil }, 64),
		"zstd": huge(func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }, 64),
		"zip":  zipped(t, zip.Deflate, "a", strings.Repeat("{}\n", 16<<20)),
	} {
		before := testenv.LiveHeap()
		n, peak := 0, int64(0)
		s := New(Options{Take: func(recordid.ID, State, int64) {
			if n++; n%(1<<20) == 0 {
				peak = max(peak, testenv.LiveHeap())
			}
		}})
		if err := s.Read(bytes.NewReader(data)); err != nil || n < 16<<20 {
			t.Errorf("%s: %v, %d records", name, err, n)
		}
		if peak > before+24<<20 {
			t.Errorf("%s: %d MB reachable while 64 MB are unpacked", name, (peak-before)>>20)
		}
	}
}

// Requests may have the packings of the protocols, at most two of them nested.
func TestServedPackings(t *testing.T) {
	line := []byte(`{"message":"dummy"}` + "\n")
	o := Options{Take: func(recordid.ID, State, int64) {}, MaxBytes: 1 << 20}
	var format *FormatError
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"gzip": {gzipped(t, line), ""}, "zstd": {zstandard(t, line), ""}, "twice": {gzipped(t, zstandard(t, line)), ""},
		"xz": {xzed(t, line), "format"}, "zip": {zipped(t, zip.Store, "a", string(line)), "format"}, "tar": {tarred(t, tar.FormatPAX, "a", string(line)), "format"},
		"xz in gzip": {gzipped(t, xzed(t, line)), "format"}, "three times": {gzipped(t, gzipped(t, gzipped(t, line))), "error"},
		"much in between": {gzipped(t, bytes.Repeat(gzipped(t, nil), 1<<16)), "error"},
	} {
		err := New(o).Bytes(c.data)
		got := ""
		if errors.As(err, &format) {
			got = "format"
		} else if err != nil {
			got = "error"
		}
		if got != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := New(Options{Plain: true, Take: o.Take}).Read(bytes.NewReader(gzipped(t, line))); !errors.As(err, &format) {
		t.Errorf("plain: %v", err)
	}
}

// Any input in any packing is scanned or causes an error, in limited memory.
func FuzzPackings(f *testing.F) {
	line := []byte(`{"message":"dummy","gdummy":"` + id(f, 1, `{"message":"dummy"}`) + "\"}\n")
	for _, data := range [][]byte{
		gzipped(f, line), zstandard(f, line), xzed(f, line), lz4ed(f, line), lz4Legacy(f, line), snapped(f, line), append(skippable([]byte("abcd")), zstandard(f, line)...),
		zipped(f, zip.Deflate, "a", string(line)), zipped(f, zip.Store, "a", string(line)), tarred(f, tar.FormatPAX, "a", string(line)), utf16ed(binary.LittleEndian, string(line)),
		append(gzipped(f, line), 0, 0, 0), otlp(f), []byte("PAR1\x15"), []byte("\x00\x00\x00\x20\x0a"),
	} {
		f.Add(data)
	}
	if data, err := base64.StdEncoding.DecodeString(bzip2Dummy); err == nil {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := New(Options{Take: func(recordid.ID, State, int64) {}})
		_ = s.Read(bytes.NewReader(data))
		if n := testenv.LastLiveHeap(); n > 1<<30 {
			t.Fatalf("%d MB reachable", n>>20)
		}
		_ = New(Options{Take: func(recordid.ID, State, int64) {}, MaxBytes: 1 << 20}).Bytes(data)
	})
}
