# One door for people. Needs Python 3.11+ and make; everything else is installed into .venv from the lock file.
# PYTHON=python3.12 chooses another interpreter; ARGS="…" is handed to the command.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: setup demo test check bench soak lock clean
setup: .venv/.ready

.venv/.ready: requirements/lock.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/lock.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## the main job on real records, no Kafka needed
	$(BIN)/watermaster demo $(ARGS)

# Three processes, each with Kafka clusters of its own: these tests mostly wait, two of them left two cores half idle. A file stays in one process, for its
# fixtures; long files come early in the alphabet, so their order is kept. A process that dies is not replaced: xdist
# then waits for ever for the rest of its file.
test: setup ## every test, on real Apache Kafka
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder \
	  --max-worker-restart 0 $(ARGS)

check: setup ## style, types, structure
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup ## ratios against physical and peer limits, on real Kafka
	$(BIN)/python -m bench $(ARGS)

soak: setup ## the long fault runs
	$(BIN)/python -m pytest tests/faults -m soak -o faulthandler_timeout=7200 $(ARGS)

lock: ## renew the locks of the checkout, of the container, and of the tools in environments of their own
	$(BIN)/uv pip compile --universal --generate-hashes --python-version 3.11 --all-extras --no-emit-index-url \
	  --output-file requirements/lock.txt pyproject.toml requirements/dev.in
	$(BIN)/uv pip compile --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
	  --output-file requirements/base.txt pyproject.toml
	for tool in requirements/bench-*.in requirements/lint-*.in; do \
	  $(BIN)/uv pip compile --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header \
	    --output-file $${tool%.in}.txt $$tool; \
	done

clean:
	rm -rf .venv .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
