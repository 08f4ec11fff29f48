// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"slices"
	"strings"

	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// fill appends a pattern with random values: %w is a word, %s a service, %n a small
// number, %N a large number, %x eight hexadecimal digits, %i an address, and %m a
// number of milliseconds.
func fill(dst []byte, p string, rnd *seed.Rand) []byte {
	for {
		i := strings.IndexByte(p, '%')
		if i < 0 || i+1 == len(p) {
			return append(dst, p...)
		}
		dst = append(dst, p[:i]...)
		switch p[i+1] {
		case 'w':
			dst = append(dst, from(rnd, words)...)
		case 's':
			dst = append(dst, from(rnd, services)...)
		case 'n':
			dst = value.AppendUint(dst, 1+rnd.Below(20))
		case 'N':
			dst = value.AppendUint(dst, 1000+rnd.Below(99000))
		case 'm':
			dst = value.AppendUint(dst, 1+rnd.Below(2500))
		case 'x':
			dst = appendHex(dst, rnd.Uint64(), 4)
		case 'i':
			dst = append(dst, "10."...)
			dst = value.AppendUint(dst, rnd.Below(32))
			dst = value.AppendUint(append(dst, '.'), rnd.Below(256))
			dst = value.AppendUint(append(dst, '.'), 1+rnd.Below(254))
		default:
			dst = append(dst, p[i:i+2]...)
		}
		p = p[i+2:]
	}
}

// appendWords appends n words of a list with a character between them.
func appendWords(dst []byte, rnd *seed.Rand, list []string, between byte, n int64) []byte {
	for i := range n {
		if i > 0 {
			dst = append(dst, between)
		}
		dst = append(dst, from(rnd, list)...)
	}
	return dst
}

// sentence appends n words as a sentence.
func sentence(dst []byte, rnd *seed.Rand, list []string, n int64) []byte {
	at := len(dst)
	dst = appendWords(dst, rnd, list, ' ', n)
	if len(dst) > at && dst[at] >= 'a' && dst[at] <= 'z' {
		dst[at] -= 'a' - 'A'
	}
	return append(dst, '.')
}

// prose returns the row of a function that appends N words or sentences.
func prose(name, doc, fallback string, most float64, appendTo func(dst []byte, rnd *seed.Rand, n int64) []byte) Func {
	return Func{
		Name: name, Section: secText, Result: "string", Example: name, Doc: doc,
		Args: []Arg{{Name: "N", Type: Integer, Optional: true, Default: fallback, Range: Range{High: most}}},
		build: func(c *Call) (Gen, error) {
			n, place := c.int(0), c.Place
			return c.texts(func(dst []byte, r *Record) []byte {
				rnd := r.rand(place)
				m := n
				if m == 0 {
					m = 5 + int64(rnd.Below(10))
				}
				return appendTo(dst, &rnd, m)
			}), nil
		},
	}
}

// levelNames are the levels of messages.
var levelNames = strings.Fields("trace debug info notice warn warning error err crit critical fatal panic")

