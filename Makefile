# Two commands do everything on a fresh machine with Python >= 3.11, pip and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test bench mutants recall docs lint types imports clean
.DEFAULT_GOAL := demo

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	# pip does so itself unless the install is editable; without bytecode every start compiles 300 files anew.
	$(BIN)/python -m compileall -q protocol rules perprotocol
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/perprotocol demo -o demo

test: lint types imports
	$(BIN)/python -m pytest -n 2

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed
	$(BIN)/mypy

imports: $(VENV)/.installed
	$(BIN)/lint-imports

bench: $(VENV)/.installed
	$(BIN)/python -m bench

recall: $(VENV)/.installed
	$(BIN)/python -m bench.recall --page

mutants: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet "mutmut==3.8.1"
	nice $(BIN)/python -m bench.mutants rules/dose.py rules/schedule.py rules/match

docs: $(VENV)/.installed
	$(BIN)/python -m docs.generate

clean:
	rm -rf $(VENV) demo bench/data .pytest_cache .mypy_cache .ruff_cache .hypothesis
