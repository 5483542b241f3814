# Two commands matter: `make demo` and `make test`. Each makes .venv and installs what it needs.
# A second call installs nothing, unless the build or its requirements changed.

PYTHON ?= python3
VENV ?= .venv
# The PyTorch that the tests compare with. This release has no CUDA in it on CPython 3.11; on another
# Python the tests that need PyTorch are skipped, unless you ask: make test TORCH=torch
TORCH ?= $(shell $(PYTHON) -c 'import sys; print("torch==2.13.0" if sys.version_info[:2] == (3, 11) else "")')

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -qq
NATIVE := $(wildcard native/*/*.h native/*/*.cpp) benchmarks/products.cpp tests/attacks/failing_calls.c
BUILD := pyproject.toml CMakeLists.txt $(wildcard native/*/*)
# As many processes as processors, each with its share of the tests; who is done takes over from the others.
# `make test TEST_OPTIONS='-n 0'` is one process.
PROCESSES := -n auto --dist worksteal
TEST_OPTIONS ?=
# Style and types: the first check that fails is the last.
CHECKS = $(BIN)/ruff check && $(BIN)/ruff format --check && \
	$(BIN)/clang-format --dry-run --Werror $(NATIVE) && $(BIN)/mypy && \
	$(BIN)/check-jsonschema -q --builtin-schema vendor.github-workflows .github/workflows/*.yml
# What fails, and why what is skipped is skipped: a tool that is missing.
TOLD := -rfEs
# What `make test-all` makes, one after the other; `make test-all PARTS="test docs"` makes some of it.
PARTS ?= test test-browser docs check-portable sanitize test-slow wheel check-wheel
LOGS ?= build/test-all
SEED ?= 0
SAMPLE ?= 60
UNDER ?=
PLATFORMS ?=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test test-slow test-browser test-all lint format sanitize sanitize-addresses \
	sanitize-threads check-portable mutate mutate-native docs bench wheel check-wheel clean

help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null || true

demo: $(VENV)/.core ## Learn the embedded corpus and write from it, in under a minute
	@$(BIN)/unspool demo

test: $(VENV)/.test ## Run the tests, and check style and types beside them
ifeq ($(TORCH),)
	@echo "Without PyTorch: no CPU release is pinned for this Python, so the tests that need it are skipped"
endif
	@mkdir -p build
	@echo "What the check of style and types says, which runs beside the tests, stands at the end"
	@($(CHECKS)) >build/lint.log 2>&1 & lint=$$!; trap "kill $$lint" INT TERM; \
	$(BIN)/python -m pytest $(PROCESSES) $(TEST_OPTIONS); tests=$$?; \
	wait $$lint; lint=$$?; echo "Style and types:"; cat build/lint.log; \
	test $$lint = 0 || echo "make lint failed: see above"; test $$tests = 0 || echo "The tests failed: see above"; \
	test $$tests = 0 -a $$lint = 0

test-slow: $(VENV)/.all ## Run the tests that are too slow for every change, with the libraries that some compare with
	KERAS_BACKEND=torch $(BIN)/python -m pytest $(PROCESSES) $(TOLD) --timeout 1200 --durations=30 -m 'slow and not portable' \
		--ignore=tests/wheels $(TEST_OPTIONS)

test-browser: $(VENV)/.browser ## Run the tests of the pages in Chromium (apt install chromium)
	$(BIN)/python -m pytest -n 0 $(TOLD) -m browser tests/exporting tests/serving $(TEST_OPTIONS)

test-all: ## Run all there is: the tests, the slow ones, sanitizers, the site, wheels, other systems; about an hour
	@rm -rf $(LOGS); mkdir -p $(LOGS); for part in $(PARTS); do \
		log=$(LOGS)/$$part.log; echo "== make $$part"; began=$$(date +%s); \
		{ $(MAKE) --no-print-directory $$part 2>&1 || touch $$log.failed; } | tee $$log; \
		told="$$part $$((($$(date +%s) - began + 30) / 60)) min"; \
		if test -e $$log.failed; then failed="$$failed, $$told"; logs="$$logs $$log"; else passed="$$passed, $$told"; fi; done; \
	for log in $$logs; do echo "== the end of $$log, which failed"; tail -n 40 $$log; done; \
	echo "test-all: passed:$${passed:- none}; failed:$${failed:- none}" | sed 's/:,/:/g'; test -z "$$failed"

lint: $(VENV)/.test ## Check style and types only
	@$(CHECKS)

format: $(VENV)/.test ## Rewrite the sources in the house's format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/clang-format -i $(NATIVE)

sanitize: $(VENV)/.test ## Run the native code under the sanitizers of addresses, undefined behaviour and threads
	@mkdir -p build && printf 'addresses\nthreads\n' | xargs -P 2 -I KIND sh -c '$(MAKE) sanitize-KIND \
		>build/sanitize-KIND.log 2>&1; status=$$?; cat build/sanitize-KIND.log; exit $$status'

# The module for Python and the check of the kernels, from one build of the kernels.
sanitize-addresses:
	$(PIP) --no-deps --upgrade --target build/sanitized -C build-dir=build/sanitized-objects \
		-C cmake.define.UNSPOOL_SANITIZE=address,undefined -C cmake.define.UNSPOOL_CHECK_KERNELS=ALSO .
	build/sanitized-objects/check_kernels 40
	ASAN_OPTIONS=detect_leaks=0 LD_PRELOAD="$(foreach name,asan stdc++,$(shell $(CXX) -print-file-name=lib$(name).so))" \
		UNSPOOL_SANITIZED=build/sanitized $(BIN)/python -m pytest -p no:cacheprovider -p tests.sanitized $(PROCESSES) \
		--timeout 3600 -k "not one_processor" \
		tests/kernels tests/engines/test_writer.py tests/engines/test_contract.py tests/attacks/test_native_faces.py

sanitize-threads:
	cmake -S . -B build/check-thread -DUNSPOOL_CHECK_KERNELS=ON -DUNSPOOL_SANITIZE=thread
	cmake --build build/check-thread -j 2
	build/check-thread/check_kernels 40

check-portable: $(VENV)/.test ## Compile the native code for macOS and Windows, run it under wine, and check types for both
	$(PIP) 'ziglang>=0.13,<1'
	$(BIN)/python -m pytest $(PROCESSES) $(TOLD) -m portable tests/kernels tests/exporting/test_c_on_arm.py

mutate: $(VENV)/.test ## Put small faults into the source and list those that no test sees (SEED=1 SAMPLE=60)
	$(PIP) 'pytest-cov>=6,<8'
	@mkdir -p build/mutation
	test -e build/mutation/coverage || COVERAGE_FILE=build/mutation/coverage $(BIN)/python -m pytest $(PROCESSES) \
		--cov=src/unspool --cov-context=test --cov-report= --junit-xml=build/mutation/tests.xml $(TEST_OPTIONS)
	$(BIN)/python -m tests.mutation build/mutation/coverage --seed $(SEED) --sample $(SAMPLE) --under $(UNDER)

mutate-native: $(VENV)/.test ## The same for native code, with CMake and Ninja (SEED=1 SAMPLE=30)
	$(PIP) 'nanobind>=2.4,<4'
	$(BIN)/python -m tests.mutation.native --seed $(SEED) --sample $(SAMPLE) --under $(UNDER)

docs: $(VENV)/.docs ## Write the documentation as a site, build/docs; a broken link is an error
	$(BIN)/sphinx-build -q -W --keep-going -d build/docs-pages -c docs/site . build/docs

bench: $(VENV)/.bench ## Measure training and generation against PyTorch, and the lesson against Keras
	$(BIN)/python benchmarks/training_throughput.py
	$(BIN)/python benchmarks/generation_throughput.py
	$(BIN)/python benchmarks/lesson.py

wheel: $(VENV)/.wheel ## Build the wheels for Linux and the source archive into dist/ (PLATFORMS=manylinux_2_17_x86_64)
	$(BIN)/python release/build_wheels.py dist $(foreach name,$(PLATFORMS),--platform $(name))
	$(BIN)/python -m build --sdist --outdir dist

check-wheel: $(VENV)/.wheel ## Test what is in dist/ as a stranger has it: no checkout, no compiler
	$(BIN)/python -m pytest $(TOLD) -n auto --dist loadgroup -m slow tests/wheels

clean: ## Remove .venv and everything that was built
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "unspool needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: $(BUILD) | $(BIN)/python
	@echo "Installing unspool into $(VENV): the native module is compiled, which takes about a minute"
	@$(PIP) -e .
	@touch $@

$(VENV)/.test: $(BUILD) Makefile | $(BIN)/python
	@echo "Installing unspool into $(VENV) with what the tests need $(if $(TORCH),($(TORCH) among it))"
	@$(PIP) -e '.[test,dev]' $(TORCH)
	@touch $@ $(VENV)/.core

$(VENV)/.all: $(BUILD) Makefile | $(BIN)/python
	@echo "Installing unspool into $(VENV) with all that its tests compare it with"
	@$(PIP) -e '.[test,dev,test-all]' $(TORCH)
	@touch $@ $(VENV)/.core $(VENV)/.test

$(VENV)/.browser: $(BUILD) Makefile | $(BIN)/python
	@echo "Installing unspool into $(VENV) with Playwright, and with zig, which compiles the pages' WebAssembly"
	@$(PIP) 'playwright>=1.45,<2' 'ziglang>=0.15,<0.18'
	@$(PIP) -e '.[test,dev]' $(TORCH)
	@touch $@ $(VENV)/.core $(VENV)/.test

$(VENV)/.docs: $(BUILD) Makefile | $(BIN)/python
	@echo "Installing unspool into $(VENV) with Sphinx"
	@$(PIP) -e '.[docs]'
	@touch $@ $(VENV)/.core

$(VENV)/.wheel: $(BUILD) Makefile | $(BIN)/python
	@echo "Installing unspool into $(VENV) with what wheels are built and checked with"
	@$(PIP) -e '.[test,wheel]'
	@touch $@ $(VENV)/.core

$(VENV)/.bench: $(BUILD) Makefile | $(BIN)/python
	@echo "Installing unspool into $(VENV) with its peers: PyTorch, Keras and TensorFlow"
	@$(PIP) -e '.[bench]' $(TORCH)
	@touch $@ $(VENV)/.core
