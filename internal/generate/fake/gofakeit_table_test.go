// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"strings"
	"testing"

	"github.com/brianvoe/gofakeit/v7"
	"github.com/brianvoe/gofakeit/v7/data"
)

// knows maps each function of gofakeit to ours with the same values, or to the reason,
// in parentheses, why there is none.
const knows = `
address                    address
airlineaircrafttype        aircraft_type
airlineairplane            aircraft
airlineairport             airport_name
airlineairportiata         airport
airlineflightnumber        flight
airlinerecordlocator       booking_code
airlineseat                seat
city                       city
country                    country
countryabr                 country_code
latitude                   latitude
latituderange              float
longitude                  longitude
longituderange             float
state                      state
stateabr                   state_code
street                     street
streetname                 (a bare word like View; street has a whole one)
streetnumber               int
streetprefix               (a part of a street)
streetsuffix               (a part of a street)
unit                       unit
zip                        zip

animal                     animal
animaltype                 animal_type
bird                       bird
cat                        cat_breed
dog                        dog_breed
farmanimal                 farm_animal
petname                    pet_name

appauthor                  app_author
appname                    app_name
appversion                 app_version
password                   password
username                   username

beeralcohol                (a number with a unit: float)
beerblg                    (a number with a unit: float)
beerhop                    beer_hop
beeribu                    (a number with a unit: int)
beermalt                   beer_malt
beername                   beer
beerstyle                  beer_style
beeryeast                  beer_yeast
book                       (an object of fields that have functions)
bookauthor                 book_author
bookgenre                  book_genre
booktitle                  book
car                        (an object of fields that have functions)
carfueltype                car_fuel
carmaker                   car_maker
carmodel                   car_model
cartransmissiontype        car_transmission
cartype                    car_type
celebrityactor             (names of living people are no test data)
celebritybusiness          (names of living people are no test data)
celebritysport             (names of living people are no test data)

color                      color
hexcolor                   hex_color
hslcolor                   list
nicecolors                 list
rgbcolor                   list
safecolor                  safe_color

blurb                      company_blurb
bs                         company_bs
buzzword                   buzzword
company                    company
companysuffix              company_suffix
job                        (an object of fields that have functions)
jobdescriptor              job_descriptor
joblevel                   job_level
jobtitle                   job_title
slogan                     slogan
sql                        sql

date                       now
daterange                  time_of
day                        int
futuredate                 now
hour                       int
minute                     int
month                      int
monthstring                month
nanosecond                 int
pastdate                   now
second                     int
time                       now
timerange                  time_of
timezone                   timezone_name
timezoneabv                timezone_code
timezonefull               timezone_full
timezoneoffset             (part of timezone_full)
timezoneregion             timezone
weekday                    weekday
year                       int

emoji                      emoji
emojialias                 emoji_alias
emojianimal                (emoji has them all)
emojicategory              emoji_category
emojiclothing              (emoji has them all)
emojicostume               (emoji has them all)
emojielectronics           (emoji has them all)
emojiface                  (emoji has them all)
emojiflag                  emoji_flag
emojifood                  (emoji has them all)
emojigame                  (emoji has them all)
emojigesture               (emoji has them all)
emojihand                  (emoji has them all)
emojijob                   emoji_job
emojilandmark              (emoji has them all)
emojimusic                 (emoji has them all)
emojiperson                (emoji has them all)
emojiplant                 (emoji has them all)
emojisentence              emoji_sentence
emojisport                 (emoji has them all)
emojitag                   emoji_tag
emojitools                 (emoji has them all)
emojivehicle               (emoji has them all)
emojiweather               (emoji has them all)

error                      error
errordatabase              error_database
errorgrpc                  error_grpc
errorhttp                  error_http
errorhttpclient            error_http_client
errorhttpserver            error_http_server
errorobject                (a word out of an error)
errorruntime               error_runtime
errorvalidation            error_validation

csv                        (a document made of a schema: templates are that)
fileextension              file_extension
filemimetype               mime_type
json                       json
xml                        (a document made of a schema: templates are that)
cusip                      cusip
isin                       isin

breakfast                  breakfast
dessert                    dessert
dinner                     dinner
drink                      drink
fruit                      fruit
lunch                      lunch
snack                      snack
vegetable                  vegetable

dice                       int
gamertag                   gamertag
fixed_width                (a document made of a schema: templates are that)
generate                   (a language of templates of its own)
map                        dict
regex                      numerify

hackerabbreviation         hacker_abbreviation
hackeradjective            hacker_adjective
hackeringverb              hacker_ingverb
hackernoun                 hacker_noun
hackerphrase               hacker_phrase
hackerverb                 hacker_verb
hipsterparagraph           hipster_sentence
hipstersentence            hipster_sentence
hipsterword                hipster_word

inputname                  input_name
svg                        (a picture)
id                         ulid
uuid                       uuid
imagejpeg                  (a picture)
imagepng                   (a picture)

apiuseragent               api_user_agent
chromeuseragent            chrome_user_agent
domainname                 domain
domainsuffix               tld
firefoxuseragent           firefox_user_agent
httpmethod                 method
httpstatuscode             status
httpstatuscodesimple       status
httpversion                http_version
ipv4address                ipv4
ipv6address                ipv6
loglevel                   level
macaddress                 mac
operauseragent             opera_user_agent
safariuseragent            safari_user_agent
url                        url
urlslug                    url_slug
useragent                  user_agent

language                   language
languageabbreviation       language_code
languagebcp                locale
programminglanguage        programming_language

minecraftanimal            (words of one game)
minecraftarmorpart         (words of one game)
minecraftarmortier         (words of one game)
minecraftbiome             (words of one game)
minecraftdye               (words of one game)
minecraftfood              (words of one game)
minecraftmobboss           (words of one game)
minecraftmobhostile        (words of one game)
minecraftmobneutral        (words of one game)
minecraftmobpassive        (words of one game)
minecraftore               (words of one game)
minecrafttool              (words of one game)
minecraftvillagerjob       (words of one game)
minecraftvillagerlevel     (words of one game)
minecraftvillagerstation   (words of one game)
minecraftweapon            (words of one game)
minecraftweather           (words of one game)
minecraftwood              (words of one game)

bool                       bool
flipacoin                  pick
weighted                   weighted
movie                      (an object of fields that have functions)
moviegenre                 movie_genre
moviename                  movie

float32                    float
float32range               float
float64                    float
float64range               float
hexuint                    hex
int                        int
int16                      int
int32                      int
int64                      int
int8                       int
intn                       int
intrange                   int
number                     int
randomint                  pick
randomuint                 pick
shuffleints                shuffle
uint                       int
uint16                     int
uint32                     int
uint64                     int
uint8                      int
uintn                      int
uintrange                  int

achaccount                 (nothing tells that it is nobody's)
achrouting                 (a bank's that may exist)
bankname                   bank
banktype                   bank_type
bitcoinaddress             bitcoin_address
bitcoinprivatekey          (nothing tells that it is nobody's)
creditcard                 (an object of fields that have functions)
creditcardcvv              cvv
creditcardexp              card_expiry
creditcardnumber           credit_card
creditcardtype             card_type
currency                   (an object of fields that have functions)
currencylong               currency_name
currencyshort              currency
price                      price

age                        int
bio                        bio
ein                        ein
email                      email
ethnicity                  ethnicity
firstname                  first_name
gender                     gender
hobby                      hobby
lastname                   last_name
middlename                 middle_name
name                       name
nameprefix                 name_prefix
namesuffix                 name_suffix
person                     (an object of fields that have functions)
phone                      phone
phoneformatted             phone
socialmedia                social_media
ssn                        ssn
teams                      shuffle

product                    (an object of fields that have functions)
productaudience            product_audience
productbenefit             product_benefit
productcategory            product_category
productdescription         product_description
productdimension           product_size
productfeature             product_feature
productisbn                isbn
productmaterial            product_material
productname                product
productsuffix              product_suffix
productupc                 upc
productusecase             product_use
school                     school
song                       (an object of fields that have functions)
songartist                 song_artist
songgenre                  song_genre
songname                   song

digit                      int
digitn                     numerify
letter                     lexify
lettern                    lexify
lexify                     lexify
numerify                   numerify
randomstring               pick
shufflestrings             shuffle
vowel                      pick
email_text                 (a document: templates are that)
markdown                   (a document: templates are that)
template                   (a language of templates of its own)

comment                    comment
loremipsumparagraph        lorem
loremipsumsentence         lorem
loremipsumword             lorem_word
paragraph                  paragraph
phrase                     phrase
phraseadverb               (a part of a sentence)
phrasenoun                 (a part of a sentence)
phrasepreposition          (a part of a sentence)
phraseverb                 (a part of a sentence)
question                   question
quote                      quote_text
sentence                   sentence

adjective                  adjective
adjectivedemonstrative     (adjective has them all)
adjectivedescriptive       (adjective has them all)
adjectiveindefinite        (adjective has them all)
adjectiveinterrogative     (adjective has them all)
adjectivepossessive        (adjective has them all)
adjectiveproper            (adjective has them all)
adjectivequantitative      (adjective has them all)
adverb                     adverb
adverbdegree               (adverb has them all)
adverbfrequencydefinite    (adverb has them all)
adverbfrequencyindefinite  (adverb has them all)
adverbmanner               (adverb has them all)
adverbplace                (adverb has them all)
adverbtimedefinite         (adverb has them all)
adverbtimeindefinite       (adverb has them all)
connective                 connective
connectivecasual           (connective has them all)
connectivecomparative      (connective has them all)
connectivecomplaint        (connective has them all)
connectiveexamplify        (connective has them all)
connectivelisting          (connective has them all)
connectivetime             (connective has them all)
interjection               interjection
noun                       noun
nounabstract               (noun has them all)
nouncollectiveanimal       (noun has them all)
nouncollectivepeople       (noun has them all)
nouncollectivething        (noun has them all)
nouncommon                 (noun has them all)
nounconcrete               (noun has them all)
nouncountable              (noun has them all)
noundeterminer             (a part of a sentence)
nounproper                 (a first name, mostly: first_name)
noununcountable            (noun has them all)
preposition                preposition
prepositioncompound        (preposition has them all)
prepositiondouble          (preposition has them all)
prepositionsimple          (preposition has them all)
pronoun                    pronoun
pronoundemonstrative       (pronoun has them all)
pronounindefinite          (pronoun has them all)
pronouninterrogative       (pronoun has them all)
pronounobject              (pronoun has them all)
pronounpersonal            (pronoun has them all)
pronounpossessive          (pronoun has them all)
pronounreflective          (pronoun has them all)
pronounrelative            (pronoun has them all)
verb                       verb
verbaction                 (verb has them all)
verbhelping                (verb has them all)
verbintransitive           (a kind of verb that no log tells apart)
verblinking                (verb has them all)
verbtransitive             (a kind of verb that no log tells apart)
word                       word
`

// Every function of gofakeit is listed, so that a function in a new version gets an
// entry.
func TestGofakeit(t *testing.T) {
	told := map[string]bool{}
	for line := range strings.Lines(strings.TrimSpace(knows)) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		theirs, ours, _ := strings.Cut(line, " ")
		ours = strings.TrimSpace(ours)
		if gofakeit.GetFuncLookup(theirs) == nil {
			t.Errorf("gofakeit has no function %s", theirs)
		}
		if told[theirs] {
			t.Errorf("%s is listed twice", theirs)
		}
		told[theirs] = true
		if !strings.HasPrefix(ours, "(") && Find(ours) == nil {
			t.Errorf("%s maps to %s, which does not exist", theirs, ours)
		}
	}
	for name := range gofakeit.FuncLookups {
		if !told[name] {
			t.Errorf("gofakeit's %s is not listed", name)
		}
	}
}

// Names of functions are unique.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range Names() {
		if seen[name] {
			t.Errorf("there are two functions %s", name)
		}
		seen[name] = true
	}
}

// The texts of gofakeit's tables are distinct, not empty, and contain no placeholders.
func TestLists(t *testing.T) {
	for _, f := range things {
		c := &Call{Func: &f, Place: 1, Env: &Env{Seed: 1}}
		if _, err := c.Build(); err != nil {
			t.Fatal(err)
		}
		for _, s := range draws(t, f.Name, 3000) {
			if s == "" || strings.ContainsAny(s, "{}") || strings.TrimSpace(s) != s {
				t.Errorf("%s returns %q", f.Name, s)
				break
			}
		}
	}
	if list := unique(data.Data["airline"]["airport"]); len(list) != 85 {
		t.Errorf("%d airports, want 85 (86 entries, two are equal)", len(list))
	}
}
