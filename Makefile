# make demo   from a fresh machine to signals on the screen
# make test   every check and test, the broker tests included
# make tools  the programs by which the tests check deploy/ (hadolint, Helm, ...) and a browser
# make sbom   what is installed, as CycloneDX: build/sbom.json
#
# Needs Python 3.11 or 3.12 and make; all else is installed into .venv and fetched into the cache.
# TESTS_AT_ONCE=<n> runs so many files of tests at a time; each has a broker of its own.
# TORCH_INDEX=<url of a package index with CPU builds of torch> saves 5 GB where there is no GPU.

PYTHON ?= $(shell for p in python3.11 python3.12 python3 python; do \
  $$p -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null \
  && echo $$p && break; done)
VENV ?= .venv
ARGS ?=
TESTS_AT_ONCE ?= 2
TORCH_INDEX ?=

BIN = $(VENV)/bin
STAMP = $(VENV)/.installed

.PHONY: demo test check unit tools sbom install bench up down clean

demo: $(STAMP)
	@$(BIN)/earmark demo --with web $(ARGS)

test: check unit

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/earmark schemas check

unit: $(STAMP)
	@$(BIN)/earmark models pull
	@$(PYTHON) deploy/tools.py --missing
	$(BIN)/pytest -n $(TESTS_AT_ONCE) --dist loadfile --no-loadscope-reorder $(ARGS)

tools:
	$(PYTHON) deploy/tools.py

sbom: $(STAMP)
	$(PYTHON) deploy/sbom.py $(BIN)/python build/sbom.json

bench: $(STAMP)
	@$(BIN)/earmark bench $(ARGS)

up down: $(STAMP)
	@$(BIN)/earmark $@ $(ARGS)

install: $(STAMP)

$(STAMP): pyproject.toml deploy/install.py $(wildcard deploy/locks/*.lock)
	$(if $(PYTHON),,$(error earmark needs Python 3.11 or 3.12 on the path))
	$(PYTHON) deploy/install.py $(VENV) $(TORCH_INDEX) >&2
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
