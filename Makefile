# Sashlock. "make" lists the targets; building needs Go only.
.DEFAULT_GOAL := help
.PHONY: help demo build check test race fuzz golden generate docs pictures lint bench pg peers vuln

# The packages whose tests can write their expected results anew.
GOLDEN = $(shell grep -rl --include=*_test.go --exclude-dir=node_modules '"update", false' . | xargs -n1 dirname | sort -u)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## run a simulated store and open its page
	go run ./cmd/sashlock demo

build: ## build both programs into bin/
	CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o bin/ ./cmd/...

check: ## what decides whether a change is good: like test, but nothing may skip
	bash .ci/run

test: ## all checks and tests, against a real PostgreSQL and real peers
	bash .ci/test

race: ## the tests under the race detector; takes minutes and needs a C compiler
	CGO_ENABLED=1 bash .ci/test -race ./...

fuzz: ## every fuzz target for TIME each, default 10s
	bash .ci/fuzz $(or $(TIME),10s)

golden: ## write the expected results of stories and references anew; read the diff
	go test $(GOLDEN) -update

generate: ## run the code generators
	go generate ./...

docs: ## write docs/reference anew and check every document
	go test ./internal/lint ./cmd/sashlock ./internal/api ./catalogue -run "Reference|Fresh" -update && go test ./internal/lint

pictures: ## take the pictures of README and guides anew, from the demo
	go test -count=1 ./internal/walk -run Pictures -pictures

lint: ## golangci-lint, which has to be installed: too heavy for make test
	@command -v golangci-lint >/dev/null || { echo "golangci-lint 2 is not installed: https://golangci-lint.run/docs/welcome/install"; exit 1; }
	golangci-lint run ./...

bench: ## the figures of docs/performance.md
	go test -run '^$$' -bench . -benchmem ./internal/... && go run ./cmd/sashlock bench

pg: ## the store's tests on SQLite and PostgreSQL
	SASHLOCK_REQUIRE=1 bash .ci/test -v ./internal/store/... ./internal/api ./internal/app

peers: ## the tests against the programs in peers/
	SASHLOCK_REQUIRE=1 bash .ci/test -v ./driver/... ./internal/tlskeys ./internal/console/enter

vuln: ## known vulnerabilities in what we link; asks vuln.go.dev
	go run golang.org/x/vuln/cmd/govulncheck@v1.1.4 ./...
