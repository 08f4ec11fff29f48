// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// draws returns values of a function without arguments, or with the given ones.
func draws(t *testing.T, name string, n int, args ...Operand) []string {
	t.Helper()
	f := Find(name)
	if f == nil {
		t.Fatalf("function %s does not exist", name)
	}
	c := &Call{Func: f, Place: 3, Args: args, Env: &Env{Seed: 1}}
	op, err := c.Build()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for k := range uint64(n) {
		r := &Record{K: k, T: epoch, Key: seed.Record(9, k), Stream: 9}
		out = append(out, strings.Clone(string(op.Gen(r).AppendText(nil))))
	}
	return out
}

// The checks in this file are implemented from their definitions, on text, and tested
// with published examples.

func digitsOf(s string) []int {
	var ds []int
	for _, c := range s {
		d, err := strconv.ParseInt(string(c), 36, 64)
		if err != nil {
			return nil
		}
		ds = append(ds, int(d))
	}
	return ds
}

func dot(ds []int, weights ...int) int {
	if len(ds) < len(weights) {
		return 1
	}
	sum := 0
	for i, w := range weights {
		sum += ds[i] * w
	}
	return sum
}

func isLuhn(s string) bool {
	ds := digitsOf(s)
	odd, even := 0, 0
	for i := len(ds) - 1; i >= 0; i -= 2 {
		odd += ds[i]
	}
	for i := len(ds) - 2; i >= 0; i -= 2 {
		even += []int{0, 2, 4, 6, 8, 1, 3, 5, 7, 9}[ds[i]]
	}
	return len(ds) > 0 && (odd+even)%10 == 0
}

