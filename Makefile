# Each target in one line: make help
PY := .venv/bin/python
ENDURE := $(PY) -m pytest -q -s -o faulthandler_timeout=0 --long tests/endurance
SHELL_SCRIPTS := $(wildcard scripts/*) .ci/run
LOCK := .venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links

.PHONY: help demo venv test check conformance drains kills soak fuzz faults ready selftest twin bench engine base-image \
	browser pictures lock clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

help: ## List the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: .venv/runtime.stamp ## Run the quickstart scenario: all four models, half a minute
	@scripts/base-image --if-engine
	$(PY) orchestrate.py scenarios/quickstart.yaml

venv: .venv/runtime.stamp ## Make the virtual environment .venv from the locked dependencies

test: .venv/dev.stamp ## Run all tests, unit tests first; pytest options in ARGS; LAB_REQUIRE_DOCKER=1, LAB_REQUIRE_BROWSER=1: skip none
	@PY=$(PY) SETUP="$(SETUP)" scripts/test $(ARGS)

conformance: .venv/dev.stamp ## Try the contract on a model, MODEL=prefork, or on any server, TARGET=127.0.0.1:3001
	@$(PY) -m conformance $(if $(TARGET),$(TARGET),--model $(MODEL))

drains: .venv/dev.stamp ## SIGTERM under load, 200 times a model: five minutes at most
	@$(ENDURE)/test_drains.py

kills: .venv/dev.stamp ## Kill -9 a random worker every 100 ms for 20 s
	@$(ENDURE)/test_kills.py

soak: .venv/dev.stamp ## Mixed and hostile load on every model at once for three minutes: nothing stays behind
	@$(ENDURE)/test_soak.py

fuzz: .venv/dev.stamp ## 1,200,000 random inputs to framing, session and settings: a minute
	@$(ENDURE)/test_fuzz.py

faults: .venv/dev.stamp ## Every fault on every model in containers, and Ctrl-C in the middle of each: a quarter of an hour
	@$(ENDURE)/test_every_fault.py

ready: .venv/dev.stamp ## Every ready scenario ten times, in containers too, and beside programs that hog the CPUs: half an hour
	@$(ENDURE)/test_ready.py

selftest: .venv/dev.stamp ## Freeze a server for 1 s in 5: does the client see it, and what would a naive one see?
	@$(PY) -m pytest -q -s tests/e2e/test_selftest.py

check: .venv/dev.stamp ## Lint, check format and types, and the shell scripts where shellcheck is installed
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy
	$(if $(shell command -v shellcheck),shellcheck -x $(SHELL_SCRIPTS),@echo "skipped: shellcheck is not installed")

engine: ## Have Docker Engine and Compose v2 (Debian, Ubuntu; as root); nothing to do where they answer
	@scripts/engine

base-image: ## Have a base image for the containers, without a registry too
	@scripts/base-image

browser: ## Have a browser that the tests of the report open it in (Debian, Ubuntu; as root)
	@scripts/browser

pictures: .venv/runtime.stamp ## Draw the pictures of the README anew, from real runs
	@scripts/pictures

twin: .venv/dev.stamp ## Run every model beside its queueing twin: by how much do they differ? Three minutes
	@$(PY) -m pytest -q -s --long tests/e2e/test_twin.py tests/e2e/test_predict.py

bench: .venv-bench/bench.stamp ## Measure servers and client beside their peers, seven minutes; or ARGS="--quick short"
	@.venv-bench/bin/python -m benchmarks $(ARGS)

lock: .venv/dev.stamp ## Lock dependencies with hashes; to newer versions with ARGS=--upgrade
	$(LOCK) $(ARGS) requirements.in -o requirements.txt
	$(LOCK) $(ARGS) requirements-dev.in -o requirements-dev.txt
	$(LOCK) $(ARGS) requirements-bench.in -o requirements-bench.txt

clean: ## Remove the virtual environment, caches and containers; results/ and .env stay
	-docker compose --profile '*' down --volumes --remove-orphans
	rm -rf .venv .venv-bench benchmarks/build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/runtime.stamp: requirements.txt
	@scripts/venv $<
	@touch $@

.venv/dev.stamp: requirements-dev.txt
	@scripts/venv $<
	@touch $@

.venv-bench/bench.stamp: requirements-bench.txt
	@VENV=.venv-bench scripts/venv $<
	@touch $@
