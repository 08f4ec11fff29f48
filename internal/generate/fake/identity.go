// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"strconv"

	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// composed returns the row of a function without arguments that appends a text.
func composed(name, section, doc string, appendTo func(dst []byte, r *Record, rnd *seed.Rand) []byte) Func {
	return Func{
		Name: name, Section: section, Result: "string", Example: name, Doc: doc,
		build: func(c *Call) (Gen, error) {
			place := c.Place
			return c.texts(func(dst []byte, r *Record) []byte {
				rnd := r.rand(place)
				return appendTo(dst, r, &rnd)
			}), nil
		},
	}
}

const (
	crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	// Names that Kubernetes generates have no vowels and no similar characters.
	podLetters = "bcdfghjklmnpqrstvwxz2456789"
)

// octets has the decimal text of each byte with a point, and its length.
var octets = func() (t [256]struct {
	text [4]byte
	n    uint8
}) {
	for i := range t {
		t[i].n = uint8(copy(t[i].text[:], strconv.Itoa(i)+"."))
	}
	return t
}()

// appendIPv4 appends an IPv4 address.
func appendIPv4(dst []byte, ip uint32) []byte {
	at := len(dst)
	dst = append(dst, "255.255.255.255."...)
	b := dst[at : at+16]
	n := uint8(0)
	for shift := 24; shift >= 0; shift -= 8 {
		o := &octets[byte(ip>>shift)]
		*(*[4]byte)(b[n&15:]) = o.text
		n += o.n
	}
	return dst[:at+int(n)-1]
}

// hex8 returns the eight hexadecimal digits of v, the first of them in the highest
// byte. It computes all at once: each digit is moved to its own byte, and the distance
// between '9' and 'a' is added to those from ten on.
func hex8(v uint32) uint64 {
	x := uint64(v)
	x = (x | x<<16) & 0x0000ffff0000ffff
	x = (x | x<<8) & 0x00ff00ff00ff00ff
	x = (x | x<<4) & 0x0f0f0f0f0f0f0f0f
	letter := (x + 0x0606060606060606) >> 4 & 0x0101010101010101
	return x + 0x3030303030303030 + letter*('a'-'9'-1)
}

// appendHex appends the lowest n bytes of v in hexadecimal.
func appendHex(dst []byte, v uint64, n int) []byte {
	v <<= 64 - 8*n
	at := len(dst)
	dst = append(dst, "0123456789abcdef"...)
	binary.BigEndian.PutUint64(dst[at:], hex8(uint32(v>>32)))
	if n > 4 {
		binary.BigEndian.PutUint64(dst[at+8:], hex8(uint32(v)))
	}
	return dst[:at+2*n]
}