var text = []Func{
	listed("word", secText, "An English word.", words),
	prose("words", "N words with spaces between them.", "3", 10_000, func(dst []byte, rnd *seed.Rand, n int64) []byte {
		return appendWords(dst, rnd, words, ' ', n)
	}),
	prose("sentence", "A sentence of N words; 5 to 14 if N is 0.", "0", 10_000, func(dst []byte, rnd *seed.Rand, n int64) []byte {
		return sentence(dst, rnd, words, n)
	}),
	prose("lorem", "N sentences of Latin-looking text.", "1", 1000, func(dst []byte, rnd *seed.Rand, n int64) []byte {
		for i := range n {
			if i > 0 {
				dst = append(dst, ' ')
			}
			dst = sentence(dst, rnd, latin, 6+int64(rnd.Below(9)))
		}
		return dst
	}),
	listed("level", secText, "A log level: mostly info, then debug, warn and error.", levels),
	{
		Name: "message", Section: secText, Result: "string", Example: `message "error"`,
		Doc:  "A log message of LEVEL: debug, info, warn, error or fatal (or a synonym, in any case). If LEVEL differs from record to record, unknown ones count as info.",
		Args: []Arg{{Name: "LEVEL", Type: Text, Optional: true, Default: "info", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			place := c.Place
			if level := c.str(0); c.Args[0].Const && !slices.Contains(levelNames, strings.ToLower(level)) {
				return nil, argErr(0, "message: unknown LEVEL %q%s", level, units.Hint(level, levelNames, "debug, info, warn, error or fatal"))
			}
			return c.textsOf(c.Args[0].Gen, func(dst []byte, r *Record, level string) []byte {
				list := messages[1]
				if level != "" {
					switch level[0] | 0x20 {
					case 'd', 't':
						list = messages[0]
					case 'w':
						list = messages[2]
					case 'e':
						list = messages[3]
					case 'f', 'c', 'p':
						list = messages[4]
					}
				}
				rnd := r.rand(place)
				return fill(dst, from(&rnd, list), &rnd)
			}), nil
		},
	},
	{
		Name: "stack_trace", Section: secText, Result: "string", Example: `stack_trace "python"`,
		Doc:  "A stack trace of LINES lines in the format of LANGUAGE: java, python or go; of some if LINES is 0.",
		Args: []Arg{{Name: "LANGUAGE", Type: Text}, {Name: "LINES", Type: Integer, Optional: true, Default: "0"}},
		build: func(c *Call) (Gen, error) {
			language, lines, place := c.str(0), c.int(1), c.Place
			least, ok := map[string]int64{"java": 3, "python": 4, "go": 5}[language]
			switch {
			case !ok:
				return nil, argErr(0, "stack_trace: unknown LANGUAGE %q: expected java, python or go", language)
			case lines != 0 && (lines < least || lines > 1000):
				return nil, argErr(1, "stack_trace: LINES is %d, expected %d to 1000, or 0 for some", lines, least)
			case language == "python" && lines%2 != 0:
				return nil, argErr(1, "stack_trace: LINES is %d, expected an even number: a traceback of Python has two lines for each frame", lines)
			}
			n := uint64(lines)
			return c.texts(func(dst []byte, r *Record) []byte {
				rnd := r.rand(place)
				// Direct calls: the argument of a call through a variable would escape.
				switch language {
				case "java":
					return javaTrace(dst, &rnd, n)
				case "python":
					return pythonTrace(dst, &rnd, n)
				}
				return goTrace(dst, &rnd, n)
			}), nil
		},
	},
	composed("path", secText, "The path of a URL in a web shop. Few paths are frequent, many are rare.", appendPath),
	composed("url", secText, "A URL in a web shop, with the host www.example.com.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		return appendPath(append(dst, "https://www.example.com"...), r, rnd)
	}),
	composed("referer", secText, "The referer of a request: a URL, or - if there is none.", func(dst []byte, _ *Record, rnd *seed.Rand) []byte {
		switch v := rnd.Below(10); {
		case v < 4:
			return append(dst, '-')
		case v < 8:
			return appendOf(append(dst, "https://www.example.com"...), rnd, pageKinds, pageStarts)
		}
		return append(append(dst, "https://search.example.org/?q="...), from(rnd, words)...)
	}),
	listed("method", secText, "An HTTP method: mostly GET, then POST, PUT, DELETE, HEAD and PATCH.", methods),
	drawnNumber("status", secText, "integer", "An HTTP status: mostly 200, then 304, 404, 302, 201, 401, 403, 500, 502, 503.", func(rnd seed.Rand) value.Value {
		return value.OfInt(statuses[statusShares.Draw(&rnd)])
	}),
	composed("sql", secText, "An SQL statement on one line.", func(dst []byte, r *Record, rnd *seed.Rand) []byte {
		switch rnd.Below(6) {
		case 0:
			dst = append(append(dst, "INSERT INTO "...), from(rnd, paidTables)...)
			dst = append(dst, " (id, user_id, total) VALUES ("...)
			dst = value.AppendUint(dst, rnd.Below(1e6))
			dst = value.AppendUint(append(dst, ", "...), rnd.Below(1e4))
			dst = value.AppendUint(append(dst, ", "...), rnd.Below(500))
			return append(dst, ".00)"...)
		case 1:
			dst = append(append(dst, "UPDATE "...), from(rnd, paidTables)...)
			dst = append(dst, " SET status = 'done', updated_at = now() WHERE id = "...)
			return value.AppendUint(dst, rnd.Below(1e6))
		case 2:
			dst = append(append(dst, "DELETE FROM "...), from(rnd, oldTables)...)
			dst = append(dst, " WHERE created_at < now() - interval '"...)
			return append(value.AppendUint(dst, 2+rnd.Below(89)), " days'"...)
		case 3:
			dst = append(append(dst, "SELECT count(*) FROM "...), from(rnd, userTables)...)
			dst = append(dst, " WHERE user_id = "...)
			return value.AppendUint(dst, rnd.Below(1e4))
		}
		dst = append(append(dst, "SELECT * FROM "...), from(rnd, tables)...)
		dst = append(dst, " WHERE id = "...)
		dst = value.AppendUint(dst, rnd.Below(1e6))
		return append(dst, " LIMIT 1"...)
	}),
}

