module github.com/gdummy/gdummy

go 1.26

require (
	github.com/go-json-experiment/json v1.27.2
	github.com/google/go-cmp v0.7.0
	github.com/tinylib/msgp v1.6.5
)

require pgregory.net/rapid v1.3.0 // indirect

require (
	github.com/goccy/go-yaml v1.19.2
	github.com/philhofer/fwd v1.2.0 // indirect
	github.com/rogpeppe/go-internal v1.16.0 // indirect
)
