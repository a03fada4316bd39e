# Two commands on a fresh machine: `make study` and `make test`. `make help` lists the rest.
CONFIG ?= configs/studies/phantom.yaml
# A study by its name, in place of its CONFIG: STUDY=phantom. `spineseg studies` lists the names.
STUDY  ?=
PYTHON ?= python3
PORT   ?= 5000
TRY_PORT ?= 5002
# Which build of torch: auto (without an NVIDIA GPU the CPU build, where pip's index has one), cpu, cuda
TORCH  ?= auto
# What few need, installed beside the rest: EXTRA="ray postgres models" (Ray clusters, PostgreSQL,
# Mask R-CNN, Mask2Former and SAM)
EXTRA  ?=
# Overrides of config keys, as SET="search.trials=4 data.sources.0.path='My Films'"
SET    ?=
export SPINESEG_SET = $(SET)
# A run to predict with, in place of the champion: RUN=phantom/search-001
RUN    ?=

BIN      := .venv/bin
SPINESEG := $(BIN)/spineseg
INSTALLING = PYTHONPATH=src $(BIN)/python -m spineseg.installing requirements.lock \
  .venv/requirements.txt --torch '$(TORCH)'
EXTRAS   := ray postgres models
ifneq ($(filter-out $(EXTRAS),$(EXTRA)),)
$(error EXTRA=$(EXTRA): must be among $(EXTRAS))
endif
# Those that were installed once are kept in step with their lock files.
EXTRAS_HERE = $(sort $(EXTRA) $(patsubst .venv/ready-%,%,$(wildcard .venv/ready-*)))
quoted    = '$(subst ','\'',$(1))'
ASKED     = $(call quoted,$(or $(STUDY),$(CONFIG)))

.DEFAULT_GOAL := help
.PHONY: help setup study retry plan ui try status compare promote studies models history predict weights data \
	screenshots bench test test-all lint lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'
	@echo
	@echo "  STUDY=name, or CONFIG=configs/studies/FILE.yaml, picks a study; SET=\"key=value ...\" overrides"
	@echo "  its keys, a value with spaces in quotes: SET=\"data.sources.0.path='My Films' name=mine\"."

setup: .venv/ready $(EXTRAS_HERE:%=.venv/ready-%)  ## make .venv with the pinned versions (TORCH=cpu, EXTRA="ray postgres models")
ifneq ($(TORCH),auto)
	@$(INSTALLING) --check
endif

# pip is quiet only where nobody watches: some gigabytes take minutes.
.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' \
	  || { echo "Python 3.11 or 3.12 is needed; name one: make setup PYTHON=python3.11"; exit 2; }
	@test -d .venv || $(PYTHON) -m venv .venv \
	  || { rm -rf .venv; echo "no venv module; on Debian: apt-get install python3-venv"; exit 2; }
	@$(INSTALLING)
	@test -t 1 || quiet=--quiet; \
	  $(BIN)/python -m pip install $$quiet --disable-pip-version-check -r .venv/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Without dependencies: the lock file of an extra holds all that requirements.lock does not.
.venv/ready-%: requirements-%.lock .venv/ready
	@PYTHONPATH=src $(BIN)/python -m spineseg.installing $< .venv/$< --extra $*
	@test -t 1 || quiet=--quiet; \
	  $(BIN)/python -m pip install $$quiet --disable-pip-version-check --no-deps -r .venv/$<
	@touch $@

study: setup  ## run the study (or go on with it) and compare its runs
	@$(SPINESEG) run $(ASKED)

retry: setup  ## ask for a failed training anew, RUN=STUDY/NAME; `make study` then trains it
	@$(SPINESEG) retry $(call quoted,$(RUN))

plan: setup  ## list what the study would run, and estimate its hours
	@$(SPINESEG) plan $(ASKED)

data: setup  ## make or merge the study's data, and count them
	@$(SPINESEG) data $(ASKED)

ui: setup  ## browse the study in MLflow on 127.0.0.1, from its leaderboard (PORT=5000)
	@$(SPINESEG) ui $(ASKED) --port $(PORT)

try: setup  ## drop a film on a page of this machine: champion beside baseline (TRY_PORT=5002)
	@$(SPINESEG) try $(ASKED) --port $(TRY_PORT) --open

status: setup  ## say how far the study is
	@$(SPINESEG) status $(ASKED)

compare: setup  ## compare every run with the baseline: table and HTML page
	@$(SPINESEG) compare $(ASKED)

promote: setup  ## register the best run as the champion, if it beats the one there is
	@$(SPINESEG) promote $(ASKED)

models: setup  ## list the registered versions, with their figures and what is wrong with them
	@$(SPINESEG) models --config $(ASKED)

history: setup  ## who promoted what, when, why and on which evidence
	@$(SPINESEG) history --config $(ASKED)

studies: setup  ## list the studies on record: how far each is, its best, its config
	@$(SPINESEG) studies

predict: setup  ## outline the vertebrae on IMAGES="a.jpg 'b c.png'" with the champion, or RUN=STUDY/RUN
	@if test -e $(call quoted,$(IMAGES)); then set -- $(call quoted,$(IMAGES)); else set -- $(IMAGES); fi; \
	  $(SPINESEG) predict "$$@" --config $(ASKED) $(if $(RUN),--run $(call quoted,$(RUN)))

weights: setup  ## train the bundled starting weights again (about an hour on 2 cores)
	@SPINESEG_SET= $(SPINESEG) run configs/studies/weights.yaml
	@$(BIN)/python -m spineseg.training.bundle

screenshots: setup  ## take the pictures of docs/mlflow.md (of a finished synthetic study)
	@$(BIN)/python benchmarks/screenshots.py $(call quoted,$(CONFIG))

# Not `against_yolo.py --length long`: its five pairs take an hour on two cores.
bench: setup  ## measure what a study costs beside its trainings; writes docs/benchmarks.md (two hours)
	@$(BIN)/python benchmarks/faults.py --jobs 2
	@$(BIN)/python benchmarks/faults.py --real
	@$(BIN)/python benchmarks/bookkeeping.py --sizes 10,100
	@$(BIN)/python benchmarks/trials_per_hour.py
	@-$(BIN)/python benchmarks/hung_mlflow.py
	@$(BIN)/python benchmarks/restart.py
	@$(BIN)/python benchmarks/large_study.py --save
	@$(BIN)/python benchmarks/against_yolo.py --ours child study --minutes 15
	@$(BIN)/python benchmarks/page.py

test: setup  ## the fast tests
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

test-all: setup  ## every test, those that need minutes too
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m ''

lint: setup  ## ruff, mypy, the import rules, dependencies declared, no dead code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/vulture

lock:  ## choose the pinned versions anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 pyproject.toml --extra dev \
	  --no-header --no-annotate -o requirements.lock
	@for extra in $(EXTRAS); do \
	  uv pip compile -q --universal --python-version 3.11 pyproject.toml --extra $$extra \
	    --no-header --no-annotate -c requirements.lock -o .$$extra.lock || exit 1; \
	  grep -vxFf requirements.lock .$$extra.lock > requirements-$$extra.lock; rm .$$extra.lock; \
	done

clean:  ## remove the environment and caches; keeps mlruns/, where the records are
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache *.egg-info
	find study src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
