# `make run` and `make test` are each all that a newcomer types: they set up what they need.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8080
ARGS ?=
# One process per core, up to four, take the files of tests in turn; `make test ARGS=-n0` runs them all in one.
PROCESSES := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
# Tests that need real data look for it here, and skip where there is none.
export TACTFUL_TEST_DATA ?= $(realpath ../shared/data)

RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed
# Installed where there are JavaScript clients to test with.
CLIENTS := $(if $(wildcard tests/clients/package-lock.json),tests/clients/node_modules/.package-lock.json)
AMP := tests/messages/node_modules/amphtml-validator

.PHONY: help setup run test test-fast check format bench pictures lock wheel clean test-packages

help: ## what there is to type
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: $(RUNTIME) ## make .venv with the `tactful` command (no root needed)

run: $(RUNTIME) ## start Tactful with the example shop at http://127.0.0.1:8080
	$(BIN)/python examples/shop/run.py --port $(PORT) $(ARGS)

test: $(DEV) test-packages $(CLIENTS) $(AMP)/validator_wasm.js ## run the tests, real servers and browsers included; LONG=1 adds the long ones
	$(BIN)/python -m pytest $(PROCESSES) $(if $(LONG),-m "",) $(ARGS)

test-fast: $(DEV) ## run the embedded tests only: no browser, no node
	$(BIN)/python -m pytest $(PROCESSES) -m "not long and not external" $(ARGS)

check: $(DEV) ## format, lint, strict types, import contracts, dead code, docs: what CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/python -m pytest tests/tidy -m "not long and not external" $(ARGS)

format: $(DEV) ## put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(DEV) ## measure, each figure beside a floor measured in the same run
	$(BIN)/python -m benchmarks $(ARGS)

pictures: $(DEV) ## take the pictures in docs/pictures anew
	$(BIN)/python -m tests.web.pictures

lock: | $(BIN)/uv ## work the lock files out again (after a change of dependencies; ARGS=--upgrade for newer versions)
	$(BIN)/uv pip compile $(LOCK_OPTIONS) $(ARGS) --extra build --extra dev pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile $(LOCK_OPTIONS) $(ARGS) --extra build pyproject.toml -c requirements-dev.lock -o requirements.lock

LOCK_OPTIONS := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	--custom-compile-command "make lock"

wheel: $(DEV) ## build dist/tactful-*.whl
	rm -rf dist
	$(BIN)/python -m hatchling build --target wheel

clean: ## throw away what can be made again
	rm -rf $(VENV) dist build tests/clients/node_modules tests/messages/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(RUNTIME): requirements.lock pyproject.toml scripts/setup
	scripts/setup $(VENV) requirements.lock
	touch $@

$(BIN)/uv:
	$(MAKE) $(DEV)

$(DEV): requirements-dev.lock pyproject.toml scripts/setup
	scripts/setup $(VENV) requirements-dev.lock
	touch $@ $(RUNTIME)

test-packages:
	@scripts/debian-packages node=nodejs npm=npm
	@# The browser without windows costs a quarter of the processor time; where it cannot be had, the whole one does.
	@scripts/debian-packages chromium-headless-shell=chromium-headless-shell || scripts/debian-packages chromium=chromium

$(AMP)/validator_wasm.js: scripts/amphtml-validator | test-packages
	scripts/amphtml-validator $(AMP)
	touch $@

tests/clients/node_modules/.package-lock.json: tests/clients/package-lock.json | test-packages
	npm ci --prefix tests/clients --no-audit --no-fund --loglevel=error
