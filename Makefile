# make help lists the targets
PY := .venv/bin/python
ENDURE := $(PY) -m pytest -q -s -o faulthandler_timeout=0 --long tests/endurance
SHELL_SCRIPTS := $(wildcard scripts/*) .ci/run
LOCK := .venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links

unexport PYTHONSAFEPATH # it keeps python -m from finding this folder
unexport PYTHONDONTWRITEBYTECODE # with it, each of the thousands of processes that tests start compiles its modules

.PHONY: help demo venv test check conformance capacity reproduce quiz claims broken-claims drains kills soak fuzz scale faults ready selftest twin bench engine base-image \
	interpreter browser pictures swarm lock clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

help: ## List the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: .venv/runtime.stamp ## Run the quickstart scenario on the four classic models (half a minute)
	@scripts/base-image --if-engine
	$(PY) orchestrate.py scenarios/quickstart.yaml

venv: .venv/runtime.stamp ## Create the virtual environment .venv from the locked dependencies

test: .venv/dev.stamp ## Run all tests, unit tests first; ARGS: pytest options; LAB_REQUIRE_DOCKER=1 LAB_REQUIRE_BROWSER=1: skip none
	@PY=$(PY) SETUP="$(SETUP)" scripts/test $(ARGS)

conformance: .venv/dev.stamp ## Run the conformance suite on a model, MODEL=prefork, or on any server, TARGET=127.0.0.1:3001
	@$(PY) -m conformance $(if $(TARGET),$(TARGET),--model $(MODEL))

drains: .venv/dev.stamp ## Stop each model under load by SIGTERM, 200 times (up to five minutes)
	@$(ENDURE)/test_drains.py

kills: .venv/dev.stamp ## Kill a random worker every 100 ms for 20 s
	@$(ENDURE)/test_kills.py

soak: .venv/dev.stamp ## Run mixed and hostile load on all models for three minutes, and check for leaks
	@$(ENDURE)/test_soak.py

fuzz: .venv/dev.stamp ## Feed 1,200,000 random inputs to framing, session and settings (a minute)
	@$(ENDURE)/test_fuzz.py

scale: .venv/dev.stamp ## Analyse ten million messages in 4 GB, and hold a thousand replicas (ten minutes, 6 GB of disk)
	@$(ENDURE)/test_scale.py

capacity: .venv/dev.stamp ## Search the capacity of queues of which it is known exactly, and of hosts that are busy (tens of minutes)
	@$(ENDURE)/test_capacity.py tests/e2e/test_capacity.py tests/e2e/test_capacity_honesty.py \
		tests/unit/orchestrator/capacity/test_search_coverage.py

reproduce: .venv/runtime.stamp ## Try the published claims in claims/, quick tier (up to an hour); ARGS="kingman --tier full"
	$(PY) orchestrate.py reproduce $(ARGS)

quiz: .venv/dev.stamp ## Answer 200 problems of the quiz by twin and machine: do they agree? (five minutes)
	@$(ENDURE)/test_quiz.py

claims: .venv/runtime.stamp ## Put the table of a run of the claims onto their page in docs/, RUN=results/reproduce-…
	$(PY) -m orchestrator.cli.claims_page $(RUN)

broken-claims: .venv/dev.stamp ## Try claims with what they are about broken on purpose: they must come out contrary (a quarter of an hour)
	@$(ENDURE)/test_broken_claims.py

faults: .venv/dev.stamp ## Inject every fault into every model in containers, and interrupt each run (a quarter of an hour)
	@$(ENDURE)/test_every_fault.py

ready: .venv/dev.stamp ## Run every ready scenario ten times, also in containers and on busy CPUs (half an hour)
	@$(ENDURE)/test_ready.py

selftest: .venv/dev.stamp ## Freeze a server for 1 s in 5, and compare what this client and a naive one measure
	@$(PY) -m pytest -q -s tests/e2e/test_selftest.py

check: .venv/dev.stamp ## Check lint, format, types, imports between packages, and shell scripts if shellcheck is installed
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy -n auto
	.venv/bin/lint-imports --no-logo
	$(if $(shell command -v shellcheck),shellcheck -x $(SHELL_SCRIPTS),@echo "skipped: shellcheck is not installed")

engine: ## Install and start Docker Engine and Compose v2 if needed (Debian, Ubuntu; needs root)
	@scripts/engine

base-image: ## Get the base image of the containers, or build it if no registry answers
	@scripts/base-image

interpreter: ## Build a Python for the key interpreter from Debian's sources, PYTHON=3.13t (4 minutes; a compiler needs root)
	@scripts/interpreter

browser: ## Install the browser for the report tests (Debian, Ubuntu; needs root)
	@scripts/browser

pictures: .venv/runtime.stamp ## Redraw the pictures in the docs from new runs
	@scripts/pictures

swarm: .venv/dev.stamp ## Start a swarm of two engines on this machine, test on it, and remove it (needs root and an engine)
	@scripts/swarm tools
	@$(PY) -m pytest -q -s --long tests/e2e/swarm

twin: .venv/dev.stamp ## Compare every model with its queueing twin (seven minutes)
	@$(PY) -m pytest -q -s --long tests/e2e/test_twin.py tests/e2e/test_predict.py

bench: .venv-bench/bench.stamp .venv/runtime.stamp ## Measure servers and client against their peers (seven minutes), or ARGS="--quick short"
	@.venv-bench/bin/python -m benchmarks $(ARGS)

lock: .venv/dev.stamp ## Lock dependencies with hashes; newer versions with ARGS=--upgrade
	$(LOCK) $(ARGS) requirements.in -o requirements.txt
	$(LOCK) $(ARGS) requirements-dev.in -o requirements-dev.txt
	$(LOCK) $(ARGS) requirements-bench.in -o requirements-bench.txt

clean: ## Remove the virtual environment, caches and containers; keep results/ and .env
	-docker compose --profile '*' down --volumes --remove-orphans
	rm -rf .venv .venv-bench benchmarks/build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
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
