# Each target makes the virtual environment it needs. PYTHON picks the interpreter.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# Known to pass; a registry that has a CPU build of it brings no CUDA packages along.
TORCH ?= torch==2.13.0

.PHONY: demo test lint oldest check bench clean

demo: $(VENV)/.demo
	$(BIN)/initlab compare

# Two processes, whole files to each in their order: the long conformance files come first.
test: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

# The oldest supported Keras, beside the newest in the same environment.
oldest: $(VENV)/.oldest
	PYTHONPATH=$(VENV)/oldest KERAS_BACKEND=torch $(BIN)/python -m pytest -q \
		tests/conformance/test_compare.py tests/conformance/test_schemes.py \
		tests/unit/core/test_keras_private.py tests/unit/network/test_slots.py

check: lint test oldest

bench: $(VENV)/.test
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

$(VENV)/.demo: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -e ".[tensorflow]"
	touch $@

$(VENV)/.test: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet $(TORCH)
	$(BIN)/pip install --quiet -e ".[test,lint]"
	touch $@

$(VENV)/.oldest: $(VENV)/.test
	$(BIN)/pip install --quiet --no-deps --target $(VENV)/oldest keras==3.10.0
	touch $@

clean:
	rm -rf $(VENV)
