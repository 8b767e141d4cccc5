# Everything works in a path with spaces: only relative paths are used here.
SHELL := /bin/sh
PORT ?= 8000
OMNISTRA_DATA ?= var
BIN := .venv/bin
export PORT OMNISTRA_DATA

.PHONY: run test check bench env env-dev
.NOTPARALLEL:

run: env
	@exec $(BIN)/python manage.py up --with-parent

test: env-dev
	@$(BIN)/python -m tests.browser_ready
	@env -u OMNISTRA_DATA $(BIN)/python -m pytest -n 2 --dist loadfile  # each with servers of its own

check: env-dev
	@PATH="$$PWD/$(BIN):$$PATH" sh .ci/check

bench: env-dev
	@env -u OMNISTRA_DATA $(BIN)/python -m tests.bench

env: .venv/requirements.done
env-dev: .venv/requirements-dev.done

.venv/bin/python:
	@for python in python3.13 python3.12 python3.11 python3; do \
	  if command -v $$python >/dev/null 2>&1 && $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "Making .venv with $$python"; $$python -m venv .venv && exit 0; \
	  fi; \
	done; echo "Python 3.11 or newer is needed."; exit 1

.venv/%.done: %.txt | .venv/bin/python
	@echo "Installing $*"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $*.txt
	@touch "$@"
