# `make demo` and `make test` are all a fresh machine needs; each installs what it lacks into .venv.

PYTHON ?= python3
VENV ?= .venv
# The one requirement that depends on the machine, e.g. TORCH="torch==2.13.0+cu130" or the path of a wheel.
TORCH ?= torch==2.13.0
# "auto" = a process per core; 0 = none (for a debugger).
WORKERS ?= auto

BIN := $(VENV)/bin
AUDIT := $(VENV)/.installed-audit
DEV := $(VENV)/.installed-dev
export HF_HUB_DISABLE_TELEMETRY ?= 1

.DEFAULT_GOAL := help
.PHONY: help install install-gpu demo test test-slow test-gpu test-vision test-hub test-extras hub check lint types bench bench-long playground-models wheel clean

help: ## print what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 22

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(AUDIT): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt "$(TORCH)" --editable ".[audit,images]"
	touch $@

$(DEV): $(AUDIT)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt "$(TORCH)" --editable ".[audit,images,dev]"
	touch $@

install: $(AUDIT) ## install into .venv (TORCH=... chooses another build of torch)

install-gpu: | $(BIN)/python ## install for a GPU: CUDA builds of torch and torchvision, 4 bits, endpoints
	$(BIN)/python -c "import torch, sys; sys.exit(not torch.version.cuda)" 2>/dev/null || $(BIN)/pip uninstall --quiet --yes torch torchvision
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt "$(TORCH)"
	$(BIN)/python -W ignore -c "import torch, sys; sys.exit(None if torch.version.cuda else 'Error: this build of torch has no CUDA: name another with TORCH=')"
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt "$(TORCH)" --editable ".[audit,images,vision,four-bit,openai]"
	touch $(AUDIT)

demo: install ## audit the embedded playground: some minutes on two cores, offline
	$(BIN)/auditdm-hub audit

# One thread per worker: two spinning thread pools on two cores cost a factor of twenty.
PYTEST = OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS)

test: $(DEV) ## run the tests
	$(PYTEST)

test-slow: $(DEV) ## run the tests that take minutes
	$(PYTEST) -m "slow and not gpu" --timeout 3600

test-gpu: $(DEV) ## run the tests that need an accelerator
	$(BIN)/python -m pytest -m gpu --timeout 3600

hub: $(DEV) ## serve a small Hub on this machine alone, to try publishing (Ctrl-C ends it)
	PYTHONPATH=tests $(BIN)/python -m hub_server

$(VENV)/vision/.installed: tests/vision.txt $(DEV)
	rm -rf $(VENV)/vision
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $(VENV)/vision -r tests/vision.txt
	touch $@

test-vision: $(VENV)/vision/.installed ## run the tests of families whose processors need torchvision, installed beside the environment
	PYTHONPATH=$(VENV)/vision $(PYTEST) -p torchvision_operators -m vision

test-hub: $(DEV) ## publish to a real Hub, download and verify again, with your token; HUB_REPO=ORG/NAME, which is deleted at the end
	AUDITDM_HUB_REPO=$(HUB_REPO) $(BIN)/python -m pytest -m hub --timeout 1800

$(VENV)/extras/.installed: tests/evaluating/extras.txt $(DEV)
	rm -rf $(VENV)/extras
	$(BIN)/python -m pip install --quiet --no-deps --target $(VENV)/extras -r tests/evaluating/extras.txt
	touch $@

test-extras: $(VENV)/extras/.installed ## run the tests that need lmms-eval, or pycocoevalcap and a Java runtime; installed beside the environment
	PYTHONPATH=$(VENV)/extras $(BIN)/python -m pytest -m extras -W default --timeout 1800

lint: $(DEV) ## format and lint, changing nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(DEV) ## check types
	$(BIN)/mypy

check: lint types ## lint, types and tests; a skipped test must be in tests/allowed_skips.txt
	$(PYTEST) --strict-skips

bench: install ## print what we measure and claim
	@for name in startup throughput curation_synthetic memory bad_inputs search_success; do \
	  echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done
	$(BIN)/python -m benchmarks.curation_quality runs/search-success-0

bench-long: install ## compare ways to train an auditor, audit planted gaps, repair them: hours
	@for name in success_coverage planted_gaps rectification; do \
	  echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done

playground-models: install ## train the playground's models anew (CPU: 2.5 hours on two cores, less on more)
	$(BIN)/python -m auditdm_hub.playground.build --page docs/playground.md

wheel: $(DEV) ## build the wheel into dist/
	rm -rf dist
	$(BIN)/python -m build --wheel --no-isolation

clean: ## remove what was built (not runs/)
	rm -rf dist build .mypy_cache .ruff_cache .pytest_cache
