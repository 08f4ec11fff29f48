// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"math"
	"strings"

	"github.com/brianvoe/gofakeit/v7"

	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// ids are identifiers of people, things and accounts for tests of redaction. Each
// passes its check and is from a range that is reserved for tests or never assigned.
// Identifiers without such a range in official documentation are omitted: the Canadian
// SIN (some with 0 are assigned), those of people in Brazil, Denmark, France, Italy,
// Poland and Spain, the Australian TFN, and VINs.
var ids = []Func{
	composed("nhs_number", secTests, "A British NHS number from 999 000 0000 to 999 999 9999, the range reserved for tests, with a valid check digit.",
		func(dst []byte, r *Record, rnd *seed.Rand) []byte {
			for n := 999000000 + rnd.Below(1e6); ; n = 999000000 + (n+1)%1e6 {
				if check := (11 - weigh(n, 2, 3, 4, 5, 6, 7, 8, 9, 10)%11) % 11; check < 10 {
					return digits(dst, n*10+check, 10)
				}
			}
		}),
	composed("fodselsnummer", secTests, "A Norwegian birth number with 80 added to the month, as Skatteetaten marks synthetic people (Tenor, Test-Norge), with valid check digits.",
		func(dst []byte, r *Record, rnd *seed.Rand) []byte {
			date := (1+rnd.Below(28))*10000 + (81+rnd.Below(12))*100 + 40 + rnd.Below(60)
			// 000 to 499 are assigned to births in 1900 to 1999.
			for i := rnd.Below(500); ; i = (i + 1) % 500 {
				n := date*1000 + i
				first := (11 - weigh(n, 2, 5, 4, 9, 8, 1, 6, 7, 3)%11) % 11
				second := (11 - weigh(n*10+first, 2, 3, 4, 5, 6, 7, 2, 3, 4, 5)%11) % 11
				if first < 10 && second < 10 {
					return digits(dst, n*100+first*10+second, 11)
				}
			}
		}),
	composed("orgnr", secTests, "A Norwegian organisation number that begins with 2 or 3, as in Skatteetaten's test environment (real ones begin with 8 or 9), with a valid check digit.",
		func(dst []byte, r *Record, rnd *seed.Rand) []byte {
			for n := 20000000 + rnd.Below(2e7); ; n = 20000000 + (n-20000000+1)%2e7 {
				if check := (11 - weigh(n, 2, 3, 4, 5, 6, 7, 2, 3)%11) % 11; check < 10 {
					return digits(dst, n*10+check, 9)
				}
			}
		}),
	composed("personnummer", secTests, "A Swedish personal number of twelve digits, one of those of January 1890 that Skatteverket publishes for tests (the open data set Testpersonnummer).",
		func(dst []byte, r *Record, rnd *seed.Rand) []byte {
			// The list has one number per day, alternating between women (even) and men
			// (odd).
			day := 1 + rnd.Below(28)
			n := 900100000 + day*1000 + 981 - day%2
			return digits(append(dst, "18"...), n*10+luhn(n), 10)
		}),
	listed("bsn", secTests, "A Dutch BSN: one of the numbers of test persons in the documentation of RvIG's BRP API.", testBSN),
	composed("steuer_id", secTests, "A German tax number (IdNr) that begins with 0, which only test numbers do (ELSTER, Prüfung der Steuer- und Steueridentifikationsnummer), with a valid check digit.",
		func(dst []byte, r *Record, rnd *seed.Rand) []byte {
			// Of the first ten digits, one occurs twice and one is missing.
			b := append(dst, "0123456789"...)
			d := b[len(dst):]
			for i := 9; i > 1; i-- {
				j := 1 + rnd.Below(uint64(i))
				d[i], d[j] = d[j], d[i]
			}
			missing := 1 + rnd.Below(9)
			d[missing] = d[(missing+1+rnd.Below(9))%10]
			// ISO 7064, MOD 11,10.
			p := 10
			for _, c := range d {
				if p = (p + int(c-'0')) % 10; p == 0 {
					p = 10
				}
				p = p * 2 % 11
			}
			return append(b, byte('0'+(11-p)%10))
		}),
	listed("aadhaar", secTests, "An Indian Aadhaar number: one of those that UIDAI publishes for tests of its authentication API.", testAadhaar),
	composed("ein", secTests, "A US Employer Identification Number with a prefix that is not in the IRS's list of valid EIN prefixes. EINs have no check digit.",
		func(dst []byte, r *Record, rnd *seed.Rand) []byte {
			dst = append(append(dst, from(rnd, freeEIN)...), '-')
			return digits(dst, rnd.Below(1e7), 7)
		}),
	joined("mrz", secTests, "The machine-readable zone of a passport of Utopia (UTO), the state of the specimens in ICAO Doc 9303: two lines, with valid check digits.",
		makers{(*gofakeit.Faker).LastName, (*gofakeit.Faker).FirstName},
		func(name string) string { return strings.ToUpper(handle(name)) }, appendMRZ),

	composed("imei", secTests, "The IMEI of a phone with the prefix 00, which GSMA TS.06 reserves for test devices, with a valid Luhn digit.",
		func(dst []byte, r *Record, rnd *seed.Rand) []byte {
			n := 1e11 + rnd.Below(1e11) // 001 and eleven digits
			return digits(dst, n*10+luhn(n), 15)
		}),
	composed("imsi", secTests, "The IMSI of a subscriber of the test network 001-01 (ITU-T E.212).",
		func(dst []byte, r *Record, rnd *seed.Rand) []byte {
			return digits(append(dst, "00101"...), rnd.Below(1e10), 10)
		}),
	drawnNumber("asn", secTests, "integer", "The number of an autonomous system, from those reserved for documentation: 64496 to 64511 and 65536 to 65551 (RFC 5398).",
		func(rnd seed.Rand) value.Value {
			n := int64(rnd.Below(32))
			if n < 16 {
				return value.OfInt(64496 + n)
			}
			return value.OfInt(65536 - 16 + n)
		}),
	listed("aws_access_key", secTests, "The id of an AWS access key: one of the examples in AWS' documentation.", awsKeys),
	composed("bitcoin_address", secTests, "A Bitcoin address of the test network: bech32 with the prefix tb1 (BIP 173) and a valid checksum.",
		appendBech32),
	composed("ean", secTests, "An article number of 13 digits with a prefix from 200 to 299, which GS1 reserves for use within a shop, with a valid check digit.",
		func(dst []byte, r *Record, rnd *seed.Rand) []byte {
			n := 200000000000 + rnd.Below(1e11)
			return digits(dst, n*10+gtin(n), 13)
		}),
	{
		Name: "phone_of", Section: secTests, Result: "string", Example: `phone_of "GB"`,
		Doc: "A telephone number of COUNTRY that is reserved for fiction: US (555-0100 to 555-0199, NANPA), GB (Ofcom), " +
			"AU (ACMA), DE (Bundesnetzagentur), FR (Arcep), IE (ComReg) or SE (PTS).",
		Args: []Arg{{Name: "COUNTRY", Type: Text}},
		build: func(c *Call) (Gen, error) {
			blocks, ok := fiction[strings.ToUpper(c.str(0))]
			if !ok {
				return nil, argErr(0, "phone_of: unknown COUNTRY %q: expected US, GB, AU, DE, FR, IE or SE", c.str(0))
			}
			place := c.Place
			return c.texts(func(b []byte, r *Record) []byte {
				rnd := r.rand(place)
				start := len(b)
				b = append(b, from(&rnd, blocks)...)
				for i := start; i < len(b); i++ {
					switch b[i] {
					case 'x':
						b[i] = byte('0' + rnd.Below(10))
					case 'a':
						b[i] = byte('2' + rnd.Below(8))
					}
				}
				return b
			}), nil
		},
	},
	{
		Name: "iban_of", Section: secTests, Result: "string", Example: `iban_of "DE"`,
		Doc: "An IBAN of COUNTRY at a bank that does not exist, with valid check digits. GB, IE and NL: the bank TEST. " +
			"DE: a bank number that begins with 0, where the Bundesbank assigns 1 to 8.",
		Args: []Arg{{Name: "COUNTRY", Type: Text}},
		build: func(c *Call) (Gen, error) {
			country := strings.ToUpper(c.str(0))
			account, ok := testBanks[country]
			if !ok {
				return nil, argErr(0, "iban_of: unknown COUNTRY %q: expected DE, GB, IE or NL", c.str(0))
			}
			place := c.Place
			return c.texts(func(dst []byte, r *Record) []byte {
				rnd := r.rand(place)
				return appendIBAN(dst, country, account, &rnd)
			}), nil
		},
	},
}

