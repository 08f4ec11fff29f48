// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"github.com/brianvoe/gofakeit/v7"

	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// poolSize is the number of values in a pool. gofakeit needs up to microseconds for a
// value, a pool a few nanoseconds.
const poolSize = 1024

// pool returns values of a function of gofakeit, converted by prepare if it is not nil.
// They depend on the seed and the name only, so that streams of the same seed have the
// same people.
func (e *Env) pool(name string, make1 func(*gofakeit.Faker) string, prepare func(string) string) *pool {
	if p, ok := e.pools[name]; ok {
		return p
	}
	faker := gofakeit.New(seed.Combine(e.Seed, seed.Text(name)))
	texts := make([]string, poolSize)
	for i := range texts {
		texts[i] = make1(faker)
		if prepare != nil {
			texts[i] = prepare(texts[i])
		}
	}
	put(&e.pools, name, newPool(texts))
	return e.pools[name]
}

// pooled returns the row of a function that draws from a pool.
func pooled(name, doc string, make1 func(*gofakeit.Faker) string) Func {
	return ofPool(name, secPeople, doc, func(c *Call) *pool { return c.Env.pool(name, make1, nil) })
}

// joined returns the row of a function that joins values of two pools, so that it has
// far more values than each. If prepare is not nil, it converts each value first.
func joined(name, section, doc string, makes makers, prepare func(string) string, join func(dst []byte, a, b part, rnd *seed.Rand) []byte) Func {
	return Func{
		Name: name, Section: section, Result: "string", Doc: doc, Example: name,
		build: func(c *Call) (Gen, error) {
			a := c.Env.pool(name+"/0", makes[0], prepare)
			b := c.Env.pool(name+"/1", makes[1], prepare)
			place := c.Place
			return c.texts(func(dst []byte, r *Record) []byte {
				rnd := r.rand(place)
				first := part{a, a.draw(&rnd)}
				return join(dst, first, part{b, b.draw(&rnd)}, &rnd)
			}), nil
		},
	}
}

// part is a text of a pool.
type part struct {
	pool *pool
	i    int
}

func (p part) append(dst []byte) []byte { return p.pool.append(dst, p.i) }

// spaced joins two texts with a space.
func spaced(dst []byte, a, b part, _ *seed.Rand) []byte {
	// Not with part.append, which is not inlined here.
	dst = append(a.pool.append(dst, a.i), ' ')
	return b.pool.append(dst, b.i)
}

// handle returns the letters and digits of s in lower case.
func handle(s string) string {
	var dst []byte
	for i := range len(s) {
		switch b := s[i]; {
		case b >= 'A' && b <= 'Z':
			dst = append(dst, b+'a'-'A')
		case b >= 'a' && b <= 'z' || b >= '0' && b <= '9':
			dst = append(dst, b)
		}
	}
	return string(dst)
}

type makers = [2]func(*gofakeit.Faker) string

