# Everything a developer types; `make help` lists it. Needs Python 3.11 or later, and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Two processes, each with its own Spark and PostgreSQL: one leaves a core idle while a JVM or a server starts.
PYTEST := $(BIN)/pytest -q -n 2 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-faults test-spark35 check format bench requirements clean

help:  ## List the targets
	@awk -F ':.*##' '/^[a-z0-9-]+:.*##/ { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON=python3.12 ..."; exit 2; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.local: $(BIN)/python requirements/local.txt requirements/data.txt pyproject.toml
	@echo "installing what is needed into $(VENV) ..."
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/local.txt
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements/data.txt
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.local requirements/dev.txt
	@echo "installing the tools of development into $(VENV) ..."
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

setup: $(VENV)/.local  ## Make .venv with all that a run needs
	@:

demo:  ## Run the flights example on real data, into Parquet and PostgreSQL
	@start=$$(date +%s); $(MAKE) --no-print-directory setup; \
	$(BIN)/stoker demo --set-up-seconds $$(( $$(date +%s) - start ))

test: $(VENV)/.dev  ## Run the tests, with one of each kind of fault
	$(PYTEST) -m "not faults"

test-faults: $(VENV)/.dev  ## Run all tests, with every fault
	$(PYTEST) --dist worksteal  # most of them are in one file

test-spark35:  ## Run the smoke tests on Spark 3.5, in an environment of its own
	@test -x .venv-spark35/bin/python || $(PYTHON) -m venv .venv-spark35
	@.venv-spark35/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements/spark35.txt
	@.venv-spark35/bin/pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements/data.txt
	@.venv-spark35/bin/pip install -q --disable-pip-version-check --no-deps -e .
	.venv-spark35/bin/pytest -q -m "smoke"

check: $(VENV)/.dev  ## Check style, types and architecture
	$(BIN)/ruff check -q
	$(BIN)/ruff format -q --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev  ## Format the code
	$(BIN)/ruff check -q --fix
	$(BIN)/ruff format -q

bench: $(VENV)/.dev  ## Measure the overhead against plain PySpark (minutes)
	$(BIN)/python benchmarks/overhead.py

requirements: $(BIN)/python  ## Compile the pinned requirements anew
	@$(BIN)/pip install -q --disable-pip-version-check uv
	@for set in "local --extra local" "dev --extra local --group dev"; do \
		name=$${set%% *}; \
		$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
			--python-version 3.11 -c requirements/constraints.txt pyproject.toml $${set#* } -o requirements/$$name.txt; \
	done
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
		--python-version 3.11 -c requirements/constraints-spark35.txt pyproject.toml --extra local --group dev -o requirements/spark35.txt

clean:  ## Remove what was made, the embedded PostgreSQL's data too
	@test ! -x $(BIN)/stoker || (cd examples/flights && ../../$(BIN)/stoker postgres stop) || true
	rm -rf $(VENV) .venv-spark35 .stoker examples/flights/.stoker examples/flights/data .mypy_cache .ruff_cache .pytest_cache .hypothesis
