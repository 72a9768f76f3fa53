# make demo | test | docs | lint | format | lock | weights | clean. Every target makes the environment it needs.
PYTHON ?= python3.11
ENVIRONMENT := .venv
BIN := $(ENVIRONMENT)/bin
READY := $(ENVIRONMENT)/.ready

.PHONY: help demo test browser docs lint format lock weights clean

help:
	@echo "make demo    measure eight real mammograms and four synthetic women (into demo/)"
	@echo "make test    lint, types and tests"
	@echo "make docs    the documentation as a site (into build/docs)"
	@echo "make format  format the code and strip the outputs of notebooks"
	@echo "make lock    write constraints.txt anew from this environment"
	@echo "make weights train the weights that ship from nothing (into training/)"
	@echo "make clean   remove the environment and the demo"

# Torch comes first and alone: the CPU build where one is to be had.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(ENVIRONMENT) || python3 -m venv $(ENVIRONMENT)
	$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: $(READY)
	$(BIN)/bactools demo --out demo

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Pictures and pages are looked at in a browser: Debian's as root, else one that Playwright brings.
browser: $(READY)
	@command -v chromium chromium-browser google-chrome >/dev/null || test -n "$$BROWSER_PATH" || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get install --yes --quiet chromium >/dev/null || \
	  { apt-get update --quiet >/dev/null && apt-get install --yes --quiet chromium >/dev/null; }; \
	else $(BIN)/python -m playwright install chromium; fi

test: lint browser
	$(BIN)/python -c 'from bactools.demo import fetch_mammograms; fetch_mammograms()'
	$(BIN)/python -m pytest -n 2 --dist loadfile

docs: $(READY)
	$(BIN)/python -m sphinx -q -W --keep-going -E -a docs build/docs
	@echo "build/docs/index.html"

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python -c 'import pathlib, nbformat; from nbconvert.preprocessors import ClearOutputPreprocessor as C; \
	  [nbformat.write(C().preprocess(nbformat.read(p, 4), {})[0], p) for p in pathlib.Path("notebooks").glob("*.ipynb")]'

lock: $(READY)
	$(BIN)/python -m pip list --format=freeze --exclude-editable --exclude pip --exclude setuptools \
	  | sed 's/+cpu$$//' > constraints.new
	{ echo '# Versions that were tested together; written by make lock. Torch: take the CPU build if you have no GPU.'; \
	  cat constraints.new; } > constraints.txt
	rm constraints.new

weights: $(READY)
	$(BIN)/bactools phantom cohort A --seed 2026 --women 120 --out training/cohort
	$(BIN)/bactools train data/weights/scunet-phantom-v1.toml

clean:
	rm -rf $(ENVIRONMENT) demo
