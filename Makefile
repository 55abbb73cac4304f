# The commands a contributor types; CI types the same ones.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
GPU ?= $(shell nvidia-smi -L >/dev/null 2>&1 && echo 1 || echo 0)
FAISS := $(if $(filter 1,$(GPU)),gpu,cpu)
STAMP := $(VENV)/.made-$(FAISS)
THREADS := OMP_NUM_THREADS=1
PYTEST := $(THREADS) $(BIN)/python -m pytest

.PHONY: env demo test test-slow fuzz lint lock clean

env: $(STAMP)

$(STAMP): requirements/$(FAISS).lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "caselink needs Python 3.11 or newer, this is " + sys.version.split()[0])'
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/$(FAISS).lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# ONCE=1 sends one query through the running API, prints the answer and ends.
demo: env
	$(BIN)/caselink demo $(if $(ONCE),--once)

test: env lint
	$(PYTEST) -n 2 --dist loadfile -m "not slow"

test-slow: env
	$(PYTEST) -m slow

fuzz: env
	$(PYTEST) -n 2 --dist loadfile --hypothesis-profile=fuzz -m "not slow" -k "fuzz or hypothesis or property or injection"

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Writes the locks anew; `uv` comes from pip for this alone. No lock may hold an address.
lock:
	$(BIN)/python -m pip install --quiet uv
	for faiss in cpu gpu; do $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --no-emit-index-url \
	  --no-header --no-annotate --extra $$faiss --extra train --extra dev --output-file requirements/$$faiss.lock --quiet; done
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate \
	  --extra cpu --extra scale --extra peers --extra train --extra dev --output-file requirements/scale.lock --quiet

clean:
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache
