# Everything a newcomer or CI needs. `make` prints this help. Set-up happens by itself, in .venv.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
export UV_NO_CONFIG := 1

.PHONY: help demo test check format lint types imports soak bench lock browser clean

help: ## Print this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/uv.stamp: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "leadwire needs Python 3.11 or newer; name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv .venv \
	  || { echo "python3 can't make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

.venv/run.stamp: .venv/uv.stamp requirements/run.txt pyproject.toml
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/run.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

.venv/dev.stamp: .venv/run.stamp requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@

demo: .venv/run.stamp ## Simulated Meta, Knowlarity and CRM around a real engine; ARGS="--seconds 20 --json" ends by itself
	@$(BIN)/leadwire demo $(ARGS)

test: .venv/dev.stamp browser ## All tests, real servers and a real browser included; ARGS goes to pytest
	@$(BIN)/pytest $(ARGS)

check: .venv/dev.stamp format lint types imports ## The fast gate: format, lint, types, import rules, quick tests
	@$(BIN)/pytest tests/unit tests/contract tests/simulation tests/house -m "not slow and not browser"

format: .venv/dev.stamp
	@$(BIN)/ruff format --check --quiet . || { echo "not formatted: run .venv/bin/ruff format ." >&2; exit 1; }

lint: .venv/dev.stamp
	@$(BIN)/ruff check --quiet .

types: .venv/dev.stamp
	@$(BIN)/mypy --no-error-summary

imports: .venv/dev.stamp
	@$(BIN)/lint-imports --no-logo 2>/dev/null | tail -n 4; test $${PIPESTATUS[0]} -eq 0

soak: .venv/dev.stamp ## The long runs: 10,000 simulated lives, hundreds of kills
	@LEADWIRE_SOAK=1 $(BIN)/pytest tests/simulation tests/e2e --timeout 7200 $(ARGS)

bench: .venv/run.stamp ## Measure this machine: capture, hop, idle, start; writes bench/results.json and bench/results.md
	@$(BIN)/python -m bench $(ARGS)

lock: .venv/uv.stamp ## Renew the locked dependencies
	@for set in run dev; do \
	  $(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-annotate --no-emit-index-url \
	    --custom-compile-command "make lock" pyproject.toml $$([ $$set = run ] || echo "--group dev -c requirements/run.txt") \
	    -o requirements/$$set.txt; \
	done

browser:
	@scripts/find-browser --install

clean: ## Remove what make made
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist
