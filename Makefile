# What is done to kettle, by name. `make` alone lists it; .ci/run calls the same
# targets. Nothing but Go is needed, but for what says otherwise.

GO         ?= go
FUZZTIME   ?= 10s
FUZZGUIDED ?= -fuzz=.

# What is type-checked besides this machine's own platform.
PLATFORMS = darwin/arm64 freebsd/amd64 netbsd/amd64 openbsd/amd64 dragonfly/amd64 \
	windows/amd64 linux/arm64 linux/riscv64

# The tests, with the list of what was skipped at their end.
TEST = $(GO) run ./internal/testenv/report

# One number for the state of the tree: what git sees changed, and how.
TREE = { git status --porcelain && git diff; } 2>/dev/null | cksum

.DEFAULT_GOAL := help
.PHONY: help quick plain plain-streams plain-models test race long fmt vet lint tidy cross fuzz \
	smoke costs figures ratios model rows stats peers generator charts tree-before clean-tree ci

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

quick: fmt vet ## For every edit, about a minute: format, vet, and the tests without the slow ones.
	$(GO) test -short ./...

plain: fmt vet ## Format, vet, and the tests that the race detector leaves out, or falsifies.
	$(GO) test -short . ./loop/... ./looptest ./selectors/... ./transport ./internal/sys \
		./internal/uring ./internal/coro ./internal/pages ./internal/trace
	$(GO) test -run 'Memory|Idle|Allocate' ./stream
	@$(MAKE) --no-print-directory -j2 plain-streams plain-models

plain-streams:
	$(GO) test -run '/^(poll|select)$$' ./streamtest
	$(GO) test -run 'TestTLSKeepsThePromisesOfStreams/^(poll|select)$$' ./stream

plain-models:
	$(GO) test -run '/^(prefork|selectors|coroutines|protocol|streams)$$/^(poll|select|io_uring)$$' \
		./models

test: ## All tests, then the list of those that were skipped, and why.
	$(TEST) ./...

race: ## All tests under the race detector (needs a C compiler; says so where there is none).
	@if command -v "$$($(GO) env CC)" >/dev/null; then \
		echo "$(TEST) -race -vet=off $(RACEFLAGS) ./..."; \
		CGO_ENABLED=1 $(TEST) -race -vet=off $(RACEFLAGS) ./...; \
	else \
		echo "race: NOT RUN: the race detector needs a C compiler, and there is no" \
			"$$($(GO) env CC) here"; \
	fi

long: ## All tests, with those that take minutes.
	KETTLE_LONG=1 $(TEST) -count=1 -timeout=60m ./...

fmt: ## Check that gofmt would change nothing.
	@gofmt=$$(command -v gofmt || echo "$$($(GO) env GOROOT)/bin/gofmt"); \
	unformatted=$$("$$gofmt" -l .) || { echo "fmt: $$gofmt failed"; exit 1; }; \
	test -z "$$unformatted" || \
		{ echo "not formatted, run gofmt -w on:"; echo "$$unformatted"; exit 1; }

vet: ## go vet.
	$(GO) vet ./...

lint: ## staticcheck, at the version that tools/go.mod pins.
	$(GO) tool -modfile=tools/go.mod staticcheck ./...

tidy: ## The house rules alone.
	$(GO) test ./internal/tidy

cross: ## Type-check everything for the other platforms.
	$(GO) run ./internal/tidy/cross $(PLATFORMS)

# One binary for all targets of a package, as each link takes seconds. With FUZZGUIDED= it is built
# without what tells which code an input reaches: to put that in, everything is compiled anew.
fuzz: ## Fuzz each target for FUZZTIME (10s).
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
	grep -rHoE '^func Fuzz[A-Za-z0-9_]+' --include='*_test.go' . | sort | \
	while IFS=: read -r file declaration; do \
		name=$${declaration#func }; package=$${file%/*}; \
		if test "$$package" != "$$built"; then \
			$(GO) test -c $(FUZZGUIDED) -o "$$dir/fuzz" "$$package" || exit 1; \
			built=$$package; \
			corpus=$$($(GO) env GOCACHE)/fuzz/$$($(GO) list "$$package"); \
		fi; \
		echo "fuzzing $$name in $$package for $(FUZZTIME)"; \
		(cd "$$package" && "$$dir/fuzz" -test.run='^$$' -test.fuzz="^$$name\$$" \
			-test.fuzztime=$(FUZZTIME) -test.fuzzminimizetime=1x \
			-test.fuzzcachedir="$$corpus") </dev/null || exit 1; \
	done

smoke: ## The lab, in small: every model serves, every byte is checked.
	$(GO) run ./cmd/kettle lab --quick

costs: ## What docs/memory.md says of an idle connection, and that a message allocates nothing.
	$(GO) test -run='^$$' -bench='IdleConnection$$' -benchtime=1x ./stream
	$(GO) test -run='^$$' -bench='Message$$' -benchtime=5000x ./stream

figures: ## Run the lab, and put its figures and pictures into the documents, in about 4 minutes.
	$(GO) run ./cmd/kettle lab --out lab-out
	$(GO) run ./cmd/kettle lab --workloads storm --models all --out lab-out/storm
	$(GO) run ./internal/figures lab-out lab-out/storm

ratios: ## CPU per message of the event loops, relative to goroutines, in a comparison to rely on.
	$(GO) run ./cmd/kettle lab --workloads storm --rounds 45 \
		--models selectors,coroutines,protocol,streams,goroutines

peers: ## The loops beside servers in C, Python and Go, in about 15 minutes (BENCH: its flags).
	$(GO) run ./bench $(BENCH)

generator: ## The load generator beside one in C, in a comparison to rely on (needs a C compiler).
	$(GO) run ./bench -client -rounds 30 -workloads ping-100,ping-1000,size-1k,depth-16

model: ## Every suite on one model: make model NAME=poll.
	@list=$$($(GO) run ./cmd/kettle models) || exit 1; \
	names=$$(echo "$$list" | sed -n 's/^\([a-z]*\): .*/\1/p'); \
	for name in $$names; do test "$$name" = "$(NAME)" && exit 0; done; \
	echo "which model? make model NAME=..., with one of:" $$names; exit 2
	$(GO) test -count=1 -run '/^$(NAME)$$' ./models

rows: ## Which behaviours of docs/behaviours.md tests hold, and which not, and why.
	@$(GO) run ./internal/tidy/show rows

stats: ## Comments, tests and sizes of each package (judges nothing).
	@$(GO) run ./internal/tidy/show stats

charts: ## Fetch what draws the lab's page again, and compare it with what is embedded (needs npm).
	@lab/page/thirdparty/fetch.sh

tree-before: # Note the state of the tree, for clean-tree.
	@if git rev-parse --git-dir >/dev/null 2>&1; then \
		$(TREE) > "$$(git rev-parse --git-path kettle-tree)"; \
	fi

clean-tree: ## Check that nothing in the tree has changed since make tree-before.
	@if ! git rev-parse --git-dir >/dev/null 2>&1; then \
		echo "clean-tree: NOT CHECKED: git does not know this directory"; exit 0; \
	fi; \
	before=$$(git rev-parse --git-path kettle-tree); \
	test -f "$$before" || { echo "clean-tree: run make tree-before first"; exit 1; }; \
	if test "$$($(TREE))" = "$$(cat "$$before")"; then \
		echo "the tree is as it was"; \
	else \
		echo "the tree has changed; what is not committed:"; git status --short; exit 1; \
	fi

ci: ## Everything that must hold before a change is merged, as .ci/run does it.
	@.ci/run