// appendPath appends one of twenty kinds of path. Most of them end in a random number
// or an entry of a list.
func appendPath(dst []byte, _ *Record, rnd *seed.Rand) []byte {
	return appendOf(dst, rnd, pathKinds, pathStarts)
}

// appendOf appends a path of one of the kinds. starts has the starts of the kinds.
func appendOf(dst []byte, rnd *seed.Rand, kinds []pathKind, starts *pool) []byte {
	i := int(rnd.Below(uint64(len(kinds))))
	dst = starts.append(dst, i)
	if k := &kinds[i]; k.most > 0 {
		// Squaring makes few of them frequent.
		n := rnd.Below(k.most)
		return value.AppendUint(dst, 1+n*n/k.most)
	} else {
		return k.rest.append(dst, k.rest.draw(rnd))
	}
}

// pathKind is a kind of path: a start and a random rest.
type pathKind struct {
	start string
	most  uint64 // the rest is a number up to this
	rest  *pool  // or one of these
}

// share is a kind of path with its frequency.
type share struct {
	times int
	kind  pathKind
}

// spread returns a list with each kind as often as its frequency, and the starts.
func spread(all ...share) (list []pathKind, starts *pool) {
	var texts []string
	for _, k := range all {
		for range k.times {
			list, texts = append(list, k.kind), append(texts, k.kind.start)
		}
	}
	return list, newPool(texts)
}

var (
	pathKinds, pathStarts = spread(
		share{3, pathKind{"/", 0, newPool([]string{""})}},
		share{5, pathKind{"/products/", 2000, nil}},
		share{2, pathKind{"/search?q=", 0, newPool(words)}},
		share{2, pathKind{"/api/v1/users/", 50_000, nil}},
		share{2, pathKind{"/api/v1/orders/", 900_000, nil}},
		share{6, pathKind{"", 0, newPool(paths)}},
	)
	// Pages that link to others.
	pageKinds, pageStarts = spread(
		share{4, pathKind{"/", 0, newPool([]string{""})}},
		share{6, pathKind{"/products/", 2000, nil}},
		share{3, pathKind{"/search?q=", 0, newPool(words)}},
		share{3, pathKind{"", 0, newPool(pages)}},
	)
)

// fault is an error of a program: its type, its message, and the line of code that
// raises it.
type fault struct{ kind, says, code string }

