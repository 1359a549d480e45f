# The commands of this tree. `make run` and `make test` are the README's promise.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.PHONY: run build page test check bench sabotage fuzz schemathesis

# Installs what is missing, builds, and serves from ./data.
run:
	scripts/install-packages run
	$(MAKE) --no-print-directory build
	exec target/release/stoa serve

# The page and target/release/stoa.
build: page
	cargo build --release --locked --package stoa

page:
	scripts/build-page

# Installs what the tests need, and runs them all.
test:
	scripts/install-packages test
	scripts/run-tests

# Format, lints, types, licences.
check:
	scripts/install-packages check
	scripts/run-checks

bench:
	scripts/install-packages bench
	cargo build --release --locked --package stoa --package bench
	target/release/bench

# Patches that each remove one check: the tests have to catch every one.
sabotage:
	scripts/install-packages test
	scripts/sabotage

# The whole description of the API, tried by schemathesis on the real program: a minute for each of six runs.
schemathesis: page
	cargo build --locked --package stoa
	scripts/schemathesis

# Ten minutes of made-up inputs for each of what reads what strangers send.
fuzz:
	scripts/fuzz
