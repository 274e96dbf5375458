# Two commands do all the set-up: `make demo` and `make test`. Both install the
# Debian packages that they need (as root, or through sudo).

GO        ?= go
RELEASE   ?= 4.17
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.7.0

# What the lab boots Xen with, and what rebuilds the committed BPF and guest objects.
LAB_PACKAGES = qemu-system-x86 mmdebstrap debian-archive-keyring cpio zstd xz-utils busybox-static e2fsprogs
GEN_PACKAGES = clang-14 llvm-14 lld-14

export CGO_ENABLED = 0

.PHONY: build demo test check generate generate-check samples lab-packages gen-packages

build:
	$(GO) build -o build/iotrace ./cmd/iotrace

# demo records a session in a real Xen under QEMU and replays it.
demo: lab-packages build
	$(GO) run ./lab/cmd/xenlab run --release $(RELEASE) --scenario mediator -o build/demo
	build/iotrace info build/demo/session.iot
	build/iotrace replay build/demo/session.iot

# test is what CI runs: formatting, vet, staticcheck, generated files, all tests,
# the lab's real boots included.
test: lab-packages gen-packages check generate-check
	IOTRACE_LAB=require $(GO) test -timeout 22m ./...

check:
	@fmt=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go')); \
	 if [ -n "$$fmt" ]; then echo "not gofmt-clean:" $$fmt; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

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

gen-packages:
	@$(call install,$(GEN_PACKAGES))

# install brings the named Debian packages unless all are there.
define install
dpkg -s $(1) >/dev/null 2>&1 || { \
  if [ $$(id -u) = 0 ]; then s=; else s=sudo; fi; \
  $$s apt-get update -q && $$s env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $(1); }
endef