// javaTrace appends a stack trace of some lines, or of that many.
func javaTrace(dst []byte, rnd *seed.Rand, lines uint64) []byte {
	dst = javaFault(dst, rnd)
	caused, frames, inner := false, uint64(0), uint64(1)
	if lines == 0 {
		frames = 3 + rnd.Below(6)
	} else {
		const other = 2 // the fault and the thread
		frames = lines - other
		if caused = lines >= 7 && rnd.Below(3) == 0; caused {
			frames -= 3 // the cause, its frame and the number of others
		}
	}
	dst = javaFrames(dst, rnd, frames)
	dst = append(dst, "\n\tat java.base/java.lang.Thread.run(Thread.java:840)"...)
	if lines == 0 {
		caused = rnd.Below(3) == 0
	}
	if caused {
		dst = javaFault(append(dst, "\nCaused by: "...), rnd)
		if lines == 0 {
			inner += rnd.Below(3)
		}
		dst = javaFrames(dst, rnd, inner)
		dst = append(dst, "\n\t... "...)
		dst = append(value.AppendUint(dst, 3+rnd.Below(20)), " more"...)
	}
	return dst
}

func javaFault(dst []byte, rnd *seed.Rand) []byte {
	f := &javaFaults[rnd.Below(uint64(len(javaFaults)))]
	return fill(append(append(dst, f.kind...), ": "...), f.says, rnd)
}

func javaFrames(dst []byte, rnd *seed.Rand, n uint64) []byte {
	for range n {
		dst = append(append(dst, "\n\tat com.example."...), from(rnd, services)...)
		class := from(rnd, javaClasses) // in the file of its name
		dst = append(append(append(dst, '.'), class...), '.')
		dst = append(append(dst, from(rnd, javaMethods)...), '(')
		dst = append(append(dst, class...), ".java:"...)
		dst = append(value.AppendUint(dst, 10+rnd.Below(600)), ')')
	}
	return dst
}

// pythonTrace appends a traceback of some lines, or of that many.
func pythonTrace(dst []byte, rnd *seed.Rand, lines uint64) []byte {
	dst = append(dst, "Traceback (most recent call last):"...)
	f := &pyFaults[rnd.Below(uint64(len(pyFaults)))]
	name := from(rnd, pyFunctions)
	n := lines/2 - 2
	if lines == 0 {
		n = 1 + rnd.Below(4)
	}
	for ; ; n-- {
		dst = append(append(dst, "\n  File \"/app/"...), from(rnd, services)...)
		dst = append(append(append(dst, '/'), from(rnd, pyModules)...), ".py\", line "...)
		dst = value.AppendUint(dst, 5+rnd.Below(400))
		dst = append(append(append(dst, ", in "...), name...), "\n    "...)
		if n == 0 {
			break
		}
		name = from(rnd, pyFunctions) // the function of the next frame
		dst = append(append(append(dst, "return "...), name...), "(request)"...)
	}
	dst = append(append(append(dst, f.code...), '\n'), f.kind...)
	return fill(append(dst, ": "...), f.says, rnd)
}

// goTrace appends a panic of some lines, or of that many.
func goTrace(dst []byte, rnd *seed.Rand, lines uint64) []byte {
	reason, frames := from(rnd, goPanics), uint64(0)
	switch {
	case lines == 0:
		frames = 2
	case lines%2 == 0:
		reason, frames = goPanics[0], (lines-4)/2 // with the signal
	default:
		reason, frames = goPanics[1+rnd.Below(uint64(len(goPanics)-1))], (lines-3)/2
	}
	dst = append(append(dst, "panic: "...), reason...)
	if reason == goPanics[0] {
		dst = append(dst, "\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x"...)
		dst = append(appendHex(dst, rnd.Uint64()&0xffffff|0x400000, 3), ']')
	}
	dst = value.AppendUint(append(dst, "\n\ngoroutine "...), 1+rnd.Below(900))
	dst = append(dst, " [running]:"...)
	if lines == 0 {
		frames += rnd.Below(4)
	}
	for range frames {
		service := from(rnd, services)
		dst = append(append(dst, "\nexample.com/shop/"...), service...)
		dst = append(append(append(dst, '.'), from(rnd, goFunctions)...), "(0xc000"...)
		dst = appendHex(dst, rnd.Uint64(), 3)
		dst = append(append(append(dst, ")\n\t/src/"...), service...), '/')
		dst = append(append(dst, from(rnd, pyModules)...), ".go:"...)
		dst = value.AppendUint(dst, 10+rnd.Below(500))
		dst = appendHex(append(dst, " +0x"...), rnd.Below(250)+5, 1)
	}
	return dst
}

