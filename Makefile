# Everything a developer or the CI does; `make` alone tells what there is.
.DEFAULT_GOAL := help
.PHONY: help venv test lint types arch check docs constraints image clean

PYTHON ?= python3
PYTEST_ARGS ?=
DOCKER ?= docker
IMAGE ?= streamgauge:dev
BIN := .venv/bin
INSTALLED := .venv/.installed

# An activated environment or a path set for another project must not reach into this one.
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH

help: ## tell what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

venv: $(INSTALLED) ## make .venv with everything in it (PYTHON=python3.12 to choose)

$(INSTALLED): pyproject.toml constraints.txt
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "$(PYTHON) is " + sys.version.split()[0] + ", streamgauge needs 3.11 or later: make venv PYTHON=python3.12")' \
	  && $(PYTHON) -m venv --clear .venv; }
	@echo "installing into .venv (minutes when nothing is cached)"
	@$(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check -e '.[dev]' -c constraints.txt
	@touch $@

test: $(INSTALLED) ## run the tests (PYTEST_ARGS="-n 2 tests/core")
	$(BIN)/pytest $(PYTEST_ARGS)

lint: $(INSTALLED) ## format and style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(INSTALLED) ## static types
	$(BIN)/mypy

arch: $(INSTALLED) ## who may import whom
	$(BIN)/lint-imports

check: lint types arch test ## all gates and the tests

docs: $(INSTALLED) ## write docs/configuration.md anew from the schema
	@$(BIN)/streamgauge schema --format markdown > docs/configuration.md.new \
	  && mv docs/configuration.md.new docs/configuration.md \
	  || { rm -f docs/configuration.md.new; exit 1; }

constraints: ## pin anew what all extras resolve to (needs uv)
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --upgrade --quiet \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate -o constraints.txt

image: ## build the sidecar's image (DOCKER="podman" IMAGE=name:tag)
	$(DOCKER) build -f service/Dockerfile -t $(IMAGE) .

clean: ## remove all that the other targets made, .venv included
	rm -rf .venv build dist htmlcov .coverage .coverage.* .hypothesis .import_linter_cache \
	  .mypy_cache .pytest_cache .ruff_cache service/*.egg-info
	find service tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