func isNHS(s string) bool {
	return len(s) == 10 && dot(digitsOf(s), 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}

func isFodselsnummer(s string) bool {
	ds := digitsOf(s)
	return len(ds) == 11 && dot(ds, 3, 7, 6, 1, 8, 9, 4, 5, 2, 1)%11 == 0 && dot(ds, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}

func isOrgnr(s string) bool {
	return len(s) == 9 && dot(digitsOf(s), 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}

func isPersonnummer(s string) bool { return len(s) == 12 && isLuhn(s[2:]) }

func isBSN(s string) bool {
	return len(s) == 9 && dot(digitsOf(s), 9, 8, 7, 6, 5, 4, 3, 2, -1)%11 == 0
}

func isSteuerID(s string) bool {
	ds := digitsOf(s)
	if len(ds) != 11 {
		return false
	}
	counts := map[int]int{}
	for _, d := range ds[:10] {
		counts[d]++
	}
	// Of the first ten digits, one is missing, and therefore one occurs twice.
	if len(counts) != 9 {
		return false
	}
	// ISO 7064, hybrid system MOD 11,10, as a check of the whole number.
	p := 10
	for _, d := range ds[:10] {
		s := (p + d) % 10
		if s == 0 {
			s = 10
		}
		p = s * 2 % 11
	}
	return (p+ds[10])%10 == 1
}

func isAadhaar(s string) bool {
	// Verhoeff's check: the dihedral group of ten elements, and powers of a permutation.
	multiply := func(a, b int) int {
		switch {
		case a < 5 && b < 5:
			return (a + b) % 5
		case a < 5:
			return 5 + (a+b-5)%5
		case b < 5:
			return 5 + (a-5-b+5)%5
		}
		return (a - b + 5) % 5
	}
	permute := []int{1, 5, 7, 6, 2, 8, 3, 0, 9, 4}
	ds := digitsOf(s)
	c := 0
	for i := range ds {
		d := ds[len(ds)-1-i]
		for range i % 8 {
			d = permute[d]
		}
		c = multiply(c, d)
	}
	return len(ds) == 12 && c == 0
}

func isIMEI(s string) bool { return len(s) == 15 && isLuhn(s) }

func isEAN(s string) bool {
	return len(s) == 13 && dot(digitsOf(s), 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1)%10 == 0
}

// spelled replaces letters by numbers from 10 on.
func spelled(s string) string {
	var b strings.Builder
	for _, d := range digitsOf(s) {
		b.WriteString(strconv.Itoa(d))
	}
	return b.String()
}

func isISIN(s string) bool { return len(s) == 12 && isLuhn(spelled(s)) }

func isCUSIP(s string) bool {
	sum := 0
	for i, d := range digitsOf(s) {
		if i%2 == 1 && i < 8 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return len(s) == 9 && sum%10 == 0
}

func isIBAN(s string) bool {
	n, ok := new(big.Int).SetString(spelled(s[4:]+s[:4]), 10)
	return ok && new(big.Int).Mod(n, big.NewInt(97)).Int64() == 1 && len(s) == map[string]int{"GB": 22, "IE": 22, "DE": 22, "NL": 18}[s[:2]]
}

func isMRZ(s string) bool {
	lines := strings.Split(s, "\n")
	if len(lines) != 2 || len(lines[0]) != 44 || len(lines[1]) != 44 || !regexp.MustCompile(`^P<UTO[A-Z]+(<[A-Z]+)*<<[A-Z]+(<[A-Z]+)*<*$`).MatchString(lines[0]) {
		return false
	}
	l := lines[1]
	digit := func(parts ...string) string {
		sum := 0
		for i, d := range digitsOf(strings.ReplaceAll(strings.Join(parts, ""), "<", "0")) {
			sum += d * []int{7, 3, 1}[i%3]
		}
		return strconv.Itoa(sum % 10)
	}
	personal := digit(l[28:42])
	return l[9:10] == digit(l[:9]) && l[19:20] == digit(l[13:19]) && l[27:28] == digit(l[21:27]) &&
		(l[42:43] == personal || l[42:43] == "<" && strings.Trim(l[28:42], "<") == "") && l[43:] == digit(l[:10], l[13:20], l[21:43])
}

func isBech32(s string) bool {
	// As a polynomial over GF(32), the code word has the remainder 1 (BIP 173).
	hrp, data, ok := strings.Cut(s, "1")
	if !ok {
		return false
	}
	var values []int
	for _, c := range hrp {
		values = append(values, int(c)>>5)
	}
	values = append(values, 0)
	for _, c := range hrp {
		values = append(values, int(c)&31)
	}
	for _, c := range data {
		values = append(values, strings.IndexRune("qpzry9x8gf2tvdw0s3jn54khce6mua7l", c))
	}
	multiply := func(a, b int) int {
		p := 0
		for ; b > 0; b >>= 1 {
			if b&1 == 1 {
				p ^= a
			}
			if a <<= 1; a&32 != 0 {
				a ^= 0x29 // x^5 + x^3 + 1
			}
		}
		return p
	}
	// The generator is x^6 + {29}x^5 + {22}x^4 + {20}x^3 + {21}x^2 + {29}x + {18}.
	generator := []int{29, 22, 20, 21, 29, 18}
	rest := make([]int, 6)
	rest[5] = 1
	for _, v := range values {
		if v < 0 {
			return false
		}
		top := rest[0]
		copy(rest, rest[1:])
		rest[5] = v
		for i, g := range generator {
			rest[i] ^= multiply(top, g)
		}
	}
	return fmt.Sprint(rest) == "[0 0 0 0 0 1]"
}

// Published numbers pass the checks of this file, and fail them with a changed digit.
func TestChecks(t *testing.T) {
	for _, tt := range []struct {
		name     string
		is       func(string) bool
		examples string
	}{
		{"NHS", isNHS, "9434765919 9876543210"},                                                                      // Wikipedia; the second one is the usual specimen
		{"fodselsnummer", isFodselsnummer, "16822548834 11812448848"},                                                // Skatteetaten, Testmiljø og testdata
		{"orgnr", isOrgnr, "974760673"},                                                                              // Brønnøysundregistrene
		{"personnummer", isPersonnummer, "189001019802 201701012393"},                                                // Skatteverket
		{"BSN", isBSN, "111222333 999990019"},                                                                        // RvIG
		{"IdNr", isSteuerID, "02476291358"},                                                                          // ELSTER
		{"Aadhaar", isAadhaar, "999941057058"},                                                                       // UIDAI
		{"IMEI", isIMEI, "490154203237518"},                                                                          // Wikipedia
		{"EAN", isEAN, "4006381333931 9783161484100 0036000291452"},                                                  // Wikipedia
		{"ISIN", isISIN, "US0378331005 GB0002634946"},                                                                // Wikipedia
		{"CUSIP", isCUSIP, "037833100 38259P508"},                                                                    // Wikipedia
		{"IBAN", isIBAN, "DE89370400440532013000 GB29NWBK60161331926819 NL91ABNA0417164300"},                         // the registry of SWIFT
		{"bech32", isBech32, "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"},                                           // BIP 173
		{"MRZ", isMRZ, "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"}, // ICAO Doc 9303
	} {
		examples := strings.Split(tt.examples, " ")
		for _, e := range examples {
			if !tt.is(e) {
				t.Errorf("%s: %s fails", tt.name, e)
			}
			b := []byte(e)
			i := len(b) - 2
			b[i] = map[bool]byte{true: '1', false: '2'}[b[i] != '1']
			if tt.is(string(b)) {
				t.Errorf("%s: %s passes", tt.name, b)
			}
		}
	}
}

// Numbers pass the checks of real ones, and are in ranges that are never assigned.
func TestNumbers(t *testing.T) {
	text := func(s string) []Operand { return []Operand{Constant(value.OfString(s))} }
	for _, tt := range []struct {
		name    string
		args    []Operand
		pattern string
		is      func(string) bool
		differs int // of 2000 at least
	}{
		{"nhs_number", nil, `^999\d{7}$`, isNHS, 1900},
		{"fodselsnummer", nil, `^(0[1-9]|1\d|2[0-8])(8[1-9]|9[0-2])[4-9]\d[0-4]\d{4}$`, isFodselsnummer, 1900},
		{"orgnr", nil, `^[23]\d{8}$`, isOrgnr, 1900},
		{"personnummer", nil, `^189001(0[1-9]|1\d|2[0-8])98[01]\d$`, isPersonnummer, 28},
		{"bsn", nil, `^99999\d{4}$`, isBSN, 14},
		{"steuer_id", nil, `^0\d{10}$`, isSteuerID, 1900},
		{"aadhaar", nil, `^9999\d{8}$`, isAadhaar, 5},
		{"ein", nil, `^(07|08|09|17|18|19|28|29|49|69|70|78|79|89|96|97)-\d{7}$`, nil, 1900},
		{"mrz", nil, `^P<UTO`, isMRZ, 1900},
		{"imei", nil, `^001\d{12}$`, isIMEI, 1900},
		{"imsi", nil, `^00101\d{10}$`, nil, 1900},
		{"asn", nil, `^(644(9[6-9])|645(0\d|1[01])|655(3[6-9]|4\d|5[01]))$`, nil, 32},
		{"aws_access_key", nil, `^A[KS]IA[A-Z0-9]{9}EXAMPLE$`, nil, 3},
		{"bitcoin_address", nil, `^tb1q[02-9ac-hj-np-z]{38}$`, isBech32, 2000},
		{"ean", nil, `^2\d{12}$`, isEAN, 1900},
		{"upc", nil, `^4\d{11}$`, func(s string) bool { return isEAN("0" + s) }, 1900},
		{"isbn", nil, `^978[01]\d{9}$`, isEAN, 1900},
		{"isin", nil, `^[A-Z]{2}[A-Z0-9]{9}\d$`, isISIN, 800},
		{"cusip", nil, `^[A-Z0-9]{8}\d$`, isCUSIP, 800},
		{"iban_of", text("GB"), `^GB\d\dTEST\d{14}$`, isIBAN, 1900},
		{"iban_of", text("ie"), `^IE\d\dTEST\d{14}$`, isIBAN, 1900},
		{"iban_of", text("NL"), `^NL\d\dTEST\d{10}$`, isIBAN, 1900},
		{"iban_of", text("DE"), `^DE\d\d0\d{17}$`, isIBAN, 1900},
		{"phone_of", text("US"), `^\+1[2-9]1[2-9]55501\d\d$`, nil, 1000},
		{"phone_of", text("GB"), `^\+44(1632960|2079460|7700900|1134960|1174960|1214960|1314960|1414960|1514960|1614960)\d{3}$`, nil, 1000},
		{"phone_of", text("AU"), `^\+61[2378](5550|7010)\d{4}$`, nil, 1000},
		{"phone_of", text("DE"), `^\+49((3023125|6990009|4066969|2214710|8999998)\d{3}|(17139200|176040690)\d\d)$`, nil, 1000},
		{"phone_of", text("FR"), `^\+33(19900|26191|35301|46571|53649|63998)\d{4}$`, nil, 1000},
		{"phone_of", text("IE"), `^\+3532091\d{5}$`, nil, 1000},
		{"phone_of", text("SE"), `^\+46(8465004\d\d|3139006\d\d|4062804\d\d|7017406(0[56]|[1-9]\d))$`, nil, 200},
	} {
		re := regexp.MustCompile(tt.pattern)
		seen := map[string]bool{}
		for _, s := range draws(t, tt.name, 2000, tt.args...) {
			seen[s] = true
			if !re.MatchString(s) || tt.is != nil && !tt.is(s) {
				t.Errorf("%s: %q is invalid", tt.name, s)
				break
			}
		}
		if len(seen) < tt.differs {
			t.Errorf("%s: %d distinct values in 2000, want %d", tt.name, len(seen), tt.differs)
		}
	}
}

// The Swedish numbers are those of the published list.
func TestPersonnummer(t *testing.T) {
	published := " 189001019802 189001029819 189001039800 189001049817 189001059808 189001069815 189001079806 189001089813 189001099804 189001109819 " +
		"189001119800 189001129817 189001139808 189001149815 189001159806 189001169813 189001179804 189001189811 189001199802 189001209817 " +
		"189001219808 189001229815 189001239806 189001249813 189001259804 189001269811 189001279802 189001289819 "
	for _, s := range draws(t, "personnummer", 500) {
		if !strings.Contains(published, " "+s+" ") {
			t.Fatalf("%s is not in the list", s)
		}
	}
}

// Unknown countries are errors.
func TestCountries(t *testing.T) {
	for name, want := range map[string]string{
		"phone_of": `phone_of: unknown COUNTRY "XX": expected US, GB, AU, DE, FR, IE or SE`,
		"iban_of":  `iban_of: unknown COUNTRY "XX": expected DE, GB, IE or NL`,
	} {
		c := &Call{Func: Find(name), Args: []Operand{Constant(value.OfString("XX"))}, Env: &Env{}}
		if _, err := c.Build(); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
