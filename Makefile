# Each target does all the set-up it needs, once; `make help` lists them.

VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
# Programs that tests drive as real clients and servers, each with its Debian package.
PROGRAMS := curl:curl openssl:openssl lxc:lxd-client lxd:lxd dnsmasq:dnsmasq-base mksquashfs:squashfs-tools \
	setfattr:attr rsync:rsync busybox:busybox-static
# What oVirt's own clients are compiled with.
COMPILERS := cc:build-essential python3-config:python3-dev xml2-config:libxml2-dev curl-config:libcurl4-openssl-dev
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help serve test check docs bench soak clean clients

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

serve: $(VENV)/.runtime ## run the server; ARGS="--demo" and others are handed on
	@exec $(BIN)/tidings serve $(ARGS)

test: $(VENV)/.test $(VENV)/.clients clients ## run all tests
	$(BIN)/pytest -n 2 $(ARGS)

check: $(VENV)/.check ## format, lint, types, import rules, docs, style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest tests/docs tests/test_style.py

docs: $(VENV)/.docs ## build the documentation into build/docs
	$(BIN)/sphinx-build -W --keep-going -b html docs build/docs

bench: $(VENV)/.runtime ## measure speed, memory and disk; prints a table
	$(BIN)/python -m benchmarks $(ARGS)

soak: $(VENV)/.runtime ## measure over hours, looking for leaks and slowing down
	$(BIN)/python -m benchmarks.soak $(ARGS)

clean: ## remove everything that was made here, .venv too
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/.created:
	@test -n "$(PYTHON)" || { echo "tidings needs Python 3.11 or newer: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
		test "$$(id -u)" = 0 && export DEBIAN_FRONTEND=noninteractive && \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null; \
	} || { echo "$(PYTHON) can't make virtual environments: install python3-venv (as root: apt-get install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

# A stamp is older than pyproject.toml or constraints.txt exactly when there may be something to install.
$(VENV)/.runtime: $(VENV)/.created pyproject.toml constraints.txt
	$(INSTALL) -e .
	@touch $@

$(VENV)/.test: $(VENV)/.created pyproject.toml constraints.txt
	$(INSTALL) -e '.[test]'
	@touch $(VENV)/.runtime $@

$(VENV)/.docs: $(VENV)/.created pyproject.toml constraints.txt
	$(INSTALL) -e '.[docs]'
	@touch $(VENV)/.runtime $@

$(VENV)/.check: $(VENV)/.created pyproject.toml constraints.txt
	$(INSTALL) -e '.[test,check,docs]'
	@touch $(VENV)/.runtime $(VENV)/.test $(VENV)/.docs $@

# oVirt's SDK comes as C. Where it can't be compiled its tests are skipped, but for root with CI=true that is an error.
$(VENV)/.clients: $(VENV)/.test | clients
	@if command -v xml2-config >/dev/null && $(INSTALL) -e '.[clients]'; then touch $@; \
	elif [ "$$CI" = true ] && [ "$$(id -u)" = 0 ]; then echo "oVirt's clients can't be installed" >&2; exit 1; \
	else echo "without the packages that compile oVirt's clients, their tests are skipped"; fi

# Whether a missing program is a skip or, with CI=true, a failure is for its test to say.
clients:
	@missing=; for pair in $(PROGRAMS) $(COMPILERS); do \
		command -v $${pair%%:*} >/dev/null || missing="$$missing $${pair##*:}"; \
	done; \
	test -z "$$missing" || if [ "$$(id -u)" = 0 ]; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	else echo "to run all tests: sudo apt-get install$$missing"; fi
