# `make` or `make help` says what there is. Without make (Windows): see README.

PYTHON ?= python3
PIP_FLAGS ?=
LAB_FLAGS ?=
TEST_FLAGS ?=
BENCH_FLAGS ?=
BUILD_FLAGS ?=
WORKERS ?= 2
CLASS ?= my-class
SET ?= set3_addressing
STUDENTS ?= 200
ENGINE ?= docker

VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
PY := $(BIN)/python
PIP := $(PY) -m pip install --disable-pip-version-check --quiet $(PIP_FLAGS) -c constraints.txt

export OMP_NUM_THREADS ?= 1
export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.PHONY: help lab test test-full test-gpu bench latency notebooks notebooks-check site lint clean
.PHONY: course grade grade-container grade-bank simulate

help:
	@echo "make lab        install what the lessons need, lay your copies, open JupyterLab"
	@echo "make test       install what the tests need and run them all (quick profile)"
	@echo "make test-full  run every lesson as a learner does, and time it"
	@echo "make test-gpu   library and lessons on a CUDA GPU; writes build/gpu_record.json"
	@echo "make bench      time training steps; writes data/bench.json and README's tables"
	@echo "make latency    time every picture in JupyterLab; writes data/latency.json"
	@echo "make notebooks  build notebooks/*.ipynb from notebooks/source/*.md"
	@echo "make site       the lessons as pages in build/site/, to read without Python or a network"
	@echo "make lint       ruff for Python, oxlint for JavaScript"
	@echo "make course     build or update the class folder CLASS for nbgrader (docs/instructor.md)"
	@echo "make grade      grade the submissions to SET in CLASS, WORKERS at once"
	@echo "make grade-container    the same, each submission in a container of ENGINE"
	@echo "make grade-bank the grader against every answer of the bank, on many random cases"
	@echo "make simulate   make up a class of STUDENTS, grade it, compare with what each must get"
	@echo "make clean      remove build/ and caches (never my-course/)"
	@echo ""
	@echo "PYTHON=python3.12    which Python makes .venv (3.11 or newer)"
	@echo "PIP_FLAGS='...'      more flags for pip. On Linux pip's torch carries CUDA (gigabytes);"
	@echo "                     a laptop without a GPU wants the CPU build: README says how"
	@echo "LAB_FLAGS='...'      more flags for JupyterLab, such as --no-browser --port=8890"
	@echo "TEST_FLAGS='...'     more flags for pytest, such as -x -k addressing"
	@echo "BENCH_FLAGS='...'    more flags for the bench, such as --quick or --device cuda"
	@echo "WORKERS=2            tests, or submissions, that run at once"
	@echo "CLASS=my-class SET=set3_addressing STUDENTS=200    for course, grade and simulate"
	@echo "ENGINE=docker        or podman, for grade-container"

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "no venv: on Debian and Ubuntu, install python3-venv"; exit 1; }

$(VENV)/.lab-installed: pyproject.toml constraints.txt | $(PY)
	@echo "installing the lessons' packages into $(VENV) (a few minutes the first time)"
	$(PIP) -e ".[lab]"
	@touch $@

$(VENV)/.dev-installed: pyproject.toml constraints.txt | $(PY)
	@echo "installing the tests' packages into $(VENV) (a few minutes the first time)"
	$(PIP) -e ".[lab,dev,course]"
	@touch $@ $(VENV)/.lab-installed $(VENV)/.course-installed

$(VENV)/.course-installed: pyproject.toml constraints.txt | $(PY)
	@echo "installing the instructor's packages into $(VENV) (a few minutes the first time)"
	$(PIP) -e ".[lab,course]"
	@touch $@ $(VENV)/.lab-installed

lab: $(VENV)/.lab-installed
	$(PY) -m tools.my_course --open $(LAB_FLAGS)

notebooks: $(VENV)/.dev-installed
	$(PY) -m tools.build_notebooks

notebooks-check: $(VENV)/.dev-installed
	$(PY) -m tools.build_notebooks --check

site: $(VENV)/.dev-installed
	$(PY) -m tools.site

lint: $(VENV)/.dev-installed
	$(PY) -m ruff check .
	$(BIN)/oxlint lessons_lib/widgets tools/site/static

test: lint
	$(PY) -m pytest -n $(WORKERS) --dist loadgroup --durations=15 -q $(TEST_FLAGS)

test-full: $(VENV)/.dev-installed
	$(PY) -m tools.run_notebooks --profile full

test-gpu: $(VENV)/.dev-installed
	$(PY) -m tools.run_gpu

course: $(VENV)/.course-installed
	$(PY) -m course.grading.build_course --folder $(CLASS)

grade: $(VENV)/.course-installed
	$(PY) -m course.grading.grade_class $(SET) --folder $(CLASS) --workers $(WORKERS)

grade-container: $(VENV)/.course-installed
	$(ENGINE) build $(BUILD_FLAGS) -t neural-memory-grader -f course/container/Dockerfile .
	$(PY) -m course.grading.grade_class $(SET) --folder $(CLASS) --workers $(WORKERS) --engine $(ENGINE)

grade-bank: $(VENV)/.dev-installed
	LESSONS_BANK=full $(PY) -m pytest -q tests/test_grading_bank.py $(TEST_FLAGS)

simulate: $(VENV)/.course-installed
	$(PY) -m course.grading.simulate $(SET) --students $(STUDENTS) --workers $(WORKERS)

bench: $(VENV)/.dev-installed
	$(PY) -m tools.bench $(BENCH_FLAGS)
	$(PY) -m tools.readme

latency: $(VENV)/.dev-installed
	$(PY) -m tools.latency

clean:
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis
