# Spojka's commands. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PROOF := $(VENV)/.proof-installed
T ?= tests

##@ For everyone
.PHONY: help demo test
help: ## List the commands
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(STAMP) ## Run everything with sandbox partners and tell the story (ONCE=1: end by itself)
	$(BIN)/spojka demo $(if $(ONCE),--once)

test: $(STAMP) ## Run the tests against real PostgreSQL and real Kafka (T=path narrows)
	$(BIN)/python -m pytest $(if $(filter tests,$(T)),-n 3 --no-loadscope-reorder) $(T)

##@ For developers
.PHONY: check format api baseline bench
check: $(STAMP) ## Format, lint, types, import rules, contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code
	$(BIN)/buf breaking --against proto/baseline.binpb
	@$(MAKE) --no-print-directory api API_OUT=build/api && diff -r -x __pycache__ build/api/spojka/api src/spojka/api \
		|| { echo "the generated code is not up to date: run 'make api'"; exit 1; }

format: $(STAMP) ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/buf format -w

API_OUT ?= src
api: $(STAMP) ## Generate the Python code of the contracts
	rm -rf $(API_OUT)/spojka/api
	mkdir -p $(API_OUT)
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m grpc_tools.protoc -I proto --python_out=$(API_OUT) --mypy_out=quiet:$(API_OUT) \
		--grpc_python_out=$(API_OUT) --mypy_grpc_out=quiet:$(API_OUT) $$(find proto -name '*.proto' | sort)
	find $(API_OUT)/spojka/api -type d -exec touch {}/__init__.py \;

baseline: $(STAMP) ## Accept the contracts as they are: what comes later must not break them
	$(BIN)/buf build proto -o proto/baseline.binpb

bench: $(STAMP) ## Measure speed as ratios to ceilings of the same run (PLOTS=1: growth, memory, pictures)
	$(if $(PLOTS),$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]')
	$(BIN)/python -m bench $(if $(PLOTS),--plots)

##@ For those who want proof (docs/reliability.md)
.PHONY: soak mutants network audit
soak: $(PROOF) ## Both sides under load and strikes (MINUTES=10 SEED=1, PHASE=n for that phase alone)
	$(BIN)/python -m proof.soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(if $(PHASE),--phase $(PHASE))

mutants: $(STAMP) ## Take out one defence at a time: a named test must notice
	$(BIN)/python -m proof.mutants

network: $(STAMP) ## Three brokers and two hosts in network namespaces: brokers lost, partitions, slow links
	$(BIN)/python -m proof.network $(if $(SEED),--seed $(SEED))

audit: $(PROOF) ## Ask for known vulnerabilities of the pinned dependencies
	$(BIN)/pip-audit --strict --progress-spinner off --no-deps --disable-pip -r constraints.txt

##@ Tidying
.PHONY: clean
clean: ## Remove the virtual environment and what was built
	rm -rf $(VENV) build .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Spojka wants Python 3.11 or newer; set PYTHON=…"; exit 1; }
	@echo "Setting up $(VENV): a minute or two, this once"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

$(PROOF): $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[proof]'
	@touch $@