// bban is the national part of an IBAN: a bank, and the number of digits of an account.
type bban struct {
	bank  string
	width int
}

// testBanks are banks that do not exist, by country.
var testBanks = map[string]bban{"GB": {"TEST", 14}, "IE": {"TEST", 14}, "NL": {"TEST", 10}, "DE": {"0", 17}}

// appendIBAN appends the IBAN of a random account. For the check digits (ISO 13616),
// the country and 00 are moved to the end, letters are converted to two digits, and the
// remainder modulo 97 is subtracted from 98.
func appendIBAN(dst []byte, country string, b bban, rnd *seed.Rand) []byte {
	start := len(dst)
	dst = append(append(append(dst, country...), "00"...), b.bank...)
	dst = digits(dst, rnd.Below(uint64(math.Pow10(b.width))), b.width)
	check := 98 - mod97(mod97(0, dst[start+4:]), dst[start:start+4])
	digits(dst[:start+2], check, 2)
	return dst
}

// weigh returns the weighted sum of the digits of n, beginning with the last one.
func weigh(n uint64, weights ...uint64) uint64 {
	sum := uint64(0)
	for _, w := range weights {
		sum += n % 10 * w
		n /= 10
	}
	return sum
}

// gtin returns the check digit of an article number.
func gtin(n uint64) uint64 { return (10 - weigh(n, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1)%10) % 10 }

