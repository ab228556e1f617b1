# Everything starts here, on a machine with python3 and make:
#   make demo     see axej work: a nightly backup, killed in the middle, resumed (90 s)
#   make test     all tests, lint and types; as root on Debian it installs the system packages that tests need
#   make check    lint, types and the quick tests (2 minutes)
#   make bench    speed against hand-written scripts        make faults    many more random kills (KILLS=2000)
#   make year     a machine's life: a year of nights with power cuts, kills, a peer that is away (NIGHTS=365)

VENV  := .venv
READY := $(VENV)/.ready
KILLS ?= 2000
NIGHTS ?= 365
QUICK := $(wildcard tests/domain tests/config tests/engine tests/jobs tests/journal tests/cli tests/test_architecture.py)

# Some containers forbid Python to keep what it compiled: each start would compile everything anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test check lint bench faults year programs clean
.DEFAULT_GOAL := check

demo: programs
	$(VENV)/bin/axej demo

# A test that failed beside another on two cores is run once more by itself, and what fails then has failed. Never a crash
# test: one that fails now and then has found what it is there to find.
test: programs lint
	tests/world/setup.sh
	$(VENV)/bin/python -m pytest -n 2 --dist loadgroup --durations=25 $(TESTS) || \
	  { ! grep crash .pytest_cache/v/cache/lastfailed && $(VENV)/bin/python -m pytest --last-failed --last-failed-no-failures none $(TESTS); }

check: lint
	$(VENV)/bin/python -m pytest -q -n 2 -m "not slow" $(QUICK)

lint: $(READY)
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

bench: programs
	tests/world/setup.sh
	$(VENV)/bin/python -m tests.benchmarks $(BENCH)

faults: programs
	tests/world/setup.sh
	$(VENV)/bin/python -m pytest tests/crash --kills=$(KILLS)

year: programs
	tests/world/setup.sh
	$(VENV)/bin/python -m pytest tests/campaigns --nights=$(NIGHTS) --timeout=0

# restic: Homebrew on a Mac, a private copy below ~/.axe/bin on Debian
programs: $(READY)
	$(VENV)/bin/axej doctor --install

$(READY): pyproject.toml
	"$$(tests/world/python.sh)" -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --editable '.[dev,demo]'
	@touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
