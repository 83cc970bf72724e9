# Every target sets up what it needs in .venv first; `make help` lists them.
PYTHON ?= python3
BOARD ?= icebreaker
VENV := .venv
RUN := $(VENV)/bin/python
SOBOLPATH := $(VENV)/bin/sobolpath

# A stamp that names the Python of .venv: where another PYTHON is asked for, .venv is made anew.
CREATED :=
ifeq ($(origin PYTHON),file)
CREATED := $(firstword $(wildcard $(VENV)/.created*))
endif
ifndef CREATED
CREATED := $(VENV)/.created-$(shell $(PYTHON) -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null)
endif

.DEFAULT_GOAL := help

ifneq ($(filter synth seeds boards,$(MAKECMDGOALS)),)
KNOWN := $(shell $(PYTHON) -B -c 'from sobolpath.boards import NAMES; print(*NAMES)' 2>/dev/null)
ASKED := $(if $(filter boards,$(MAKECMDGOALS)),$(BOARDS),$(or $(strip $(BOARD)),none))
ifneq ($(and $(KNOWN),$(filter-out $(KNOWN),$(ASKED))),)
$(error BOARD must be one of $(KNOWN), not $(filter-out $(KNOWN),$(ASKED)))
endif
ifneq ($(N),$(shell echo '$(N)' | sed -n '/^[1-9][0-9]*$$/p'))
$(error N must be a number of seeds from 1, not $(N))
endif
endif

.PHONY: help sim learn demo check test synth seeds boards figures faults lint clean force

help:  ## list the targets
	@echo "usage: make TARGET [BOARD=icebreaker] [N=10] [PYTHON=python3]"
	@echo
	@sed -n 's/^\([a-z/%.]*\):.*## \(.*\)/  \1\t\2/p' Makefile | sed s/%/NAME/ | expand -t 19

sim: $(VENV)/.all  ## run the digits model on simulated hardware and compare
	$(SOBOLPATH) sim run digits --data digits

learn: $(VENV)/.all  ## the simulated chip learns digits from constant weights
	$(SOBOLPATH) sim learn --data digits --plot build/learning.svg

demo: $(VENV)/.all  ## draw a digit on a page; a simulated board says which it is
	$(SOBOLPATH) demo $(addprefix --port ,$(PORT))

check: lint  ## style, types and the fast tests, in two minutes
	@scripts/system-tools.sh iverilog g++ perl
	$(RUN) -m pytest -m "not slow" --numprocesses auto --dist worksteal

test: $(VENV)/.test  ## run every test; installs Icarus, g++ and Chromium if it may
	@scripts/system-tools.sh iverilog g++ perl chromium
	$(RUN) -m pytest --numprocesses auto --dist worksteal

synth: $(VENV)/.all  ## make the bitstream for BOARD and a report: area, Fmax, cycles
	@$(SOBOLPATH) board build $(BOARD) --report

seeds: $(VENV)/.all  ## the same over N seeds of place and route, the best is kept
	@$(SOBOLPATH) board build $(BOARD) --report --seeds $(or $(N),10)

boards: $(VENV)/.all  ## build all BOARDS and write the table of docs/boards.md
	@$(RUN) -m scripts.boards $(BOARDS) $(addprefix --seeds ,$(N))

figures: $(VENV)/.test  ## measure the README's table again and write it
	$(RUN) -m scripts.figures

faults: $(VENV)/.test  ## damage sessions with a device, and write what came of it
	$(RUN) -m scripts.faults

models/%.npz: $(VENV)/.all force  ## train a model that ships again: digits, mnist-37k, ...
	$(SOBOLPATH) zoo --train $*
	$(SOBOLPATH) zoo --card models/README.md

lint: $(VENV)/.test  ## check style, format and types
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(VENV)/bin/basedpyright

clean:  ## remove everything that was made, .venv too
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(CREATED):
	@scripts/make-venv.sh $(PYTHON) $(VENV)
	@touch $@

# One stamp for each set of packages: the extra of that name in pyproject.toml.
$(VENV)/.%: pyproject.toml $(CREATED)
	@echo "installing sobolpath[$*] into $(VENV): a minute or two, the first time"
	@$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@