// luhn returns the check digit of n by Luhn's algorithm.
func luhn(n uint64) uint64 {
	sum := uint64(0)
	for double := true; n > 0; n, double = n/10, !double {
		d := n % 10
		if double {
			d = d*2/10 + d*2%10
		}
		sum += d
	}
	return (10 - sum%10) % 10
}

// mod97 appends digits and letters, where A is 10, to a number modulo 97.
func mod97(rem uint64, text []byte) uint64 {
	for _, c := range text {
		if c >= 'A' {
			rem = (rem*100 + uint64(c-'A'+10)) % 97
		} else {
			rem = (rem*10 + uint64(c-'0')) % 97
		}
	}
	return rem
}

// appendMRZ appends the machine-readable zone of a passport (ICAO Doc 9303, part 4):
// names, then number, date of birth, sex and date of expiry with check digits.
func appendMRZ(dst []byte, last, first part, rnd *seed.Rand) []byte {
	start := len(dst)
	dst = last.append(append(dst, "P<UTO"...))
	dst = first.append(append(dst, "<<"...))
	dst = fillers(dst[:min(len(dst), start+44)], start+44)
	dst = append(dst, '\n')
	line := len(dst)
	dst = letters(dst, rnd, "ABCDEFGHJKLMNPRTUVWXYZ", 1)
	dst = digits(dst, rnd.Below(1e8), 8)
	dst = checked(dst, line)
	dst = append(dst, "UTO"...)
	at := len(dst)
	dst = digits(dst, (40+rnd.Below(60))*10000+(1+rnd.Below(12))*100+1+rnd.Below(28), 6)
	dst = checked(dst, at)
	dst = letters(dst, rnd, "FM<", 1)
	at = len(dst)
	dst = digits(dst, (25+rnd.Below(15))*10000+(1+rnd.Below(12))*100+1+rnd.Below(28), 6)
	dst = checked(dst, at)
	dst = fillers(dst, line+42)
	dst = append(dst, '<') // no personal number
	// The last digit checks all numbers with their check digits.
	sum := mrzSum(mrzSum(mrzSum(0, 0, dst[line:line+10]), 10, dst[line+13:line+20]), 17, dst[line+21:line+43])
	return append(dst, byte('0'+sum%10))
}

