package fake

import (
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"strconv"

	"github.com/gdummy/gdummy/internal/seed"
	"github.com/gdummy/gdummy/internal/value"
)

// composed makes a function without arguments that appends text.
func composed(name, section, doc string, appendTo func(dst []byte, r *Record, rnd *seed.Rand) []byte) Func {
	return Func{
		Name: name, Section: section, Result: "string", Example: name, Doc: doc,
		build: func(c *Call) (Gen, error) {
			place := c.Place
			return func(r *Record) value.Value {
				rnd := r.rand(place)
				start := len(r.Scratch)
				r.Scratch = appendTo(r.Scratch, r, &rnd)
				return r.text(start)
			}, nil
		},
	}
}

const (
	hexDigits = "0123456789abcdef"
	crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	// Kubernetes leaves vowels and look-alikes out of generated names.
	podLetters = "bcdfghjklmnpqrstvwxz2456789"
)

// hexPairs has the two digits of each byte.
var hexPairs = func() (t [256][2]byte) {
	for i := range t {
		t[i] = [2]byte{hexDigits[i>>4], hexDigits[i&15]}
	}
	return t
}()

// octets has the decimal digits of each byte.
var octets = func() (t [256]string) {
	for i := range t {
		t[i] = strconv.Itoa(i)
	}
	return t
}()

// appendHex appends the lowest n bytes of v, the highest of them first.
func appendHex(dst []byte, v uint64, n int) []byte {
	for i := n - 1; i >= 0; i-- {
		p := hexPairs[byte(v>>(8*i))]
		dst = append(dst, p[0], p[1])
	}
	return dst
}

func appendUUID(dst []byte, hi, lo uint64) []byte {
	const blank = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
	at := len(dst)
	dst = append(dst, blank...)
	b := dst[at : at+36]
	put := func(i int, v byte) {
		p := hexPairs[v]
		b[i], b[i+1] = p[0], p[1]
	}
	put(0, byte(hi>>56))
	put(2, byte(hi>>48))
	put(4, byte(hi>>40))
	put(6, byte(hi>>32))
	put(9, byte(hi>>24))
	put(11, byte(hi>>16))
	put(14, byte(hi>>8))
	put(16, byte(hi))
	put(19, byte(lo>>56))
	put(21, byte(lo>>48))
	put(24, byte(lo>>40))
	put(26, byte(lo>>32))
	put(28, byte(lo>>24))
	put(30, byte(lo>>16))
	put(32, byte(lo>>8))
	put(34, byte(lo))
	return dst
}

// letters appends n letters of an alphabet.
func letters(dst []byte, rnd *seed.Rand, alphabet string, n int) []byte {
	for range n {
		dst = append(dst, alphabet[rnd.Below(uint64(len(alphabet)))])
	}
	return dst
}

