# What a developer and CI run. Every target works in a fresh clone.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# A binary says which commit it is from; "dev" is one that nobody knows.
VERSION  ?= $(or $(shell git describe --always --dirty 2>/dev/null),dev)
FUZZTIME ?= 60s
ARGS     ?=

# Files that "make gen" writes and that are kept in the tree.
GENERATED := api/openapi.json

TOOL := go tool -modfile=tools/go.mod

# In CI a test that is left out is a failure, and no result is remembered.
ifeq ($(CI),true)
REPORTFLAGS := -no-skips
TESTFLAGS   := -count=1
endif

# Whatever the race detector does not watch is compiled as users have it: the many packages
# below us once, and not once more for each way.
RELEASED := CGO_ENABLED=0 GOFLAGS=-trimpath

# The race detector looks at our code and not into SQLite, which is C made Go: with
# it there a test takes up to twenty times as long; and not into kong, which reads the
# command line before anything else runs, in each process. Nor does a
# process sleep a second before it exits, in case that a race is yet to come: those that
# came are reported.
RACE := export CGO_ENABLED=1 GOFLAGS="$${GOFLAGS:-} -gcflags=modernc.org/...=-race=false -gcflags=github.com/alecthomas/kong=-race=false" \
	GORACE="$${GORACE:-} atexit_sleep_ms=0"

.PHONY: help
help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: needs-go ## start keyhatch with sample data (ARGS='--data DIR' and so on)
	go run ./cmd/keyhatch dev $(ARGS)

.PHONY: build
build: needs-go ## build bin/keyhatch
	$(RELEASED) go build -ldflags '-X main.version=$(VERSION)' -o bin/keyhatch ./cmd/keyhatch

.PHONY: test
test: needs-go bin/testreport ## install what the tests need, then run them all
	@settings=$$(tools/setup.sh); eval "$$settings"; $(RACE)
	clients=$$(mktemp); trap 'rm -f "$$clients"' EXIT
	# Two packages run the program as it is released, at a time: compiled once, it is for both.
	$(RELEASED) go build -o /dev/null ./cmd/keyhatch
	{ failed=0
	  # The real clients take longest. They run beside the rest, without the race detector:
	  # our code is in another process there, and the rest has the detector watch it. What
	  # they say comes last, since the events of two runs must not mix.
	  $(RELEASED) go test -json -vet=off -timeout 40m $(TESTFLAGS) ./conformance >"$$clients" & run=$$!
	  # Attacks on the endpoint are thousands, made one after another: no race can be there.
	  attacks='^TestAttacks$$'
	  $(RELEASED) go test -json -vet=off $(TESTFLAGS) -run "$$attacks" ./gateway || failed=1
	  # Others that take long begin first. make check vets.
	  packages=$$(go list ./... | grep -v '/conformance$$')
	  go test -p 2 -json -race -vet=off -timeout 40m $(TESTFLAGS) -skip "$$attacks" ./gateway ./cmd/keyhatch $$packages || failed=1
	  $(RELEASED) go test -C tools -json -vet=off $(TESTFLAGS) ./... || failed=1
	  wait $$run || failed=1
	  cat "$$clients"
	  exit $$failed
	} | bin/testreport $(REPORTFLAGS)

.PHONY: conformance
conformance: needs-go bin/testreport ## run only the real clients against the real binary
	@settings=$$(tools/setup.sh); eval "$$settings"
	$(RELEASED) go test -json -vet=off -count=1 -timeout 40m ./conformance | bin/testreport -no-skips

.PHONY: pictures
pictures: needs-go ## make the pictures of the pages for people anew (docs/pages)
	@settings=$$(tools/setup.sh); eval "$$settings"
	KEYHATCH_PICTURES=$(CURDIR)/docs/pages go test -count=1 -run '^TestInChromium$$' ./idp

.PHONY: chaos
chaos: needs-go ## an hour of faults for three servers on PostgreSQL; and processes that rotate data keys, keep access keys and write are killed, 200, 200 and 1,000 times; it writes what has happened into docs/replicas.md
	@settings=$$(tools/setup.sh); eval "$$settings"
	KEYHATCH_CHAOS=$$PWD/docs/replicas.md $(RELEASED) go test -v -count=1 -timeout 120m -run '^(TestKilled(Rotation|WithKeys)|TestS1_KilledProcess|TestChaos)$$' ./broker/keys ./db ./conformance

.PHONY: millions
millions: needs-go ## load 1,000,000 tokens and grants and 10,000,000 events on both engines, and write what was measured into docs/many-rows.md: half an hour, 15 GB of disk and 10 GB of memory
	@settings=$$(tools/setup.sh); eval "$$settings"
	KEYHATCH_MILLIONS=$$PWD/docs/many-rows.md $(RELEASED) go test -v -count=1 -timeout 120m -run '^TestManyRows$$' ./cmd/keyhatch

.PHONY: check
check: needs-go ## look at format, vet, staticcheck, modules and generated files
	@export $(RELEASED); failed=0
	try() { what=$$1; shift; echo "check: $$what"; "$$@" || { failed=1; echo "check: FAILED: $$what"; }; }
	unformatted() { files=$$($(TOOL) gofumpt -l .) && [ -z "$$files" ] || { echo "$$files"; return 1; }; }
	current() {
	  kept=$$(mktemp -d); trap 'rm -rf "$$kept"' EXIT
	  cp --parents $(GENERATED) "$$kept" && $(MAKE) --no-print-directory gen || return 1
	  for file in $(GENERATED); do diff -u "$$kept/$$file" "$$file" || return 1; done
	  git ls-files --error-unmatch $(GENERATED) >/dev/null
	}
	try 'every file is as gofumpt writes it' unformatted
	try 'go vet' go vet ./...
	try 'go vet, tools' go vet -C tools ./...
	try 'staticcheck' $(TOOL) staticcheck ./...
	try 'staticcheck, tools' env -C tools go tool staticcheck ./...
	try 'modules are what was published' go mod verify
	try 'modules are what was published, tools' go -C tools mod verify
	try 'go.mod lists what is used' go mod tidy -diff
	try 'go.mod lists what is used, tools' go -C tools mod tidy -diff
	try 'generated files are what make gen writes' current
	[ $$failed = 0 ] && echo 'check: all is well'

.PHONY: bench
bench: needs-go ## run the Go benchmarks
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: fuzz
fuzz: needs-go ## run each fuzz target for FUZZTIME (60s)
	@targets=$$(go test -list '^Fuzz' ./... | awk '/^Fuzz/ { name[++n] = $$1 } /^ok/ { for (i = 1; i <= n; i++) print $$2, name[i]; n = 0 }')
	[ -n "$$targets" ] || { echo 'fuzz: there is no fuzz target' >&2; exit 1; }
	while read -r package name; do
	  echo "fuzz: $$package $$name"
	  go test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) "$$package" </dev/null
	done <<<"$$targets"

.PHONY: gen
gen: needs-go ## write the generated files
	go generate ./...

.PHONY: bin/testreport
bin/testreport: needs-go
	@$(RELEASED) go build -C tools -o ../bin/testreport ./testreport

.PHONY: needs-go
needs-go:
	@command -v go >/dev/null || { echo 'make: Go 1.26 or later is needed: install it and put its bin directory on PATH' >&2; exit 1; }

# Each recipe is one script, so that it can have variables and functions.
.ONESHELL:
