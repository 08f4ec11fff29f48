// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"github.com/brianvoe/gofakeit/v7"
	"github.com/brianvoe/gofakeit/v7/data"
)

// tabled returns the row of a function that draws from a table of gofakeit. All entries
// of the table occur with every seed.
func tabled(name, doc, category, table string) Func {
	return ofPool(name, secPeople, doc, func(*Call) *pool { return newPool(unique(data.Data[category][table])) })
}

// gathered returns the row of a function that draws from the distinct values of a pool.
func gathered(name, doc string, make1 func(*gofakeit.Faker) string) Func {
	return ofPool(name, secPeople, doc, func(c *Call) *pool {
		all := c.Env.pool(name, make1, nil)
		texts := make([]string, len(all.span))
		for i := range texts {
			texts[i] = string(all.append(nil, i))
		}
		return newPool(unique(texts))
	})
}

// unique returns the distinct texts of a list, in order.
func unique(list []string) []string {
	seen := make(map[string]bool, len(list))
	var out []string
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// message returns a function that returns the text of an error.
func message(make1 func(*gofakeit.Faker) error) func(*gofakeit.Faker) string {
	return func(f *gofakeit.Faker) string { return make1(f).Error() }
}

// things are the values of gofakeit that are not about people.
var things = []Func{
	tabled("middle_name", "A person's middle name.", "person", "middle"),
	tabled("name_prefix", "A title before a name, such as Mrs.", "person", "prefix"),
	tabled("name_suffix", "A suffix after a name, such as Jr.", "person", "suffix"),
	tabled("ethnicity", "An ethnicity.", "person", "ethnicity"),
	gathered("bio", "A person's biography in one sentence.", (*gofakeit.Faker).Bio),

	gathered("address", "A postal address in the USA, on one line. Street, city, state and ZIP code do not belong together.", func(f *gofakeit.Faker) string { return f.Address().Address }),
	gathered("unit", "A unit of a building, such as Apt 123.", (*gofakeit.Faker).Unit),
	tabled("state_code", "The two-letter code of a US state.", "address", "state_abr"),
	tabled("timezone_name", "The name of a time zone on Windows.", "timezone", "text"),
	tabled("timezone_code", "The abbreviation of a time zone.", "timezone", "abr"),
	tabled("timezone_full", "A time zone with its offset and cities.", "timezone", "full"),
	tabled("language_code", "A two-letter language code (ISO 639-1).", "language", "short"),

	tabled("aircraft", "A type of aircraft.", "airline", "airplane"),
	tabled("aircraft_type", "A size class of aircraft.", "airline", "aircraft_type"),
	tabled("airport_name", "An airport's name.", "airline", "airport"),
	gathered("booking_code", "A flight booking code: six letters and digits.", (*gofakeit.Faker).AirlineRecordLocator),
	gathered("seat", "A seat in an aircraft.", (*gofakeit.Faker).AirlineSeat),
	tabled("car_type", "A kind of car.", "car", "type"),
	tabled("car_fuel", "A type of fuel.", "car", "fuel_type"),
	tabled("car_transmission", "A type of transmission.", "car", "transmission_type"),

	tabled("company_suffix", "The legal form after a company's name.", "company", "suffix"),
	tabled("company_bs", "A word of business language, such as leverage.", "company", "bs"),
	tabled("company_blurb", "A word from company slogans.", "company", "blurb"),
	tabled("job_descriptor", "The rank in a job title, such as Senior.", "job", "descriptor"),
	tabled("job_level", "The field in a job title, such as Marketing.", "job", "level"),
	tabled("bank_type", "A kind of bank.", "bank", "type"),
	tabled("currency_name", "A currency's name.", "currency", "long"),
	gathered("card_type", "The brand of a credit card.", (*gofakeit.Faker).CreditCardType),

	tabled("product_feature", "A feature of a product.", "product", "feature"),
	tabled("product_benefit", "A benefit of a product.", "product", "benefit"),
	tabled("product_use", "A use of a product.", "product", "use_case"),
	tabled("product_audience", "The target audience of a product.", "product", "target_audience"),
	tabled("product_size", "The size of a product.", "product", "dimension"),
	tabled("product_suffix", "The suffix of a product's name.", "product", "suffix"),
	gathered("product_description", "A description of a product in a few sentences.", (*gofakeit.Faker).ProductDescription),

	gathered("app_author", "The author of an app: a person or a company.", (*gofakeit.Faker).AppAuthor),
	gathered("chrome_user_agent", "The user agent of Chrome.", (*gofakeit.Faker).ChromeUserAgent),
	gathered("firefox_user_agent", "The user agent of Firefox.", (*gofakeit.Faker).FirefoxUserAgent),
	gathered("safari_user_agent", "The user agent of Safari.", (*gofakeit.Faker).SafariUserAgent),
	gathered("opera_user_agent", "The user agent of Opera.", (*gofakeit.Faker).OperaUserAgent),
	tabled("http_version", "A version of HTTP, as in a request line.", "internet", "http_version"),
	tabled("tld", "A top-level domain.", "internet", "domain_suffix"),
	tabled("syslog_severity", "A severity of syslog, as a word: emerg, alert, crit and so on.", "log_level", "syslog"),
	tabled("apache_level", "A log level of Apache's httpd.", "log_level", "apache"),
	tabled("input_name", "The name of a field in a form.", "html", "input_name"),

	gathered("error", "An error message.", message((*gofakeit.Faker).Error)),
	gathered("error_database", "An error of a database.", message((*gofakeit.Faker).ErrorDatabase)),
	gathered("error_grpc", "An error of gRPC.", message((*gofakeit.Faker).ErrorGRPC)),
	gathered("error_http", "An error of HTTP.", message((*gofakeit.Faker).ErrorHTTP)),
	gathered("error_http_client", "A client error of HTTP.", message((*gofakeit.Faker).ErrorHTTPClient)),
	gathered("error_http_server", "A server error of HTTP.", message((*gofakeit.Faker).ErrorHTTPServer)),
	gathered("error_runtime", "A runtime error.", message((*gofakeit.Faker).ErrorRuntime)),
	gathered("error_validation", "A validation error.", message((*gofakeit.Faker).ErrorValidation)),

	tabled("hacker_abbreviation", "An abbreviation of computing jargon.", "hacker", "abbreviation"),
	tabled("hacker_adjective", "An adjective of computing jargon.", "hacker", "adjective"),
	tabled("hacker_noun", "A noun of computing jargon.", "hacker", "noun"),
	tabled("hacker_verb", "A verb of computing jargon.", "hacker", "verb"),
	tabled("hacker_ingverb", "A verb of computing jargon ending in -ing.", "hacker", "ingverb"),
	tabled("hipster_word", "A hipster word.", "hipster", "word"),

	tabled("emoji_alias", "An emoji's name, as in :smile:, without the colons.", "emoji", "alias"),
	tabled("emoji_category", "A category of emojis.", "emoji", "category"),
	tabled("emoji_tag", "A tag of an emoji.", "emoji", "tag"),
	tabled("emoji_flag", "A flag: an emoji of two or more code points.", "emoji", "flag"),
	tabled("emoji_job", "A profession: an emoji of several code points with zero-width joiners.", "emoji", "job"),
	gathered("emoji_sentence", "A sentence with emojis in it.", (*gofakeit.Faker).EmojiSentence),

	gathered("paragraph", "A paragraph.", func(f *gofakeit.Faker) string { return f.Paragraph() }),
	gathered("preposition", "A preposition.", (*gofakeit.Faker).Preposition),
	gathered("pronoun", "A pronoun.", (*gofakeit.Faker).Pronoun),
	gathered("connective", "A connective.", (*gofakeit.Faker).Connective),
	tabled("lorem_word", "A word of Latin-looking text.", "lorem", "word"),
	tabled("interjection", "An interjection.", "word", "interjection"),

	tabled("bird", "A bird.", "animal", "bird"),
	tabled("cat_breed", "A breed of cats.", "animal", "cat"),
	tabled("dog_breed", "A breed of dogs.", "animal", "dog"),
	tabled("farm_animal", "A farm animal.", "animal", "farm"),
	tabled("animal_type", "A class of animals.", "animal", "type"),
	tabled("snack", "A snack.", "food", "snack"),
	tabled("dessert", "A dessert.", "food", "dessert"),
	tabled("beer_style", "A style of beer.", "beer", "style"),
	tabled("beer_hop", "A hop.", "beer", "hop"),
	tabled("beer_malt", "A malt.", "beer", "malt"),
	tabled("beer_yeast", "A yeast.", "beer", "yeast"),
	tabled("safe_color", "A web-safe color.", "color", "safe"),
	tabled("book_genre", "A genre of books.", "book", "genre"),
	tabled("song_genre", "A genre of songs.", "song", "genre"),
}