// fillers appends filler characters up to a length.
func fillers(dst []byte, length int) []byte {
	for len(dst) < length {
		dst = append(dst, '<')
	}
	return dst
}

// checked appends the check digit of the text from at on.
func checked(dst []byte, at int) []byte {
	return append(dst, byte('0'+mrzSum(0, 0, dst[at:])%10))
}

// mrzSum adds characters with the weights 7, 3, 1 to sum, after seen others.
func mrzSum(sum, seen int, text []byte) int {
	for i, c := range text {
		v := 0
		switch {
		case c >= 'A':
			v = int(c-'A') + 10
		case c != '<':
			v = int(c - '0')
		}
		sum += v * [3]int{7, 3, 1}[(seen+i)%3]
	}
	return sum
}

const bech32Letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// appendBech32 appends an address of version 0 with a hash of 20 bytes (BIP 173).
func appendBech32(dst []byte, _ *Record, rnd *seed.Rand) []byte {
	check := uint32(1)
	step := func(v byte) {
		top := check >> 25
		check = check&0x1ffffff<<5 ^ uint32(v)
		for i, g := range [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				check ^= g
			}
		}
	}
	for _, v := range [5]byte{'t' >> 5, 'b' >> 5, 0, 't' & 31, 'b' & 31} {
		step(v)
	}
	dst = append(dst, "tb1"...)
	for i := range 33 {
		v := byte(0) // the version, and 32 times 5 bits
		if i > 0 {
			v = byte(rnd.Below(32))
		}
		step(v)
		dst = append(dst, bech32Letters[v])
	}
	for range 6 {
		step(0)
	}
	check ^= 1
	for i := range 6 {
		dst = append(dst, bech32Letters[check>>(5*(5-i))&31])
	}
	return dst
}

var (
	// From the list of citizen service numbers for tests of changes.
	testBSN = strings.Fields("999994669 999992740 999990019 999990925 999993276 999993252 999991176 999993136 999993215 999990317 999994281 999990743 999993070 999991334")

	testAadhaar = strings.Fields("999941057058 999971658847 999933119405 999955183433 999990501894")

	freeEIN = strings.Fields("07 08 09 17 18 19 28 29 49 69 70 78 79 89 96 97")

	awsKeys = strings.Fields("AKIAIOSFODNN7EXAMPLE AKIAI44QH8DHBEXAMPLE ASIAIOSFODNN7EXAMPLE")

	// fiction has blocks of telephone numbers: x is any digit, a is a digit from 2 to 9.
	fiction = map[string][]string{
		"US": {"+1a1a55501xx"},
		"GB": {"+441632960xxx", "+442079460xxx", "+447700900xxx", "+441134960xxx", "+441174960xxx", "+441214960xxx", "+441314960xxx", "+441414960xxx", "+441514960xxx", "+441614960xxx"},
		"AU": {"+6125550xxxx", "+6127010xxxx", "+6135550xxxx", "+6137010xxxx", "+6175550xxxx", "+6177010xxxx", "+6185550xxxx", "+6187010xxxx"},
		"DE": {"+493023125xxx", "+496990009xxx", "+494066969xxx", "+492214710xxx", "+498999998xxx", "+4917139200xx", "+49176040690xx"},
		"FR": {"+3319900xxxx", "+3326191xxxx", "+3335301xxxx", "+3346571xxxx", "+3353649xxxx", "+3363998xxxx"},
		"IE": {"+3532091xxxxx"},
		"SE": {"+468465004xx", "+463139006xx", "+464062804xx", "+46701740605", "+46701740606", "+4670174061x", "+4670174062x", "+4670174063x", "+4670174064x", "+4670174065x", "+4670174066x", "+4670174067x", "+4670174068x", "+4670174069x"},
	}
)