func appendUUID(dst []byte, hi, lo uint64) []byte {
	at := len(dst)
	dst = append(dst, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"...)
	b := dst[at : at+36]
	binary.BigEndian.PutUint64(b, hex8(uint32(hi>>32)))
	x := hex8(uint32(hi))
	binary.BigEndian.PutUint32(b[9:], uint32(x>>32))
	binary.BigEndian.PutUint32(b[14:], uint32(x))
	x = hex8(uint32(lo >> 32))
	binary.BigEndian.PutUint32(b[19:], uint32(x>>32))
	binary.BigEndian.PutUint32(b[24:], uint32(x))
	binary.BigEndian.PutUint64(b[28:], hex8(uint32(lo)))
	return dst
}

// letters appends n letters of an alphabet.
func letters(dst []byte, rnd *seed.Rand, alphabet string, n int) []byte {
	for range n {
		dst = append(dst, alphabet[rnd.Below(uint64(len(alphabet)))])
	}
	return dst
}

func followsTime(f Func) Func {
	f.Follows = TheTime
	return f
}

var identity = []Func{
	composed("uuid", secIdentity, "A UUID of version 4: random.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		hi, lo := rnd.Uint64(), rnd.Uint64()
		return appendUUID(dst, hi&^0xf000|0x4000, lo&^(3<<62)|2<<62)
	}),
	followsTime(composed("uuid7", secIdentity, "A UUID of version 7, which begins with the record's time in milliseconds.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		hi, lo := rnd.Uint64(), rnd.Uint64()
		return appendUUID(dst, uint64(r.T/1e6)<<16|0x7000|hi&0xfff, lo&^(3<<62)|2<<62)
	})),
	followsTime(composed("ulid", secIdentity, "A ULID: the record's time in milliseconds and 80 random bits, as 26 characters that sort by time.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
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
	})),
	{
		Name: "hex", Section: secIdentity, Result: "string", Example: `hex 12`,
		Doc:  "N random hexadecimal digits.",
		Args: []Arg{{Name: "N", Type: Integer, Range: textSize}},
		build: func(c *Call) (Gen, error) {
			n, place := int(c.int(0)), c.Place
			return c.texts(func(dst []byte, r *Record) []byte {
				rnd := r.rand(place)
				at := len(dst)
				for left := n; left > 0; left -= 16 {
					dst = appendHex(dst, rnd.Uint64(), 8)
				}
				return dst[:at+n]
			}), nil
		},
	},
	composed("trace_id", secIdentity, "A W3C trace id: 32 hexadecimal digits, not all zero.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		hi, lo := rnd.Uint64(), rnd.Uint64()
		if hi|lo == 0 {
			lo = 1
		}
		return appendHex(appendHex(dst, hi, 8), lo, 8)
	}),
	composed("span_id", secIdentity, "A W3C span id: 16 hexadecimal digits, not all zero.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		return appendHex(dst, max(rnd.Uint64(), 1), 8)
	}),
	{
		Name: "ipv4", Section: secIdentity, Result: "string", Example: `ipv4 "10.20.0.0/16"`,
		Doc: "An IPv4 address in CIDR, except the network and broadcast addresses. The default is the block " +
			"reserved for benchmarks (RFC 2544).",
		Args: []Arg{{Name: "CIDR", Type: Text, Optional: true, Default: "198.18.0.0/15"}},
		build: func(c *Call) (Gen, error) {
			p, err := netip.ParsePrefix(c.str(0))
			if err != nil || !p.Addr().Is4() {
				return nil, argErr(0, "ipv4: invalid network %q: expected one such as 10.20.0.0/16", c.str(0))
			}
			a := p.Masked().Addr().As4()
			base := uint64(binary.BigEndian.Uint32(a[:]))
			n := uint64(1) << (32 - p.Bits())
			if n > 2 {
				base++
				n -= 2
			}
			place := c.Place
			return c.texts(func(dst []byte, r *Record) []byte {
				rnd := r.rand(place)
				return appendIPv4(dst, uint32(base+rnd.Below(n)))
			}), nil
		},
	},
	{
		Name: "ipv6", Section: secIdentity, Result: "string", Example: `ipv6 "2001:db8:1::/48"`,
		Doc:  "An IPv6 address in CIDR. The default is the block reserved for documentation (RFC 3849).",
		Args: []Arg{{Name: "CIDR", Type: Text, Optional: true, Default: "2001:db8::/32"}},
		build: func(c *Call) (Gen, error) {
			p, err := netip.ParsePrefix(c.str(0))
			if err != nil || !p.Addr().Is6() {
				return nil, argErr(0, "ipv6: invalid network %q: expected one such as 2001:db8::/32", c.str(0))
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
			return c.texts(func(dst []byte, r *Record) []byte {
				rnd := r.rand(place)
				var ip [16]byte
				binary.BigEndian.PutUint64(ip[:8], hi|rnd.Uint64()&maskHi)
				binary.BigEndian.PutUint64(ip[8:], lo|rnd.Uint64()&maskLo)
				return netip.AddrFrom16(ip).AppendTo(dst)
			}), nil
		},
	},
	composed("mac", secIdentity, "A MAC address with the locally administered bit, which no manufacturer assigns.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		v := rnd.Uint64()&^(3<<40) | 2<<40
		for i := 5; i >= 0; i-- {
			dst = appendHex(dst, v>>(8*i)&255, 1)
			if i > 0 {
				dst = append(dst, ':')
			}
		}
		return dst
	}),
	drawnNumber("port", secIdentity, "integer", "An ephemeral port: 32768 to 60999, as on Linux.", func(rnd seed.Rand) value.Value {
		return value.OfInt(32768 + int64(rnd.Below(60999-32768+1)))
	}),
	composed("hostname", secIdentity, "The name of a machine, such as web-042.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		dst = append(dst, from(rnd, hostRoles)...)
		n := rnd.Below(100)
		return append(dst, '-', '0', byte('0'+n/10), byte('0'+n%10))
	}),
	listed("service", secIdentity, "The name of a service in a web shop.", services),
	listed("namespace", secIdentity, "The name of a Kubernetes namespace.", namespaces),
	composed("pod", secIdentity, "The name of a pod of a Kubernetes deployment, such as checkout-6d4cf56db6-x2x8m.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		return appendPod(dst, from(rnd, services), rnd)
	}),
	{
		Name: "pod_of", Section: secIdentity, Result: "string", Example: `pod_of "checkout"`,
		Doc:  "The name of a pod of the deployment NAME.",
		Args: []Arg{{Name: "NAME", Type: Text, Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			place := c.Place
			return c.textsOf(c.Args[0].Gen, func(dst []byte, r *Record, name string) []byte {
				rnd := r.rand(place)
				return appendPod(dst, name, &rnd)
			}), nil
		},
	},
	listed("container", secIdentity, "The name of a container.", services),
	composed("container_id", secIdentity, "The id of a container: 64 hexadecimal digits.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		for range 4 {
			dst = appendHex(dst, rnd.Uint64(), 8)
		}
		return dst
	}),
	composed("node", secIdentity, "The name of a machine of a cluster, such as ip-10-0-12-34.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		dst = append(dst, "ip-10-0-"...)
		dst = value.AppendUint(dst, rnd.Below(16))
		return value.AppendUint(append(dst, '-'), 4+rnd.Below(250))
	}),
	{
		Name: "base64", Section: secIdentity, Result: "string", Example: `base64 12`,
		Doc:  "N random bytes in base64.",
		Args: []Arg{{Name: "N", Type: Integer, Range: textSize}},
		build: func(c *Call) (Gen, error) {
			n, place := int(c.int(0)), c.Place
			buf := make([]byte, n+7)
			return c.texts(func(dst []byte, r *Record) []byte {
				rnd := r.rand(place)
				for i := 0; i < n; i += 8 {
					binary.LittleEndian.PutUint64(buf[i:], rnd.Uint64())
				}
				return base64.StdEncoding.AppendEncode(dst, buf[:n])
			}), nil
		},
	},
	{
		Name: "bytes", Section: secIdentity, Result: "string", Example: `bytes 24 3`,
		Doc:  "N random printable characters with ENTROPY bits each, from 0 (one letter repeated) to 6.",
		Args: []Arg{{Name: "N", Type: Integer, Range: textSize}, {Name: "ENTROPY", Type: Number, Optional: true, Default: "6", Range: Range{High: 6}}},
		build: func(c *Call) (Gen, error) {
			n, bits, place := int(c.int(0)), c.num(1), c.Place
			alias := seed.NewAlias(ofEntropy(bits, len(alphabet64)))
			return c.texts(func(dst []byte, r *Record) []byte {
				rnd := r.rand(place)
				for range n {
					dst = append(dst, alphabet64[alias.Draw(&rnd)])
				}
				return dst
			}), nil
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

// from returns a random text of a list.
func from(rnd *seed.Rand, list []string) string { return list[rnd.Below(uint64(len(list)))] }

var (
	hostRoles  = []string{"web", "app", "db", "cache", "queue", "mail", "proxy", "build", "log", "dns"}
	services   = []string{"frontend", "checkout", "cart", "catalog", "payment", "shipping", "search", "auth", "users", "orders", "inventory", "email", "recommendation", "pricing"}
	namespaces = []string{"default", "kube-system", "shop", "payments", "monitoring", "staging", "ingress"}
)
