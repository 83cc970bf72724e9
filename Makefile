# Every target sets up what it needs in .venv first; `make help` lists them.
PYTHON ?= python3
BOARD ?= icebreaker
VENV := .venv
RUN := $(VENV)/bin/python

.DEFAULT_GOAL := help

BOARDS := $(shell sed -n '/^NAMES = (/,/^)/s/^ *"\(.*\)",$$/\1/p' boards/__init__.py)
ifneq ($(filter synth,$(MAKECMDGOALS)),)
ifeq ($(filter $(BOARDS),$(BOARD)),)
$(error BOARD must be one of $(BOARDS), not $(BOARD))
endif
endif

.PHONY: help sim test synth figures lint clean force

help:  ## list the targets
	@echo "usage: make TARGET [BOARD=icebreaker] [PYTHON=python3]"
	@echo
	@sed -n 's/^\([a-z/%.]*\):.*## \(.*\)/  \1\t\2/p' Makefile | sed s/%/NAME/ | expand -t 19

sim: $(VENV)/.native  ## run the digits model on simulated hardware and compare
	$(RUN) -m sim run models/digits.npz --data digits

test: $(VENV)/.test  ## run every test; installs Icarus and a C++ compiler if it may
	@scripts/system-tools.sh iverilog g++ perl
	$(RUN) -m pytest

synth: $(VENV)/.boards  ## make the bitstream for BOARD; area, Fmax, clock met or not
	@$(RUN) -m boards build $(BOARD)

figures: $(VENV)/.test  ## measure the README's table again and write it
	$(RUN) -m scripts.figures

models/%.npz: $(VENV)/.native force  ## train a model that ships again: digits, mnist-37k, ...
	$(RUN) -m golden zoo --train $*
	$(RUN) -m golden zoo --card models/README.md

lint: $(VENV)/.test  ## check style and format
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check

clean:  ## remove everything that was made, .venv too
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.created:
	@scripts/make-venv.sh $(PYTHON) $(VENV)
	@touch $@

# One stamp for each set of packages: the extra of that name in pyproject.toml.
$(VENV)/.%: pyproject.toml | $(VENV)/.created
	@echo "installing sobolpath[$*] into $(VENV): a minute or two, the first time"
	@$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@
