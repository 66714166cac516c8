# Everything goes on in .venv, which the first target that needs it makes.
#
#   make demo    train, test and map a landscape that is drawn on the spot
#   make test    all tests
#   make check   what the tests do not see: style, formatting, types
#   make lint    style and formatting only

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# Certificates of the machine rather than those that uv brings, for networks that have their own.
export UV_SYSTEM_CERTS := 1

.PHONY: demo test check lint format clean
.DEFAULT_GOAL := test

demo: $(INSTALLED)
	$(BIN)/isthmus demo

test: export OMP_NUM_THREADS := 1
test: export OPENBLAS_NUM_THREADS := 1
test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check: lint
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

# A Python that is new enough and can make virtual environments, wherever it hides.
FIND_PYTHON = for python in python3.11 python3.12 python3.13 python3 $$HOME/.pyenv/shims/python3 \
		$$HOME/.pyenv/versions/3.1[1-9]*/bin/python3 /usr/local/bin/python3 /opt/homebrew/bin/python3; do \
	if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		echo "$$python"; exit 0; \
	fi; \
done; \
echo "Isthmus needs Python 3.11 or later, with its venv module; none was found" >&2; exit 1

$(INSTALLED): pyproject.toml constraints.txt
	@test -x $(BIN)/python || { python=$$($(FIND_PYTHON)) && "$$python" -m venv $(VENV); }
	@test -x $(BIN)/uv || $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet -c constraints.txt uv
	$(BIN)/uv pip install --python $(BIN)/python -c constraints.txt -e '.[export,mmseg,peft,sleap,tensorboard]' --group test --group check
	@touch $@
