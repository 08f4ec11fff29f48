module github.com/gdummy/gdummy

go 1.26.0

require (
	github.com/HdrHistogram/hdrhistogram-go v1.4.0
	github.com/cespare/xxhash/v2 v2.3.0
	github.com/go-json-experiment/json v1.27.2
	github.com/goccy/go-yaml v1.19.2
	github.com/google/go-cmp v0.7.0
	github.com/klauspost/compress v1.20.3
	github.com/rogpeppe/go-internal v1.16.0
	github.com/tinylib/msgp v1.6.5
	pgregory.net/rapid v1.3.0
)

require (
	github.com/brianvoe/gofakeit/v7 v7.18.1
	github.com/go-logfmt/logfmt v0.6.1
	github.com/leodido/go-syslog/v4 v4.5.0
	golang.org/x/sync v0.23.0
)

require (
	github.com/philhofer/fwd v1.2.0 // indirect
	golang.org/x/sys v0.26.0 // indirect
	golang.org/x/tools v0.26.0 // indirect
)
