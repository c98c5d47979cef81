# make install   the command at .venv/bin/petproc
# make demo      a digital trial of four participants, from DICOM to the report (under 4 minutes on 2 cores)
# make test      the tests
# make test-totalsegmentator   that program's own inference with random weights, offline (installs it: 2 GB and more)
# make lint      style, types, layers, spelling
# make fuzz      10,000 damaged files and archives through ingest, then two minutes guided by coverage
# make benchmark-ingest   ingest against dcm2niix and dicom2nifti (needs: .venv/bin/pip install dcm2niix dicom2nifti)
# make benchmark-align    planted offsets between PET and CT, recovered (about 3 minutes)
# make benchmark-requantify   a new question to 120 scans, and 48 of them at once (about 4 minutes)
# make benchmark-noise    bias and spread of TBR and blood pool by noise, vessel and voxel, 312 scans (about 10 minutes)
# make accuracy  how right the vessels are and how well the gate knows it (about 8 minutes on 2 cores)
# make docs      the table of codes, docs/codes.md, made from the code
# make lock      resolve the dependencies anew
# make clean     remove everything that make made

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
CORES ?= $(shell nproc 2>/dev/null || echo 2)
BIN := .venv/bin
INSTALLED := .venv/.installed
DEMO := demo
PHANTOM := $(DEMO)/phantom

# Nothing is written outside the checkout.
export XDG_CACHE_HOME := $(CURDIR)/.cache
export MPLCONFIGDIR := $(CURDIR)/.cache/matplotlib
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install demo test test-totalsegmentator fuzz benchmark-ingest benchmark-requantify accuracy benchmark-align benchmark-noise lint docs lock clean

help:
	@sed -n 's/^# //p' Makefile

install: $(INSTALLED)

$(INSTALLED): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "petproc needs Python 3.11 or later. Say where it is: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Installing into .venv (the first time about a minute and 600 MB)"
	@$(PYTHON) -m venv .venv || { echo "Python's venv module is missing (Debian: apt install python3-venv)." >&2; exit 1; }
	$(BIN)/python -m pip install --require-hashes --progress-bar on -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@
	@echo "Installed: $(BIN)/petproc"

demo: $(INSTALLED) $(DEMO)/config/scans.tsv
	$(BIN)/petproc run $(DEMO) --cores $(CORES)
	$(BIN)/petproc check $(DEMO) $(PHANTOM)

$(PHANTOM)/truth/change.tsv: | $(INSTALLED)
	$(BIN)/petproc phantom $(PHANTOM) --participants 4 --changes=-0.24,-0.16,-0.08,0.04 --seed 1

$(DEMO)/config/config.yaml: | $(INSTALLED)
	$(BIN)/petproc init $(DEMO) --example ivory

$(DEMO)/config/scans.tsv: $(PHANTOM)/truth/change.tsv | $(DEMO)/config/config.yaml
	$(BIN)/petproc inventory $(DEMO) $(PHANTOM)/dicom --keep-ids
	cp $(PHANTOM)/reader/points.tsv $(DEMO)/config/points.tsv
	@touch $@

test: $(INSTALLED)
	$(BIN)/python -m pytest

# Beside the lock: its dependencies are many and its own.
test-totalsegmentator: $(INSTALLED)
	@test -d .venv-totalsegmentator || $(PYTHON) -m venv .venv-totalsegmentator
	.venv-totalsegmentator/bin/python -m pip install --quiet -e '.[totalsegmentator]' pytest pytest-xdist hypothesis
	.venv-totalsegmentator/bin/python -m pytest -n0 -W default tests/with_network tests/segment/test_totalsegmentator.py

fuzz: $(INSTALLED)
	$(BIN)/python fuzz/seeded.py
	$(BIN)/python fuzz/guided.py

benchmark-ingest: $(INSTALLED)
	$(BIN)/python benchmarks/ingest.py

benchmark-align: $(INSTALLED)
	$(BIN)/python benchmarks/align.py

benchmark-requantify: $(INSTALLED)
	$(BIN)/python benchmarks/requantify.py

benchmark-noise: $(INSTALLED)
	$(BIN)/python benchmarks/noise.py

accuracy: $(INSTALLED)
	$(BIN)/python benchmarks/segmentation.py --pictures .cache/overlays

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check --compact-diff Snakefile workflow
	$(BIN)/codespell
	$(BIN)/python -m pytest -q tests/workflow/test_lint.py

docs: $(INSTALLED)
	$(BIN)/python docs/make_codes.py

# uv is only needed here; the lock itself is installed by pip.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--extra dev pyproject.toml -o requirements.lock

clean:
	rm -rf .venv .venv-totalsegmentator .cache $(DEMO) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .snakemake