var (
	levels = strings.Fields(strings.Repeat("info ", 70) + strings.Repeat("debug ", 18) + strings.Repeat("warn ", 8) + strings.Repeat("error ", 4))

	messages = [5][]string{
		{"cache miss for key %w:%N", "loaded %n rows from %s in %m ms", "retrying %s, attempt %n", "config key %w.%w not set, using the default", "connection %x returned to the pool", "evaluating rule %n for %w"},
		{"request completed in %m ms", "user %N logged in from %i", "order %N created with %n items", "started worker %n of %s", "connected to %s at %i", "job %x finished in %m ms", "published event %w.created to %s", "health check passed", "reloaded the configuration, %n changes"},
		{"slow query took %m ms", "%s answered after %m ms, retrying", "disk usage of /var/lib/%s is above 90 percent", "deprecated endpoint /api/v0/%w called by %i", "rate limit for client %i reached", "queue %w has %N waiting messages"},
		{"could not connect to %s at %i: connection refused", "request to %s failed after %m ms: deadline exceeded", "payment %N declined: insufficient funds", "could not parse the response of %s: unexpected end of input", "transaction %x rolled back: duplicate key", "permission denied for user %N"},
		{"out of memory: could not allocate %N bytes", "lost the connection to %s for good, exiting", "configuration %w.yaml is missing, exiting", "disk full on /var/lib/%s"},
	}

	statuses     = []int64{200, 304, 404, 302, 201, 204, 301, 400, 401, 403, 500, 502, 503, 504}
	statusShares = seed.NewAlias([]float64{820, 60, 35, 20, 15, 10, 8, 6, 6, 5, 8, 3, 3, 1})

	methods    = strings.Fields(strings.Repeat("GET ", 72) + strings.Repeat("POST ", 16) + strings.Repeat("PUT ", 5) + strings.Repeat("DELETE ", 3) + strings.Repeat("HEAD ", 2) + strings.Repeat("PATCH ", 2))
	paths      = []string{"/cart", "/checkout", "/login", "/logout", "/account", "/about", "/help", "/favicon.ico", "/robots.txt", "/static/app.js", "/static/style.css", "/static/logo.svg", "/api/v1/cart", "/api/v1/session", "/healthz", "/metrics"}
	pages      = []string{"/cart", "/checkout", "/login", "/account", "/about", "/help"}
	tables     = []string{"users", "orders", "order_items", "products", "sessions", "payments", "inventory", "events"}
	paidTables = []string{"orders", "payments"}                       // have amounts
	oldTables  = []string{"sessions", "events"}                       // have rows that expire
	userTables = []string{"orders", "sessions", "payments", "events"} // have users

	javaFaults = []fault{
		{"java.lang.IllegalStateException", "order %N is closed", ""},
		{"java.lang.NullPointerException", `Cannot invoke "com.example.%s.Order.total()" because "order" is null`, ""},
		{"java.net.ConnectException", "Connection refused", ""},
		{"java.sql.SQLTimeoutException", "Query timed out after %m ms", ""},
		{"java.io.IOException", "Connection reset by peer", ""},
		{"com.example.payment.PaymentException", "payment %N declined: insufficient funds", ""},
	}
	javaClasses = []string{"OrderService", "CartController", "PaymentClient", "UserRepository", "EventPublisher", "HttpFilter", "JobRunner"}
	javaMethods = []string{"process", "handle", "save", "findById", "publish", "doFilter", "invoke", "run", "charge"}
	pyModules   = []string{"views", "models", "client", "tasks", "handlers", "db", "server"}
	pyFunctions = []string{"get_object", "handle_request", "save_order", "charge", "fetch", "run_task", "render", "dispatch"}
	pyFaults    = []fault{
		{"ValueError", "invalid literal for int() with base 10: '%w'", `page = int(request.args["page"])`},
		{"KeyError", "'user_id'", `user = session["user_id"]`},
		{"ConnectionRefusedError", "[Errno 111] Connection refused", "sock.connect(address)"},
		{"TimeoutError", "timed out", "data = sock.recv(4096)"},
		{"TypeError", "'NoneType' object is not subscriptable", `total = order["total"]`},
		{"requests.exceptions.HTTPError", "503 Server Error: Service Unavailable for url: http://%s:8080/api/v1", "response.raise_for_status()"},
	}
	goPanics    = []string{"runtime error: invalid memory address or nil pointer dereference", "runtime error: index out of range [3] with length 3", "assignment to entry in nil map", "close of closed channel"}
	goFunctions = []string{"(*Server).ServeHTTP", "(*Store).Get", "handleOrder", "(*Worker).Run", "process", "(*Client).Do"}

	words = strings.Fields("able acid aged also area army away baby back ball band bank base bath bear beat been beer bell belt best bill bird blow blue boat body bomb bond bone book boom born boss both bowl bulk burn bush busy call calm came camp card care case cash cast cell chat chip city club coal coat code cold come cook cool cope copy core cost crew crop dark data date dawn days dead deal dear debt deep deny desk dial diet dish disk does done door dose down draw drew drop dual duke dust duty each earn ease east easy edge else even ever evil exit face fact fail fair fall farm fast fate fear feed feel feet fell felt file fill film find fine fire firm fish five flat flow food foot ford form fort four free from fuel full fund gain game gate gave gear gene gift girl give glad goal goes gold golf gone good gray great grow gulf hair half hall hand hang hard harm hate have head hear heat held help here hero high hill hire hold hole holy home hope host hour huge hunt hurt idea inch into iron item jack jean join jump jury just keen keep kept kick kind king knee knew know lack lady laid lake land lane last late lead left less life lift like line link list live load loan lock logo long look lord lose loss lost love luck made mail main make male many mark mass matt meal mean meat meet menu mere mile milk mill mind mine miss mode mood moon more most move much must name navy near neck need news next nice nine none nose note okay once only onto open oral over pace pack page paid pain pair palm park part pass past path peak pick pink pipe plan play plot plug plus poll pool poor port post pull pure push race rail rain rank rare rate read real rear rely rent rest rice rich ride ring rise risk road rock role roll roof room root rose rule rush safe said sake sale salt same sand save seat seed seek seem seen self sell send sent ship shop shot show shut sick side sign site size skin slip slow snow soft soil sold sole some song soon sort soul spot star stay step stop such suit sure take tale talk tall tank tape task team tech tell tend term test text than that them then they thin this thus till time tiny told toll tone took tool tour town tree trip true tune turn twin type unit upon used user vary vast very vice view vote wage wait wake walk wall want ward warm wash wave ways weak wear week well went were west what when whom wide wife wild will wind wine wing wire wise wish with wood word wore work yard yeah year your zero zone")
	latin = strings.Fields("lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna aliqua enim ad minim veniam quis nostrud exercitation ullamco laboris nisi aliquip ex ea commodo consequat duis aute irure in reprehenderit voluptate velit esse cillum fugiat nulla pariatur excepteur sint occaecat cupidatat non proident sunt culpa qui officia deserunt mollit anim id est laborum")
)
