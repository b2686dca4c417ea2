.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
MAKEFLAGS += --no-print-directory

.PHONY: help demo test lint format examples clean

help:  ## list the targets
	@grep -E '^[a-z.]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z.]+):.*## (.*)/  make \1\t\2/' | expand -t 20

# The stamp is younger than what it was made from, or the environment is made up to date.
.venv/stamp: pyproject.toml constraints.txt
	@echo "Installing PyTorch, Optuna and the tools of the tests into .venv, which takes some minutes:"
	@echo "about 2 GB, and several more where PyTorch comes with CUDA. pip is silent unless it fails."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev,dashboard,onnx,plot]"
	@touch $@
	@echo "Installed. In a shell: source .venv/bin/activate"

demo: .venv/stamp  ## search a network for handwritten digits: accuracy against size, in some minutes
	$(BIN)/optuna-nas search digits --also parameters --trials 30 --seed 0 --out studies/digits

test: .venv/stamp  ## run the tests
	$(BIN)/python -m pytest -n auto

lint: .venv/stamp  ## ruff, mypy --strict and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/stamp  ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

examples: .venv/stamp  ## run every example
	@for example in examples/*.py; do echo "== $$example"; $(BIN)/python -W error $$example || exit 1; done

clean:  ## remove the environment and the caches
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