var identity = []Func{
	composed("uuid", secIdentity, "A UUID of version 4: random.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		hi, lo := rnd.Uint64(), rnd.Uint64()
		return appendUUID(dst, hi&^0xf000|0x4000, lo&^(3<<62)|2<<62)
	}),
	composed("uuid7", secIdentity, "A UUID of version 7: it begins with the record's time in milliseconds.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		hi, lo := rnd.Uint64(), rnd.Uint64()
		return appendUUID(dst, uint64(r.T/1e6)<<16|0x7000|hi&0xfff, lo&^(3<<62)|2<<62)
	}),
	composed("ulid", secIdentity, "A ULID: the record's time in milliseconds and 80 random bits, in 26 letters that sort by time.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		ms := uint64(r.T / 1e6)
		for i := 9; i >= 0; i-- {
			dst = append(dst, crockford[ms>>(5*i)&31])
		}
		for range 2 {
			v := rnd.Uint64()
			for range 8 {
				dst = append(dst, crockford[v&31])
				v >>= 5
			}
		}
		return dst
	}),
	{
		Name: "hex", Section: secIdentity, Result: "string", Example: `hex 12`,
		Doc:  "N random hexadecimal digits.",
		Args: []Arg{{Name: "N", Type: Integer}},
		build: func(c *Call) (Gen, error) {
			n, place := int(c.int(0)), c.Place
			if n < 1 || n > 1<<20 {
				return nil, argErr(0, "hex: N is %d, expected 1 to 1048576", n)
			}
			return func(r *Record) value.Value {
				rnd := r.rand(place)
				start := len(r.Scratch)
				b := r.Scratch
				for left := n; left > 0; left -= 16 {
					b = appendHex(b, rnd.Uint64(), 8)
				}
				r.Scratch = b[:start+n]
				return r.text(start)
			}, nil
		},
	},
	composed("trace_id", secIdentity, "A W3C trace id: 32 hexadecimal digits, not all zero.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		return appendHex(appendHex(dst, rnd.Uint64(), 8), rnd.Uint64()|1, 8)
	}),
	composed("span_id", secIdentity, "A W3C span id: 16 hexadecimal digits, not all zero.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		return appendHex(dst, rnd.Uint64()|1, 8)
	}),
	{
		Name: "ipv4", Section: secIdentity, Result: "string", Example: `ipv4 "10.20.0.0/16"`,
		Doc: "An IPv4 address within CIDR; of a network, its own and the broadcast address are left out. The default is a block " +
			"that is reserved for benchmarks (RFC 2544).",
		Args: []Arg{{Name: "CIDR", Type: Text, Optional: true, Default: "198.18.0.0/15"}},
		build: func(c *Call) (Gen, error) {
			p, err := netip.ParsePrefix(c.str(0))
			if err != nil || !p.Addr().Is4() {
				return nil, argErr(0, "ipv4: %q is no IPv4 network, expected one like 10.20.0.0/16", c.str(0))
			}
			a := p.Masked().Addr().As4()
			base := uint64(binary.BigEndian.Uint32(a[:]))
			n := uint64(1) << (32 - p.Bits())
			if n > 2 {
				base++
				n -= 2
			}
			place := c.Place
			return func(r *Record) value.Value {
				rnd := r.rand(place)
				ip := base + rnd.Below(n)
				start := len(r.Scratch)
				b := append(append(r.Scratch, octets[byte(ip>>24)]...), '.')
				b = append(append(b, octets[byte(ip>>16)]...), '.')
				b = append(append(b, octets[byte(ip>>8)]...), '.')
				r.Scratch = append(b, octets[byte(ip)]...)
				return r.text(start)
			}, nil
		},
	},
	{
		Name: "ipv6", Section: secIdentity, Result: "string", Example: `ipv6 "2001:db8:1::/48"`,
		Doc:  "An IPv6 address within CIDR. The default is the block that is reserved for documentation (RFC 3849).",
		Args: []Arg{{Name: "CIDR", Type: Text, Optional: true, Default: "2001:db8::/32"}},
		build: func(c *Call) (Gen, error) {
			p, err := netip.ParsePrefix(c.str(0))
			if err != nil || !p.Addr().Is6() {
				return nil, argErr(0, "ipv6: %q is no IPv6 network, expected one like 2001:db8::/32", c.str(0))
			}
			a := p.Masked().Addr().As16()
			hi, lo := binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])
			bits, place := p.Bits(), c.Place
			maskHi, maskLo := ^uint64(0), ^uint64(0)
			if bits >= 64 {
				maskHi, maskLo = 0, maskLo>>(bits-64)
			} else {
				maskHi >>= bits
			}
			if bits == 128 {
				maskLo = 0
			}
			return func(r *Record) value.Value {
				rnd := r.rand(place)
				var ip [16]byte
				binary.BigEndian.PutUint64(ip[:8], hi|rnd.Uint64()&maskHi)
				binary.BigEndian.PutUint64(ip[8:], lo|rnd.Uint64()&maskLo)
				start := len(r.Scratch)
				r.Scratch = netip.AddrFrom16(ip).AppendTo(r.Scratch)
				return r.text(start)
			}, nil
		},
	},
	composed("mac", secIdentity, "A MAC address, marked as locally administered so that it belongs to nobody.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		v := rnd.Uint64()&^(3<<40) | 2<<40
		for i := 5; i >= 0; i-- {
			dst = appendHex(dst, v>>(8*i)&255, 1)
			if i > 0 {
				dst = append(dst, ':')
			}
		}
		return dst
	}),
	{
		Name: "port", Section: secIdentity, Result: "integer", Example: `port`,
		Doc: "A port that clients use: 32768 to 60999, as on Linux.",
		build: func(c *Call) (Gen, error) {
			place := c.Place
			return func(r *Record) value.Value {
				rnd := r.rand(place)
				return value.OfInt(32768 + int64(rnd.Below(60999-32768+1)))
			}, nil
		},
	},
	composed("hostname", secIdentity, "The name of a machine, as in web-042.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		dst = append(dst, from(rnd, hostRoles)...)
		n := rnd.Below(100)
		return append(dst, '-', '0', byte('0'+n/10), byte('0'+n%10))
	}),
	composed("service", secIdentity, "The name of a service in a web shop.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		return append(dst, from(rnd, services)...)
	}),
	composed("namespace", secIdentity, "The name of a Kubernetes namespace.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		return append(dst, from(rnd, namespaces)...)
	}),
	composed("pod", secIdentity, "The name of a pod of a Kubernetes deployment, as in checkout-6d4cf56db6-x2x8m.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		return appendPod(dst, from(rnd, services), rnd)
	}),
	{
		Name: "pod_of", Section: secIdentity, Result: "string", Example: `pod_of "checkout"`,
		Doc:  "The name of a pod of the deployment NAME.",
		Args: []Arg{{Name: "NAME", Type: Text, Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			g, place := c.Args[0].Gen, c.Place
			return func(r *Record) value.Value {
				name := asText(r, g(r))
				rnd := r.rand(place)
				start := len(r.Scratch)
				r.Scratch = appendPod(r.Scratch, name, &rnd)
				return r.text(start)
			}, nil
		},
	},
	composed("container", secIdentity, "The name of a container.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		return append(dst, from(rnd, services)...)
	}),
	composed("container_id", secIdentity, "The id of a container: 64 hexadecimal digits.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		for range 4 {
			dst = appendHex(dst, rnd.Uint64(), 8)
		}
		return dst
	}),
	composed("node", secIdentity, "The name of a machine of a cluster, as in ip-10-0-12-34.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		dst = append(dst, "ip-10-0-"...)
		dst = strconv.AppendUint(dst, rnd.Below(16), 10)
		return strconv.AppendUint(append(dst, '-'), 4+rnd.Below(250), 10)
	}),
	{
		Name: "base64", Section: secIdentity, Result: "string", Example: `base64 12`,
		Doc:  "N random bytes in base64.",
		Args: []Arg{{Name: "N", Type: Integer}},
		build: func(c *Call) (Gen, error) {
			n, place := int(c.int(0)), c.Place
			if n < 1 || n > 1<<20 {
				return nil, argErr(0, "base64: N is %d, expected 1 to 1048576", n)
			}
			buf := make([]byte, n+7)
			return func(r *Record) value.Value {
				rnd := r.rand(place)
				for i := 0; i < n; i += 8 {
					binary.LittleEndian.PutUint64(buf[i:], rnd.Uint64())
				}
				start := len(r.Scratch)
				r.Scratch = base64.StdEncoding.AppendEncode(r.Scratch, buf[:n])
				return r.text(start)
			}, nil
		},
	},
	{
		Name: "bytes", Section: secIdentity, Result: "string", Example: `bytes 24 3`,
		Doc:  "N random printable characters with ENTROPY bits each, from 0 (one letter, over and over) to 6.",
		Args: []Arg{{Name: "N", Type: Integer}, {Name: "ENTROPY", Type: Number, Optional: true, Default: "6"}},
		build: func(c *Call) (Gen, error) {
			n, bits, place := int(c.int(0)), c.num(1), c.Place
			if n < 1 || n > 1<<20 {
				return nil, argErr(0, "bytes: N is %d, expected 1 to 1048576", n)
			}
			if !(bits >= 0 && bits <= 6) {
				return nil, argErr(1, "bytes: ENTROPY is %v bits, expected 0 to 6", bits)
			}
			alias := seed.NewAlias(ofEntropy(bits, len(alphabet64)))
			return func(r *Record) value.Value {
				rnd := r.rand(place)
				start := len(r.Scratch)
				b := r.Scratch
				for range n {
					b = append(b, alphabet64[alias.Draw(&rnd)])
				}
				r.Scratch = b
				return r.text(start)
			}, nil
		},
	},
}

const alphabet64 = "etaoinshrdlcumwfgypbvkjxqzETAOINSHRDLCUMWFGYPBVKJXQZ0123456789-_"

func appendPod(dst []byte, name string, rnd *seed.Rand) []byte {
	dst = append(dst, name...)
	dst = append(dst, '-')
	dst = letters(dst, rnd, podLetters, 10)
	dst = append(dst, '-')
	return letters(dst, rnd, podLetters, 5)
}

// from draws one text of a list.
func from(rnd *seed.Rand, list []string) string { return list[rnd.Below(uint64(len(list)))] }

var (
	hostRoles  = []string{"web", "app", "db", "cache", "queue", "mail", "proxy", "build", "log", "dns"}
	services   = []string{"frontend", "checkout", "cart", "catalog", "payment", "shipping", "search", "auth", "users", "orders", "inventory", "email", "recommendation", "pricing"}
	namespaces = []string{"default", "kube-system", "shop", "payments", "monitoring", "staging", "ingress"}
)
