# `make` shows what there is. Everything runs from .venv, made on first use.

VENV := .venv/bin
PYTHON_RUN := $(VENV)/python
MANAGE := $(PYTHON_RUN) manage.py
WITH_DATABASE := $(PYTHON_RUN) -m marketplace.postgres run-temporary --
BENCHMARKS := benchmarks.engine.vectorised benchmarks.bids.http benchmarks.clearing.lateness
# A test process a core, each with a Postgres of its own; a file's tests stay together. Browsers, who take longest, begin.
SIDE_BY_SIDE := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.PHONY: help run test soak check fix bench replay screenshots db db-stop psql clean clean-data setup-run setup-test \
	check-format check-lint check-types check-layers check-templates check-migrations check-django check-schema check-states

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

run: setup-run ## Run Sparegrid here, database included (PORT=8123 make run; Ctrl-C stops all of it)
	@exec $(PYTHON_RUN) -m marketplace.serve

test: setup-test ## Run every test (ARGS="tests/unit -k money" for some)
	$(VENV)/pytest $(SIDE_BY_SIDE) $(ARGS)

soak: setup-test ## Try damaged inputs (FUZZ_EXAMPLES=20000) and the laws of money (SOAK_STEPS=200000) for longer
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-5000} $(VENV)/pytest tests/unit/engine/test_command_fuzz.py $(ARGS)
	SOAK_STEPS=$${SOAK_STEPS:-200000} $(VENV)/pytest tests/laws $(ARGS)

check: check-format check-lint check-types check-layers check-templates check-migrations check-django check-schema check-states ## Run every check that is no test

check-format: setup-test ## … the formatter would change nothing
	$(VENV)/ruff format --check .

check-lint: setup-test ## … ruff's rules
	$(VENV)/ruff check .

check-types: setup-test ## … mypy
	$(VENV)/mypy .

check-layers: setup-test ## … who may import whom
	$(VENV)/lint-imports --no-logo

check-templates: setup-test ## … templates are formatted
	find templates -name '*.html' -exec $(VENV)/djade --check --target-version 5.2 {} +

check-migrations: setup-test ## … models and migrations agree
	$(WITH_DATABASE) $(MANAGE) makemigrations --check --dry-run

check-django: setup-test ## … Django's own checks, as deployed
	HTTPS=true SECRET_KEY=$$($(PYTHON_RUN) -c 'import secrets; print(secrets.token_urlsafe(64))') \
		$(WITH_DATABASE) $(MANAGE) check --deploy --database default --fail-level WARNING

check-schema: setup-test ## … the API's schema is valid and complete
	$(MANAGE) spectacular --validate --fail-on-warn --file /dev/null

check-states: setup-test ## … docs/states.md shows the state tables as they are
	$(MANAGE) state_diagrams --check

fix: setup-test ## Format, and mend what can be mended by machine
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .
	find templates -name '*.html' -exec $(VENV)/djade --target-version 5.2 {} +
	$(MANAGE) state_diagrams

bench: setup-test ## Measure (BENCHMARKS="benchmarks.engine.vectorised" for some)
	@for module in $(BENCHMARKS); do echo "· python -m $$module"; $(PYTHON_RUN) -m $$module || exit 1; done

replay: setup-run ## Replay a trace day through the market, in a throw-away database (ARGS="--data PATH --windows 4")
	@$(WITH_DATABASE) sh -c '$(MANAGE) migrate -v 0 && $(MANAGE) replay_trace $(ARGS)'

screenshots: setup-test ## Take the pictures of the guides anew (a demo market in a throw-away database; ten minutes)
	@$(WITH_DATABASE) $(PYTHON_RUN) -m scripts.screenshots

db: setup-run ## Start this checkout's Postgres and leave it running
	@$(PYTHON_RUN) -m marketplace.postgres start

db-stop: ## Stop it
	@$(PYTHON_RUN) -m marketplace.postgres stop

psql: setup-run ## Open psql on the database
	@$(PYTHON_RUN) -m marketplace.postgres psql

clean: ## Remove caches and .venv; the data stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache staticfiles test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

clean-data: setup-run ## Stop Postgres and delete all local data for good
	$(PYTHON_RUN) -m marketplace.postgres remove
	rm -rf .data

setup-run:
	@sh scripts/python.sh scripts/bootstrap.py run

setup-test:
	@sh scripts/python.sh scripts/bootstrap.py test
