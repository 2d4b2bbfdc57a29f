# make demo  runs the monitor on this machine;  make test  passes every test. Both install what they need first.
# make demo ARGS="--seconds 60 --json"   passes arguments on;   make demo DEMO=path/to/file   replays a file.

.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= $(shell for p in python3.11 python3.12 python3.10 python3; do \
	"$$p" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && { echo "$$p"; break; }; \
	done)
BIN := .venv/bin

.PHONY: help install demo test check bench folders teacher weights lock clean

help:
	@echo 'make demo    run the monitor with simulated customers (Ctrl-C ends it)'
	@echo 'make test    lint, types, import floors, unit, mini-cluster and integration tests'
	@echo 'make check   the quick part of it: no cluster'
	@echo 'make bench   measure, and write build/bench.json'
	@echo 'make weights DATA="FOLDER …"   train the shipped models anew, into build/weights (broken off: ARGS=--resume)'
	@echo '                               TEACHER=anew: the large model that they learn from as well, for hours'
	@echo 'make lock    resolve requirements.lock anew'
	@echo 'make clean   remove the environment and everything built'

install:
	@p="$(PYTHON)"; "$${p:-python3}" jobs/local/bootstrap.py

demo: install
	@$(BIN)/replywatch demo $(DEMO) $(ARGS)

check: install
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/unit

test: check
	$(BIN)/python -m pytest tests/flink tests/integration

bench: install
	$(BIN)/python -m tests.benchmarks.run $(ARGS)

SETS = $(foreach folder,$(DATA),--data "$(folder)")
folders:
	@test -n "$(DATA)" || { echo 'make weights DATA="FOLDER …": folders with the sets that models/sets.py names'; exit 2; }

# What the teacher said is kept: TEACHER=anew trains it first, and another directory or file takes its place.
TEACHER ?= models/weights/teacher/answers.safetensors
NEW_TEACHER = build/weights/teacher
TAUGHT = --teacher $(if $(filter anew,$(TEACHER)),$(NEW_TEACHER),$(TEACHER)) --compact

teacher: folders install
	$(BIN)/replywatch train --recipe teacher $(SETS) --output $(NEW_TEACHER) $(ARGS)

weights: folders install $(if $(filter anew,$(TEACHER)),teacher)
	$(BIN)/replywatch train --recipe accurate $(TAUGHT) $(SETS) --output build/weights/accurate $(ARGS)
	$(BIN)/replywatch train --recipe fast $(TAUGHT) $(SETS) --output build/weights/fast $(ARGS)

lock: install
	$(BIN)/python -m pip install -q uv
	$(BIN)/python -m uv pip compile setup.py --extra dev --extra bench --extra train --extra evaluate --universal --python-version 3.10 \
		--generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links -o requirements.lock

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
