# Everything a developer or the CI does; `make` alone tells what there is.
.DEFAULT_GOAL := help
.PHONY: help venv demo collector oldest-dagster test test-containers restarts truth bench lint types arch check docs constraints image clean

PYTHON ?= python3
PYTEST_ARGS ?=
DOCKER ?= docker
IMAGE ?= streamgauge:dev
BIN := .venv/bin
INSTALLED := .venv/.installed
DEMO_INSTALLED := .venv/.installed-demo

define MAKE_VENV
$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "$(PYTHON) is " + sys.version.split()[0] + ", streamgauge needs 3.11 or later: make venv PYTHON=python3.12")' \
  && $(PYTHON) -m venv --clear .venv; }
endef
INSTALL := $(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check -e

# An activated environment or a path set for another project must not reach into this one.
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH

help: ## tell what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

venv: $(INSTALLED) ## make .venv with everything in it (PYTHON=python3.12 to choose)

$(INSTALLED): pyproject.toml constraints.txt
	@$(MAKE_VENV)
	@echo "installing into .venv (minutes when nothing is cached)"
	@$(INSTALL) '.[dev]' -c constraints.txt
	@touch $@ $(DEMO_INSTALLED)

collector: $(INSTALLED) ## build the OpenTelemetry Collector of the tests, once (needs Go 1.25)
	@echo "the OpenTelemetry Collector takes minutes where it is not in the cache"
	@$(BIN)/python -m streamgauge_demo.parts.collector_binary

oldest-dagster: $(INSTALLED) ## install the oldest Dagster of the tests beside the newest, once
	@$(BIN)/python -m streamgauge_demo.parts.dagster_oldest

$(DEMO_INSTALLED): pyproject.toml constraints.txt
	@$(MAKE_VENV)
	@echo "installing the demo into .venv (a minute when nothing is cached)"
	@$(INSTALL) '.[demo]' -c constraints.txt
	@touch $@

demo: $(DEMO_INSTALLED) ## see what it is for, in a minute (docs/demo.md)
	@$(BIN)/python -m streamgauge_demo

test: $(INSTALLED) ## run the tests (PYTEST_ARGS="-n 2 tests/core")
	$(BIN)/pytest $(PYTEST_ARGS)

test-containers: $(INSTALLED) ## test images and compose.yaml (takes an engine, or installs one as root on Debian)
	$(BIN)/pytest -m containers $(PYTEST_ARGS) tests/containers

KILLS ?= 200
SEED ?= 5
restarts: $(INSTALLED) ## kill gauges at random moments, in all twice KILLS=200 times, and judge what Dagster has (SEED=5)
	STREAMGAUGE_KILLS=$(KILLS) STREAMGAUGE_SEED=$(SEED) $(BIN)/pytest -s $(PYTEST_ARGS) tests/integration/test_kills.py

BENCH_JSON ?= build/bench.json
BENCH_ARGS ?=
bench: $(INSTALLED) ## what a record costs beside confluent-kafka and aiokafka + OpenTelemetry, in minutes
	$(BIN)/python benchmarks/against_peers.py --json $(BENCH_JSON) $(BENCH_ARGS)

TRUTH_ARGS ?=
truth: $(INSTALLED) ## hold what is told of groups against the truth, on real Kafka (docs/truth.md; needs Java)
	@$(BIN)/python -m tests.truth $(TRUTH_ARGS)

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
