# `make book` builds the executed book, `make test` checks everything; both set up what they need.
.DEFAULT_GOAL := help
.PHONY: help setup results book serve offline pdf notebooks assignments teacher-pack slides test lint browser lock clean
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
FIND_PYTHON := for p in "$$PYTHON" python3.11 python3.12 python3.13 python3 python; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done
PORT ?= 8000

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##/make \1\t/p' $(MAKEFILE_LIST)

setup: $(READY)  ## make .venv with the tested versions (requirements.lock)

$(READY): requirements.lock pyproject.toml tools/setup.sh
	@PYTHON_FOUND="$$($(FIND_PYTHON))" sh tools/setup.sh $(VENV)
	@touch $@

book: $(READY)  ## build the executed book into _build/html
	@$(BIN)/python -m fer_lib.site.build

serve: book  ## look at the book: http://127.0.0.1:8000 (PORT=8001 for another port)
	@$(BIN)/python -m fer_lib.site.serve $(PORT)

offline: book  ## one zip of the book that opens from disk: _build/facial-action-units.zip
	@$(BIN)/python -m fer_lib.site.offline

pdf: book browser  ## each page and the whole book for print: _build/pdf
	@$(BIN)/python -m fer_lib.site.pdf

notebooks: $(READY)  ## the chapters as notebooks/*.ipynb, for Colab, Binder and JupyterHub
	@$(BIN)/python -m fer_lib.site.notebooks

assignments: $(READY)  ## the learners' notebooks from their sources, and what the checks miss: book/assignments
	@$(BIN)/python -m fer_lib.classroom.assignments

teacher-pack: $(READY)  ## for teachers: _build/teacher-pack.zip (KEY=folder for private variants and hidden tests)
	@$(BIN)/python -m fer_lib.classroom.pack $(if $(KEY),--key "$(KEY)")

slides: book  ## a deck of slides for each chapter: _build/slides
	@$(BIN)/python -m fer_lib.classroom.slides

results: $(READY)  ## train and record what book/results/PROTOCOL.md lays down; hours, goes on where it stopped
	$(BIN)/fer-lib reproduce

lint: $(READY)  ## style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

browser: $(READY)
	@$(BIN)/python -m fer_lib.site.browser

test: lint book browser  ## everything: style, package, book, pages in a browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile  # threads that wait for each other's core are slow

lock:  ## try the newest versions that pyproject.toml allows and write them to requirements.lock
	@PYTHON_FOUND="$$($(FIND_PYTHON))" sh tools/lock.sh

clean:  ## remove what was built (.venv stays)
	rm -rf _build .pytest_cache .ruff_cache