var people = []Func{
	joined("name", secPeople, "A person's first and last name.", makers{(*gofakeit.Faker).FirstName, (*gofakeit.Faker).LastName}, nil, spaced),
	pooled("first_name", "A person's first name.", (*gofakeit.Faker).FirstName),
	pooled("last_name", "A person's last name.", (*gofakeit.Faker).LastName),
	joined("username", secPeople, "A user name in lower case.", makers{(*gofakeit.Faker).FirstName, (*gofakeit.Faker).LastName}, handle,
		func(dst []byte, first, last part, rnd *seed.Rand) []byte {
			at := len(dst)
			dst = append(first.append(dst), '.')
			if len(dst) > at+2 && rnd.Below(2) == 0 {
				dst = dst[:at+1] // only its first letter
			}
			dst = last.append(dst)
			if n := rnd.Below(200); n < 100 {
				dst = value.AppendUint(dst, n)
			}
			return dst
		}),
	joined("email", secPeople, "An e-mail address in a domain reserved for examples (RFC 2606).", makers{(*gofakeit.Faker).FirstName, (*gofakeit.Faker).LastName}, handle,
		func(dst []byte, first, last part, rnd *seed.Rand) []byte {
			dst = last.append(append(first.append(dst), '.'))
			if n := rnd.Below(200); n < 100 {
				dst = value.AppendUint(dst, n)
			}
			return append(append(dst, "@example."...), [3]string{"com", "org", "net"}[rnd.Below(3)]...)
		}),
	joined("street", secPeople, "A street and a number.", makers{(*gofakeit.Faker).StreetNumber, (*gofakeit.Faker).StreetName}, nil, spaced),
	composed("phone", secPeople, "A telephone number in the North American range reserved for fiction (555-0100 to 555-0199).",
		func(dst []byte, r *Record, rnd *seed.Rand) []byte {
			// No area code ends in 11, has a 9 in the middle, or begins with 37 or 96.
			area := rnd.Below(89)
			if area >= 11 {
				area++
			}
			if area += 200 + 100*rnd.Below(8); area/10 == 37 || area/10 == 96 {
				area -= 100
			}
			dst = value.AppendUint(append(dst, "+1"...), area)
			n := rnd.Below(100)
			return append(append(dst, "55501"...), byte('0'+n/10), byte('0'+n%10))
		}),
	pooled("city", "A city.", (*gofakeit.Faker).City),
	pooled("state", "A state of the USA.", (*gofakeit.Faker).State),
	pooled("zip", "A ZIP code.", (*gofakeit.Faker).Zip),
	pooled("country", "A country.", (*gofakeit.Faker).Country),
	pooled("country_code", "A two-letter country code.", (*gofakeit.Faker).CountryAbr),
	pooled("timezone", "The name of a time zone.", (*gofakeit.Faker).TimeZoneRegion),
	pooled("language", "A language.", (*gofakeit.Faker).Language),
	pooled("locale", "A language's BCP 47 code.", (*gofakeit.Faker).LanguageBCP),
	pooled("currency", "A three-letter currency code.", (*gofakeit.Faker).CurrencyShort),
	pooled("gender", "A gender.", (*gofakeit.Faker).Gender),
	pooled("hobby", "A hobby.", (*gofakeit.Faker).Hobby),
	pooled("job_title", "A job title.", (*gofakeit.Faker).JobTitle),
	pooled("company", "A company's name.", (*gofakeit.Faker).Company),
	pooled("school", "A school's name.", (*gofakeit.Faker).School),
	pooled("buzzword", "A buzzword.", (*gofakeit.Faker).BuzzWord),
	pooled("slogan", "A slogan.", (*gofakeit.Faker).Slogan),
	pooled("product", "A product's name.", (*gofakeit.Faker).ProductName),
	pooled("product_category", "A product's category.", (*gofakeit.Faker).ProductCategory),
	pooled("product_material", "A material.", (*gofakeit.Faker).ProductMaterial),
	composed("upc", secPeople, "The number of a product (UPC-A) that begins with 4, which GS1 reserves for use within a shop, with a valid check digit.",
		func(dst []byte, r *Record, rnd *seed.Rand) []byte {
			n := 40000000000 + rnd.Below(1e10)
			return digits(dst, n*10+gtin(n), 12)
		}),
	pooled("color", "A color.", (*gofakeit.Faker).Color),
	pooled("hex_color", "A color as #rrggbb.", (*gofakeit.Faker).HexColor),
	pooled("animal", "An animal.", (*gofakeit.Faker).Animal),
	pooled("pet_name", "A pet's name.", (*gofakeit.Faker).PetName),
	pooled("fruit", "A fruit.", (*gofakeit.Faker).Fruit),
	pooled("vegetable", "A vegetable.", (*gofakeit.Faker).Vegetable),
	pooled("breakfast", "A breakfast.", (*gofakeit.Faker).Breakfast),
	pooled("lunch", "A lunch.", (*gofakeit.Faker).Lunch),
	pooled("dinner", "A dinner.", (*gofakeit.Faker).Dinner),
	pooled("drink", "A drink.", (*gofakeit.Faker).Drink),
	pooled("beer", "A beer.", (*gofakeit.Faker).BeerName),
	pooled("car_maker", "A maker of cars.", (*gofakeit.Faker).CarMaker),
	pooled("car_model", "A car's model.", (*gofakeit.Faker).CarModel),
	pooled("airport", "An airport's IATA code.", (*gofakeit.Faker).AirlineAirportIATA),
	pooled("flight", "A flight's number.", (*gofakeit.Faker).AirlineFlightNumber),
	pooled("book", "A book's title.", (*gofakeit.Faker).BookTitle),
	pooled("book_author", "A book's author.", (*gofakeit.Faker).BookAuthor),
	pooled("movie", "A movie title.", (*gofakeit.Faker).MovieName),
	pooled("movie_genre", "A genre of movies.", (*gofakeit.Faker).MovieGenre),
	pooled("song", "A song title.", (*gofakeit.Faker).SongName),
	pooled("song_artist", "An artist.", (*gofakeit.Faker).SongArtist),
	pooled("programming_language", "A programming language.", (*gofakeit.Faker).ProgrammingLanguage),
	pooled("app_name", "An app's name.", (*gofakeit.Faker).AppName),
	pooled("app_version", "An app's version.", (*gofakeit.Faker).AppVersion),
	listed("user_agent", secPeople, "The user agent of a current browser, sometimes of a crawler.", userAgents),
	pooled("api_user_agent", "The user agent of a program.", (*gofakeit.Faker).APIUserAgent),
	pooled("mime_type", "A MIME type.", (*gofakeit.Faker).FileMimeType),
	pooled("file_extension", "A file's extension.", (*gofakeit.Faker).FileExtension),
	pooled("hacker_phrase", "A phrase of computing jargon.", (*gofakeit.Faker).HackerPhrase),
	pooled("hipster_sentence", "A sentence of hipster words.", (*gofakeit.Faker).HipsterSentence),
	pooled("question", "A question.", (*gofakeit.Faker).Question),
	pooled("quote_text", "A quotation.", (*gofakeit.Faker).Quote),
	pooled("comment", "A comment.", (*gofakeit.Faker).Comment),
	pooled("phrase", "A phrase.", (*gofakeit.Faker).Phrase),
	pooled("adjective", "An adjective.", (*gofakeit.Faker).Adjective),
	pooled("adverb", "An adverb.", (*gofakeit.Faker).Adverb),
	pooled("noun", "A noun.", (*gofakeit.Faker).Noun),
	pooled("verb", "A verb.", (*gofakeit.Faker).Verb),
	pooled("weekday", "A day of the week.", (*gofakeit.Faker).WeekDay),
	pooled("month", "A month.", (*gofakeit.Faker).MonthString),
	pooled("emoji", "An emoji.", (*gofakeit.Faker).Emoji),
	pooled("gamertag", "A player's name.", (*gofakeit.Faker).Gamertag),
	pooled("social_media", "A user's page on a social network.", (*gofakeit.Faker).SocialMedia),
	pooled("bank", "A bank's name.", (*gofakeit.Faker).BankName),
	drawnNumber("latitude", secPeople, "number", "A latitude in degrees, with six decimals.", degrees(90)),
	drawnNumber("longitude", secPeople, "number", "A longitude in degrees, with six decimals.", degrees(180)),

	listed("credit_card", secTests, "A credit card number that PayPal or Stripe publish for tests, with a valid Luhn digit.", testCards),
	composed("ssn", secTests, "A US Social Security number with an area of 900 to 999, which the SSA never assigns; its group is not one of taxpayer numbers (IRS: 50-65, 70-88, 90-92, 94-99).",
		func(dst []byte, r *Record, rnd *seed.Rand) []byte {
			dst = value.AppendUint(dst, 900+rnd.Below(100))
			dst = digits(append(dst, '-'), 1+rnd.Below(49), 2)
			return digits(append(dst, '-'), 1+rnd.Below(9999), 4)
		}),
	composed("nino", secTests, "A British National Insurance number with the prefix QQ, which HMRC uses in examples and never assigns.",
		func(dst []byte, r *Record, rnd *seed.Rand) []byte {
			dst = digits(append(dst, "QQ"...), rnd.Below(1e6), 6)
			return append(dst, byte('A'+rnd.Below(4)))
		}),
	composed("hetu", secTests, "A Finnish personal identity code with an individual number of 900 to 999, which the DVV reserves for temporary use and tests, with a valid check character.",
		func(dst []byte, r *Record, rnd *seed.Rand) []byte {
			day, month, year, n := 1+rnd.Below(28), 1+rnd.Below(12), 40+rnd.Below(60), 900+rnd.Below(100)
			dst = digits(dst, day*10000+month*100+year, 6)
			dst = digits(append(dst, '-'), n, 3)
			return append(dst, "0123456789ABCDEFHJKLMNPRSTUVWXY"[((day*10000+month*100+year)*1000+n)%31])
		}),
	composed("iban", secTests, "A British IBAN of the bank TEST, which does not exist, with valid check digits.",
		func(dst []byte, r *Record, rnd *seed.Rand) []byte {
			return appendIBAN(dst, "GB", bban{"TEST", 14}, rnd)
		}),
}

// testCards are published for tests: Visa, Mastercard, American Express,
// Discover, Diners Club, JCB.
var testCards = []string{
	"4111111111111111", "4012888888881881", "4242424242424242", "4000056655665556", "5555555555554444", "5105105105105100",
	"5200828282828210", "2223003122003222", "378282246310005", "371449635398431", "6011111111111117", "6011000990139424",
	"3056930009020004", "30569309025904", "38520000023237", "3530111333300000", "3566002020360505",
}

// digits appends n with leading zeros.
func digits(dst []byte, n uint64, width int) []byte {
	p := uint64(1)
	for range width - 1 {
		p *= 10
	}
	for ; p > 0; p /= 10 {
		dst = append(dst, byte('0'+n/p%10))
	}
	return dst
}

func degrees(most float64) func(rnd seed.Rand) value.Value {
	return func(rnd seed.Rand) value.Value { return value.OfFloat(round((2*rnd.Float()-1)*most, 6)) }
}
