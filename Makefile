# Two commands do all the set-up: `make demo` and `make test`. Both install the
# Debian packages that they need (as root, or through sudo).

GO        ?= go
RELEASE   ?= 4.17
NFPM        = github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.0
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.7.0

# What the lab boots Xen with, programs that tests try on traces, and what rebuilds the committed BPF and guest objects.
LAB_PACKAGES = qemu-system-x86 mmdebstrap debian-archive-keyring uidmap xz-utils e2fsprogs zstd file
GEN_PACKAGES = clang-14 llvm-14 lld-14
# Who reads our packages: systemd the unit, rpm the rpm.
PACK_PACKAGES = systemd rpm
# Who reads Xen's own traces, to compare.
PEER_PACKAGES = xen-utils-common

export CGO_ENABLED = 0

FUZZTIME ?= 60s
FUZZPKGS ?= ./...
FUZZ     ?= ^Fuzz

.PHONY: build packages demo test bench-peer fuzz check generate generate-check samples lab-packages gen-packages pack-packages peer-packages
.NOTPARALLEL:

build:
	$(GO) build -o build/iotrace ./cmd/iotrace

# packages makes a deb and an rpm in build/, with manual pages and completions.
# VERSION is theirs and the program's.
VERSION ?= 0.1.0-dev
packages:
	@rm -rf build/package && mkdir -p build/package/man build/package/completion
	$(GO) build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)' -o build/package/iotrace ./cmd/iotrace
	$(GO) test -count=1 -run '^TestManual$$' ./cmd/iotrace -args -man=$(CURDIR)/build/package/man
	cd build/package/completion && ../iotrace completion bash > iotrace.bash && \
	  ../iotrace completion zsh > _iotrace && ../iotrace completion fish > iotrace.fish
	for p in deb rpm; do VERSION=$(VERSION) $(GO) run $(NFPM) package --config packaging/nfpm.yaml --packager $$p --target build/iotrace.$$p || exit 1; done

# demo records a session in a real Xen under QEMU and replays it.
demo: lab-packages build
	$(GO) run ./lab/cmd/xenlab run --release $(RELEASE) --scenario demo -o build/demo
	build/iotrace info build/demo/session.iot
	build/iotrace replay build/demo/session.iot

# test is what CI runs: formatting, vet, staticcheck, generated files, all tests,
# the lab's real boots included. The timeouts are for what hangs, on the slowest machine.
test: lab-packages gen-packages pack-packages check generate-check
	$(GO) test -short -timeout 30m ./...
	$(MAKE) fuzz FUZZPKGS=./format FUZZ='^Fuzz(Reader|TextReader|JSONReader)$$'
	IOTRACE_LAB=require $(GO) test -count=1 -timeout 75m ./lab

# test-lab plays every scenario on every release, which takes twice as long.
test-lab: lab-packages pack-packages
	IOTRACE_LAB=all $(GO) test -count=1 -timeout 360m ./lab

# fuzz runs each fuzz target of FUZZPKGS whose name FUZZ matches for FUZZTIME,
# beginning with the inputs that testdata/fuzz keeps. What go says when time is up
# in the middle of an input is no finding.
fuzz:
	@for p in $$($(GO) list $(FUZZPKGS)); do \
	   for f in $$($(GO) test -list '$(FUZZ)' $$p | grep '^Fuzz'); do \
	     echo "$$p $$f"; \
	     out=$$($(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s $$p 2>&1) && { echo "$$out" | tail -1; continue; }; \
	     echo "$$out"; \
	     case $$out in *"Failing input"*|*panic*) exit 1;; *"context deadline exceeded"*) ;; *) exit 1;; esac; \
	   done; done

check:
	@fmt=$$(gofmt -l $$($(GO) list -f '{{.Dir}}' ./...)); \
	 if [ -n "$$fmt" ]; then echo "not gofmt-clean:" $$fmt; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

# bench-peer shows how fast xenalyze reads Xen's own trace of a session, and how
# fast replay judges ours of the same one.
bench-peer: lab-packages peer-packages
	IOTRACE_LAB=require $(GO) test -run '^$$' -bench Peer -benchtime 3x -cpu 1 -timeout 30m ./lab

# samples takes the traces in samples/ anew, each on the Xen that its name says.
# Their README states the verdict line of each: check it afterwards.
samples: lab-packages build
	for r in 4.14 4.17 4.20; do \
	  $(GO) run ./lab/cmd/xenlab run --release $$r --scenario boot -o build/boot-$$r && \
	  cp build/boot-$$r/session.iot samples/boot-$$r.iot || exit 1; done
	for s in mediator late; do \
	  $(GO) run ./lab/cmd/xenlab run --release 4.17 --scenario $$s -o build/$$s-4.17 && \
	  cp build/$$s-4.17/session.iot samples/$$s-4.17.iot || exit 1; done
	for f in samples/*.iot; do echo $$f; build/iotrace replay $$f | tail -1; done

# generate rebuilds the committed BPF objects and the lab's guest image.
generate: gen-packages
	$(GO) generate ./...

# generate-check fails if rebuilding the generated files changes any of them.
generate-check: gen-packages
	@sums() { find record lab/guest -type f | LC_ALL=C sort | xargs sha256sum; }; \
	 before=$$(sums); $(GO) generate ./... || exit 1; \
	 if [ "$$before" != "$$(sums)" ]; then \
	   echo "generated files were not up to date: commit what 'make generate' left here"; git status --short -- record lab/guest; exit 1; fi

lab-packages:
	@$(call install,$(LAB_PACKAGES))

pack-packages:
	@$(call install,$(PACK_PACKAGES))

peer-packages:
	@$(call install,$(PEER_PACKAGES))

gen-packages:
	@$(call install,$(GEN_PACKAGES))

# install brings the named Debian packages unless all are there.
define install
for p in $(1); do dpkg-query -Wf '$${db:Status-Status}\n' $$p 2>/dev/null | grep -qx installed || missing=1; done; \
[ -z "$$missing" ] || { \
  if [ $$(id -u) = 0 ]; then s=; else s=sudo; fi; \
  $$s apt-get update -q && $$s env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $(1); }
endef
