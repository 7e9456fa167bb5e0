# Everything here runs on one machine, against a local AWS. It needs Rust, Python 3 and make.

PYTHON ?= python3
PORT ?= 4566
TIME_SCALE ?= 0.0002
TEST_PORT ?= 4577
TEST_TIME_SCALE ?= 0.0002
BENCH_PORT ?= 4588
SECONDS ?= 60
export PORT TIME_SCALE TEST_PORT TEST_TIME_SCALE FUNCTION FOLLOW MINUTES TEST CHROMIUM SIZE PAGE ARCHITECTURE VERSION
export SEED KILLS DELIVERIES ENDPOINTS ACCEPT RATES BYTES
export BENCH_PORT BASE ONLY REPEATS BATCH PAYLOAD LATENCY FAILURES EVENTS BACKLOG ORGANIZATIONS

# Output is UTF-8 whatever the terminal says, and nothing is found twice by another path.
export PYTHONUTF8 = 1

LOCAL := infra/local
VENV := .venv/bin
IN_VENV := $(VENV)/python
# Parts of the whole workspace, as infra/local/cargo.py says; but for what has no tests of its own.
UNIT_TESTS := cargo test --workspace --exclude hookbell-instructions --locked --lib --bins
WITHOUT_STACK := $(addprefix --test=,tidy $(basename $(notdir $(wildcard crates/domain/tests/* crates/egress/tests/*))))
SAM := SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(VENV)/sam

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help up cli env demo listen logs docs watch browser bench chaos fuzz isolation migration instructions recording package release-notes roles capacity down check test clean tools test-tools bench-tools

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  PORT=$(PORT) TIME_SCALE=$(TIME_SCALE)  for up: where the local AWS listens, and how much"
	@echo "                               shorter than on AWS the waits are"
	@echo "  PAGE=RECEIVING               for docs: that page alone"
	@echo "  TEST=ordering CHROMIUM=/path  for browser: only those tests, another Chromium"
	@echo "  TARGET=shapes SECONDS=$(SECONDS)  for fuzz: one of infra/fuzz/corpus, and how long"
	@echo "  SIZE=100x60                  for isolation: events a second, and seconds"
	@echo "  SIZE=10000                   for migration: how many endpoints"
	@echo "  ONLY=success REPEATS=1 BASE=/path/to/bootstrap  for bench: those groups alone, how often, another"
	@echo "                               build of api to compare with; for more see infra/bench"
	@echo "  SEED=1 KILLS=200 DELIVERIES=20000 ENDPOINTS=200  for chaos: what goes wrong, and how much"
	@echo "  ACCEPT=1                     for instructions: what they are now is right"
	@echo "  FUNCTION=sender FOLLOW=1 MINUTES=60  for logs: one function, go on, how far back"

up: ## from a fresh clone to a running hookbell, and its demo
	@$(PYTHON) $(LOCAL)/tools.py --steps 7
	@$(IN_VENV) $(LOCAL)/up.py

env: ## print the lines by which a shell reaches the running stack, for eval
	@$(PYTHON) $(LOCAL)/tools.py >&2
	@$(IN_VENV) $(LOCAL)/env.py

demo: tools ## run the demo on the running stack
	@$(IN_VENV) $(LOCAL)/demo.py

listen: tools ## print the events that arrive at an endpoint of your own
	@$(IN_VENV) $(LOCAL)/listen.py

cli: ## build hookbell, the tool for a terminal
	cargo build --package hookbell-cli --features sign-in --locked --profile tool
	@echo
	@echo "  target/tool/hookbell is there. For its completions, and how it is connected: docs/CLI.md"

logs: tools ## print what the functions logged
	@$(IN_VENV) $(LOCAL)/logs.py

docs: test-tools ## do what the pages say, on the running stack
	@$(IN_VENV) $(LOCAL)/docs.py

watch: tools ## ring the alarms of the running stack, as CloudWatch does on AWS; ONCE=1 looks once
	@$(IN_VENV) $(LOCAL)/metrics.py $(if $(ONCE),--once)

browser: test-tools ## drive the console of the running stack by a browser
	@$(IN_VENV) $(LOCAL)/browser.py

fuzz: ## feed the parsers with wrong texts, each for SECONDS, or TARGET alone
	FUZZ_SECONDS=$(SECONDS) FUZZ_SEED=$(SEED) $(UNIT_TESTS) -- fuzz::$(TARGET) --nocapture

bench: bench-tools ## measure what a million messages cost, how long one takes, and draw up a report
	@PYTHONPATH=$(LOCAL) $(IN_VENV) infra/bench/bench.py

chaos: tools ## kill what is deployed, fail it in every way, and look for what was lost
	@PYTHONPATH=$(LOCAL) $(IN_VENV) infra/chaos/chaos.py

instructions: tools ## count what the paths of an event cost, and compare with what was accepted
	@PYTHONPATH=$(LOCAL) $(IN_VENV) infra/instructions/instructions.py

isolation: test-tools ## show at full size that receivers that hang delay nobody else
	@TEST_TIME_SCALE=1 $(IN_VENV) $(LOCAL)/isolation.py

migration: tools ## bring SIZE endpoints over from a stand-in for Svix, twice, onto the running stack
	@$(IN_VENV) $(LOCAL)/migration.py

recording: ## keep what this version stores and queues, for later ones to be tried with
	HOOKBELL_STACK=.local/stack.json cargo test --workspace --locked --test upgrade -- --ignored --nocapture

package: tools ## pack what a release consists of, into dist/
	@PYTHONPATH=$(LOCAL) $(IN_VENV) infra/release/package.py

release-notes: ## print what CHANGELOG.md says of VERSION
	@$(PYTHON) $(LOCAL)/tools.py >&2
	@PYTHONPATH=$(LOCAL) $(IN_VENV) infra/release/notes.py

roles: tools ## deploy on the running stack's AWS as the deploy role, and without each thing that it may do
	@$(IN_VENV) $(LOCAL)/deploying.py

capacity: ## print what a rate of events needs: RATES, ENDPOINTS, BYTES, LATENCY
	@$(PYTHON) infra/capacity/capacity.py

down: ## stop the local AWS
	@$(PYTHON) $(LOCAL)/down.py

check: tools ## formatting, lints, tests without a stack, and the template
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	$(UNIT_TESTS) $(WITHOUT_STACK)
	$(SAM) validate --lint
	$(VENV)/cfn-lint template.yaml infra/*.yaml infra/snippets/*.yaml
	$(IN_VENV) -m compileall -q $(LOCAL) infra/bench infra/capacity infra/chaos infra/gradual infra/instructions infra/release
	PYTHONPATH=$(LOCAL) $(IN_VENV) -m unittest discover -s infra/bench
	PYTHONPATH=$(LOCAL) $(IN_VENV) -m unittest discover -s $(LOCAL)/documents -t $(LOCAL)
	PYTHONPATH=$(LOCAL) $(IN_VENV) -m unittest discover -s infra/release
	PYTHONPATH=$(LOCAL) $(IN_VENV) -m unittest discover -s infra/capacity
	PYTHONPATH=$(LOCAL) $(IN_VENV) -m unittest discover -s infra/gradual
	PYTHONPATH=$(LOCAL) $(IN_VENV) -m unittest test_alarms test_deploy_role test_samconfig test_watch
	@if command -v valgrind >/dev/null; then \
		$(MAKE) --no-print-directory instructions; \
	else \
		echo "valgrind is not installed, so instructions were not counted."; \
	fi
	@if command -v cargo-deny >/dev/null; then \
		echo "cargo deny check bans licenses sources"; \
		cargo deny check bans licenses sources; \
	else \
		echo "cargo-deny is not installed, so bans, licenses and sources were not checked."; \
	fi

test: test-tools ## check, then the tests, the fuzzer and the demo on a stack of their own
	@$(IN_VENV) $(LOCAL)/build_beside.py $(MAKE) --no-print-directory check
	@$(IN_VENV) $(LOCAL)/outer_ring.py

clean: ## stop everything, and remove the tools, the stack's files and the builds
	@$(PYTHON) $(LOCAL)/down.py --all
	rm -rf .venv .local target .aws-sam dist

# The tools; quiet when they are already there.
tools:
	@$(PYTHON) $(LOCAL)/tools.py

# The same, and what only the tests need.
test-tools:
	@$(PYTHON) $(LOCAL)/tools.py --tests

# The same, and what only the benchmark needs.
bench-tools:
	@$(PYTHON) $(LOCAL)/tools.py --bench
