# What a stranger needs: `make demo`, `make test`. Everything else is listed by `make help`.

SWIFT ?= swift
PREFIX ?= /usr/local
# static, shared or auto: whether the libraries are inside the program (.ci/build).
LINK ?= auto
# Not every shell expands the ~ of PREFIX=~/.local.
PLACE = $(DESTDIR)$(patsubst ~/%,$(HOME)/%,$(PREFIX))

# The system's libraries, as pkg-config knows them and as Debian packages them.
LIBRARIES := libzstd zlib liblzma libcrypto sqlite3
DEBIAN := libzstd-dev zlib1g-dev liblzma-dev libssl-dev libsqlite3-dev pkg-config

# Tests are built with other flags than the program. In one folder the two would rebuild each other.
TEST_FLAGS := -c release -Xswiftc -enable-testing --scratch-path .build-test
NESTWALK := .build/release/nestwalk
MACHINES := -m reference -m reference-cached -m zen5

.PHONY: help demo test validators build install package reports lint packages toolchain clean
.SILENT:

help:
	echo "make demo              replay a real trace and write demo/report.html"
	echo "make test              build and run all tests"
	echo "make build             build $(NESTWALK)"
	echo "make install PREFIX=D  install D/bin/nestwalk, its manual page and completions"
	echo "make package           write a .deb and a tarball of the program into package/"
	echo "make reports           write the golden reports of reports/ anew"
	echo "make lint              check the format of the sources"
	echo "make packages          install the Debian packages that are missing"
	echo "make clean             remove what make has built"

demo: build
	mkdir -p demo
	$(NESTWALK) run traces/sqlite-probe-8m.nwt $(MACHINES) --quiet \
	  --answer modes --answer page-sizes --answer regions \
	  -o demo/report.html -o demo/report.json 2> demo/messages \
	  || { cat demo/messages >&2; exit 1; }
	rm -f demo/messages
	# The first table of the summary, up to its first blank line.
	$(NESTWALK) run traces/sqlite-probe-8m.nwt $(MACHINES) --quiet | sed -n '1,/^$$/p'
	echo "The results: $(CURDIR)/demo/report.json"
	echo "The report:  $(CURDIR)/demo/report.html"

build: toolchain packages
	echo "nestwalk: building (a few minutes the first time)"
	.ci/build $(SWIFT) $(LINK) "$(LIBRARIES)"

test: toolchain packages validators
	echo "nestwalk: building the tests (a few minutes the first time)"
	$(SWIFT) build $(TEST_FLAGS) --build-tests -q
	echo "nestwalk: testing"
	.ci/test $(SWIFT) test $(TEST_FLAGS) --skip-build --disable-xctest

install: build
	.ci/place $(NESTWALK) "$(PLACE)"
	echo "nestwalk: installed $(PLACE)/bin/nestwalk, its manual page and completions"

package: build
	.ci/package $(NESTWALK) package $(SWIFT) "$(LIBRARIES)"

# Each command of reports/README.md, which the test of the golden reports reads too.
reports: build
	sed -n 's/^    nestwalk //p' reports/README.md | while read -r arguments; do \
	  $(NESTWALK) $$arguments --quiet || exit 1; done

lint: toolchain
	$(SWIFT) format lint --strict -r Sources Tests Package.swift \
	  Benchmarks/Sources Benchmarks/Package.swift

# What reports are held against; its tests are skipped where it cannot be had.
validators:
	.ci/validators .build-test/validators

toolchain:
	.ci/toolchain $(SWIFT)

packages:
	.ci/packages "$(LIBRARIES)" $(DEBIAN)

clean:
	rm -rf .build .build-test demo package
