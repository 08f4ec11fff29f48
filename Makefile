# SPDX-License-Identifier: Apache-2.0

# gdummy: `make run` shows records coming out of the plugin, `make test` passes the tests.

GO      ?= go
CC      ?= cc
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
ARGS    ?=
DURATION ?= 5
FUZZTIME ?= 30s
SOAK ?= 30m

export ARGS

PLUGIN = build/gdummy.so
HOST   = build/flbhost
CMD    = build/gdummy
LDFLAGS = -ldflags '-s -w -X main.version=$(VERSION)'
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
ACTIONLINT = github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

# All that does not need the C boundary builds and passes without cgo.
PURE = ./internal/... ./cmd/gdummy/...

.PHONY: help build run test test-pure test-c race cover lint vuln soak bench e2e fuzz docs images man release test-deploy test-release clean tools

build: $(PLUGIN) $(HOST) $(CMD) ## the plugin, the command and the embedded host, into build/

help: ## these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{ printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

tools:
	@command -v $(GO) >/dev/null || { echo "gdummy needs Go 1.26 or later: '$(GO)' was not found in PATH"; exit 1; }
	@v=$$($(GO) env GOVERSION | sed 's/^go//'); printf '1.26\n%s\n' "$$v" | sort -V -C || { echo "gdummy needs Go 1.26 or later: '$(GO)' is $$v"; exit 1; }
	@command -v $(CC) >/dev/null || { echo "gdummy needs a C compiler: '$(CC)' was not found in PATH (Debian: apt-get install gcc libc6-dev)"; exit 1; }

$(PLUGIN): tools FORCE
	@mkdir -p build
	CGO_ENABLED=1 CC=$(CC) $(GO) build -buildmode=c-shared $(LDFLAGS) -o $@ ./cmd/in_gdummy
	@rm -f build/gdummy.h

$(CMD): tools FORCE
	@mkdir -p build
	CGO_ENABLED=0 $(GO) build $(LDFLAGS) -o $@ ./cmd/gdummy

$(HOST): tools flbhost/src/*.c flbhost/src/*.h
	@mkdir -p build
	$(CC) -std=c11 -O2 -g -Wall -Wextra flbhost/src/*.c -o $@ -rdynamic -ldl -lpthread

run: $(PLUGIN) $(HOST) ## show records in your fluent-bit, or in the embedded host
	@scripts/run.sh $(PLUGIN) $(HOST) $(DURATION)

# The two parts run at the same time: the host mostly waits, the rest mostly computes.
test: tools ## all tests; the end-to-end tests in their short form
	@echo "packages without C, and at the same time the plugin and its host; then the parsers of other projects"
	$(MAKE) --no-print-directory -j2 --output-sync=line test-pure test-c
	$(GO) -C conformance test -short ./...
	@[ -n "$$FLUENT_BIT" ] || command -v fluent-bit >/dev/null || \
		echo "### SKIPPED: the end-to-end tests need a fluent-bit in PATH or in FLUENT_BIT ###"
	@command -v chromium >/dev/null || \
		echo "### SKIPPED: the page of gdummy audit in a browser needs chromium in PATH ###"

test-pure:
	CGO_ENABLED=0 $(GO) test $(PURE)

test-c:
	CGO_ENABLED=1 CC=$(CC) $(GO) test -short $$($(GO) list ./... | grep -v -e /internal/ -e /cmd/gdummy)

# All tests under the race detector, but for those of a single goroutine that take long.
race: tools ## all tests under the race detector
	CGO_ENABLED=1 CC=$(CC) $(GO) test -race -short ./...

# How much of all packages the tests of all packages run.
cover: tools ## the coverage of all packages by all tests
	@mkdir -p build
	CGO_ENABLED=1 CC=$(CC) $(GO) test -short -coverpkg=./... -coverprofile=build/cover.out ./...
	$(GO) tool cover -func=build/cover.out | tail -n 1

lint: tools ## gofmt, vet, staticcheck, actionlint
	@out=$$(gofmt -l .); [ -z "$$out" ] || { echo "gofmt would change:"; echo "$$out"; exit 1; }
	$(GO) vet ./...
	$(GO) -C conformance vet ./...
	$(GO) -C release vet ./...
	$(GO) run $(STATICCHECK) ./...
	$(GO) run $(ACTIONLINT)

vuln: tools ## known vulnerabilities of what is linked, also into tests, from vuln.go.dev
	$(GO) run $(GOVULNCHECK) $(VULNARGS) ./...
	$(GO) -C release run $(GOVULNCHECK) $(VULNARGS) ./...
	GO=$(GO) VULNARGS='$(VULNARGS)' scripts/vuln-tests.sh $(GOVULNCHECK)

e2e: tools ## the end-to-end tests in full, in real Fluent Bits
	$(GO) test -count=1 -timeout 1h ./internal/prove/expect -run ComputedAgain -records 100000
	$(GO) test -count=1 -v -timeout 60m ./e2e/...

# Pauses, reloads, allocations that fail and storms of signals in their full number, then
# SOAK with everything on.
soak: tools ## the tests of faults in full, and SOAK (30m) with all features
	$(GO) test -count=1 -timeout 1h ./flbhost -run 'TestRandomPauses|TestReloadsWhileFilesChange|TestAllocationFails'
	$(GO) test -count=1 -timeout 3h -v ./e2e -run 'Storm|TestSIGTERM|TestHotReload'
	$(GO) test -count=1 -timeout 1h -v ./e2e -run TestAuditShortfall -stall 1m
	$(GO) test -count=1 -timeout 3h -v ./e2e -run TestSoak -soak $(SOAK)

bench: build ## measure generation, the plugin beside dummy, and the audit
	CGO_ENABLED=0 $(GO) test -run '^$$' -bench . -benchmem $(PURE)
	$(GO) run ./bench $(BENCHARGS)
	scripts/bench-audit.sh

# Each fuzz target in turn, FUZZTIME long.
fuzz: tools ## each fuzz target in turn, FUZZTIME long
	@for pkg in $$($(GO) list $(PURE) ./flb/...); do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

docs: tools ## renew the generated pages
	$(GO) test ./cmd/gdummy/... ./internal/generate/template ./internal/layout -run "Docs|Schemas|ThirdParty" -update

# The pictures in docs: the session in README from a real run, in the Fluent Bit of the
# end-to-end tests, and the page of an audit in Chromium.
images: build ## renew the pictures in docs
	$(GO) test ./e2e -run 'TestDocs/docs/images' -count=1 -update-docs
	$(GO) test ./docs -run TestSession -update
	scripts/images.sh

# The manual pages: build/man/gdummy.1 and others, for man -l or MANPATH.
man: $(CMD) ## write the manual pages to build/man
	@mkdir -p build/man
	@for page in $$($(CMD) doc man-pages); do $(CMD) doc man-page $$page > build/man/$$page || exit 1; done
	@ls build/man/*

# Linux on amd64 and arm64, from the commit that is checked out. Needs Debian: its cross
# compilers, and apt for the C library to link against.
release: tools ## archives, packages, SBOM and checksums, into build/release
	$(GO) -C release run .

# A module of its own: kustomize and helm take minutes to build.
test-deploy: tools ## the manifests for Kubernetes, with kustomize and helm
	$(GO) -C deploy vet ./...
	$(GO) -C deploy test ./...

test-release: tools ## that a release is reproducible, can be installed, and runs
	$(GO) -C release test -count=1 -timeout 30m -v ./...

clean: ## remove build/
	rm -rf build

FORCE:
