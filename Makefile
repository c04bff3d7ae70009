# `make demo` and `make test` are all a newcomer needs: Python 3.11 or later, pip and make. uv is used where it is
# on the PATH, because it is faster; nothing needs it.

# Named after what is to be installed: a second call has nothing to do, a changed lock has.
READY := .venv/ready-$(shell cat requirements.lock pyproject.toml | cksum | cut -d ' ' -f 1)
BIN := $(if $(filter Windows_NT,$(OS)),.venv/Scripts,.venv/bin)
ALONE := DETENTE_CACHE="$(CURDIR)/.detente/cache" DETENTE_KEY="a key for tests only"
PIP := --quiet --disable-pip-version-check --no-input --no-compile
# Prints the command that installs into .venv: uv, its own pip, or (where Python came without) the pip outside.
INSTALL := if command -v uv >/dev/null; then echo uv pip install --quiet --python $(BIN)/python; \
	elif [ -e $(BIN)/pip ]; then echo $(BIN)/python -m pip install $(PIP); \
	else echo $${python:-python3} -m pip --python $(BIN)/python install $(PIP); fi

.PHONY: demo test lab notebooks bench lock clean

demo: $(READY)
	@$(BIN)/python -m detente demo

test: $(READY)
	$(BIN)/ruff check lib tests benchmarks
	$(BIN)/ruff format --check lib tests benchmarks
	$(ALONE) $(BIN)/python -m pytest --nbval -n 2 --dist loadscope --timeout 900 tests $(wildcard notebooks)

# JupyterLab is not in the lock: a scheduled machine has no use for it.
lab: $(READY)
	@$(BIN)/python -c 'import jupyterlab, ipywidgets' 2>/dev/null || $$($(INSTALL)) --no-build-isolation -e '.[lab]'
	$(BIN)/jupyter lab notebooks

# Execute the committed notebooks anew, in place, with their defaults.
notebooks: $(READY)
	$(ALONE) $(BIN)/python -m detente.run.refresh

# An hour on two quiet cores; benchmarks/README.md holds what it printed last.
bench: $(READY)
	@$(BIN)/python benchmarks/runner.py
	@$(BIN)/python benchmarks/metrics.py --repeats 1
	@$(BIN)/python benchmarks/journeys.py
	@$(BIN)/python benchmarks/money.py

# Needs uv. Without a header and index options, no address of a package registry gets into the file.
# setuptools is in it because the package itself is installed without network and build isolation.
lock:
	printf 'setuptools>=77\n' | uv pip compile pyproject.toml - --extra test --universal --generate-hashes \
		--no-header --python-version 3.11 --quiet --output-file requirements.lock

clean:
	rm -rf .venv .detente .pytest_cache .ruff_cache .hypothesis lib/*.egg-info

$(READY):
	@set -e; \
	for python in $(PYTHON) python3 python3.13 python3.12 python3.11 python none; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; done; \
	if [ "$$python" = none ]; then \
		echo "Python 3.11 or later is needed; name it: make PYTHON=/path/to/python3" >&2; exit 1; fi; \
	echo "setting up .venv with $$("$$python" --version); once, a few minutes" >&2; \
	"$$python" -m venv .venv 2>/dev/null || "$$python" -m venv --without-pip .venv; \
	install="$$($(INSTALL))"; \
	$$install --require-hashes -r requirements.lock; \
	$$install --no-deps --no-build-isolation --no-index -e .; \
	rm -f .venv/ready-*; touch $@
