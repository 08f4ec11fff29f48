// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"strings"
	"time"

	"github.com/brianvoe/gofakeit/v7"

	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// replaced returns the row of a function that replaces each hole in a text by a random
// character.
func replaced(name, doc, example string, hole byte, with string) Func {
	return Func{
		Name: name, Section: secText, Result: "string", Example: example, Doc: doc,
		Args: []Arg{{Name: "TEXT", Type: Text, Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			place := c.Place
			return c.textsOf(c.Args[0].Gen, func(dst []byte, r *Record, s string) []byte {
				rnd := r.rand(place)
				start := len(dst)
				dst = append(dst, s...)
				for i := start; i < len(dst); i++ {
					if dst[i] == hole {
						dst[i] = with[rnd.Below(uint64(len(with)))]
					}
				}
				return dst
			}), nil
		},
	}
}

const (
	lowerLetters = "abcdefghijklmnopqrstuvwxyz"
	// Without similar characters.
	passwordLetters = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!#$%&*+-=?@_"
)

// made are texts that are composed from parts.
var made = []Func{
	replaced("numerify", "TEXT with a random digit for each #.", `numerify "INV-####-##"`, '#', "0123456789"),
	replaced("lexify", "TEXT with a random lower-case letter for each ?.", `lexify "node-??"`, '?', lowerLetters),
	prose("url_slug", "N words with hyphens between them, as in the path of an article.", "3", 1000, func(dst []byte, rnd *seed.Rand, n int64) []byte {
		return appendWords(dst, rnd, words, '-', n)
	}),
	composed("domain", secIdentity, "A domain under the names reserved for examples and tests (RFC 2606).", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		dst = append(dst, from(rnd, words)...)
		if rnd.Below(2) == 0 {
			dst = append(append(dst, '-'), from(rnd, words)...)
		}
		return append(append(dst, '.'), from(rnd, reservedDomains)...)
	}),
	composed("file_name", secText, "A file name with an extension.", appendFile),
	composed("file_path", secText, "The absolute path of a file on a server.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		dst = append(append(dst, from(rnd, folders)...), '/')
		dst = append(append(dst, from(rnd, words)...), '/')
		return appendFile(dst, r, rnd)
	}),
	composed("password", secIdentity, "A password of 12 to 20 characters: letters, digits and punctuation.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		return letters(dst, rnd, passwordLetters, 12+int(rnd.Below(9)))
	}),
	composed("cvv", secPeople, "The three digits on the back of a credit card.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		return digits(dst, rnd.Below(1000), 3)
	}),
	composed("card_expiry", secPeople, "The month in which a credit card expires, such as 09/31: one of the 60 after the record's time.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		year, month, _ := time.Unix(floorDiv(r.T, 1e9), 0).UTC().Date()
		n := uint64(year*12+int(month)) + rnd.Below(60) // month starts at 1: this is the next month, or later
		dst = digits(dst, n%12+1, 2)
		return digits(append(dst, '/'), n/12%100, 2)
	}),
	composed("isbn", secPeople, "The number of a book (ISBN-13), possibly of one that exists, with a valid check digit.",
		func(dst []byte, r *Record, rnd *seed.Rand) []byte {
			n := 978000000000 + rnd.Below(2e8) // English books
			return digits(dst, n*10+gtin(n), 13)
		}),
	composed("isin", secPeople, "The number of a security (ISIN), possibly of one that exists, with a valid check digit.",
		func(dst []byte, r *Record, rnd *seed.Rand) []byte {
			start := len(dst)
			dst = append(dst, from(rnd, isinCountries)...)
			dst = letters(dst, rnd, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 9)
			// Luhn's algorithm, where a letter is two digits.
			sum, double := 0, true
			for i := len(dst) - 1; i >= start; i-- {
				v := int(dst[i] - '0')
				if dst[i] >= 'A' {
					v = int(dst[i]-'A') + 10
				}
				for more := true; more; more = v > 0 {
					d := v % 10
					if double {
						d = d*2/10 + d*2%10
					}
					sum += d
					double = !double
					v /= 10
				}
			}
			return append(dst, byte('0'+(10-sum%10)%10))
		}),
	gathered("cusip", "The number of a security in North America (CUSIP), possibly of one that exists, with a valid check digit.", (*gofakeit.Faker).Cusip),
	{
		Name: "price", Section: secNumbers, Result: "number", Example: `price 1 200`,
		Doc: "A price from LOW to HIGH with two decimals. Three in four end in .99, .95, .50 or .00.",
		Args: []Arg{
			{Name: "LOW", Type: Number, Optional: true, Default: "1", Range: Range{High: 1e12}},
			{Name: "HIGH", Type: Number, Optional: true, Default: "1000", Range: Range{High: 1e12}, NotBelow: true},
		},
		build: func(c *Call) (Gen, error) {
			lo, hi := c.num(0), c.num(1)
			return c.random(func(rnd seed.Rand) value.Value {
				p := round(lo+float64(rnd.Float()*(hi-lo)), 2)
				if ending := rnd.Below(16); ending < 12 {
					if q := float64(int64(p)) + [12]float64{.99, .99, .99, .99, .99, .95, .95, .95, .5, .5, 0, 0}[ending]; q >= lo && q <= hi {
						p = round(q, 2)
					}
				}
				return value.OfFloat(min(max(p, lo), hi))
			}), nil
		},
	},
}

func appendFile(dst []byte, r *Record, rnd *seed.Rand) []byte {
	dst = append(dst, from(rnd, words)...)
	switch rnd.Below(4) {
	case 0:
		dst = digits(append(dst, '_'), rnd.Below(10000), 4)
	case 1:
		dst = append(append(dst, '-'), from(rnd, words)...)
	}
	return append(append(dst, '.'), from(rnd, extensions)...)
}

var (
	isinCountries   = strings.Fields("US US US DE GB FR CH JP XS")
	reservedDomains = []string{"example.com", "example.net", "example.org", "example", "test"}
	folders         = []string{"/var/log", "/var/lib", "/srv/data", "/opt/app", "/home/deploy", "/tmp", "/etc", "/mnt/backup"}
	extensions      = strings.Fields("log txt csv json xml yaml pdf png jpg svg html js css zip gz tar conf sql db docx xlsx bak tmp")
)
