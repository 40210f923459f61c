# `make` builds ./recollect, `make help` lists everything else. What a target does is in cmake/*.sh.
# SETUP=skip installs nothing; JOBS=n limits the compilers that run at the same time.
export SETUP JOBS

.DEFAULT_GOAL := build
.PHONY: build demo python test contracts test-all results regression bench bench-kernels error-rates install deb aarch64 setup format clean help
.NOTPARALLEL:  # the targets share build folders; each is parallel inside

build: ## (default) install what is missing, build the optimised program, link it as ./recollect
	@cmake/setup.sh build
	@cmake/build.sh release recollect
	@echo 'Next: `make demo` trains the variants on two small tasks; README.md has an experiment of your own.'

demo: ## the same, then train the variants of configs/demo.yaml and sum up what they learned
	@cmake/demo.sh

python: ## build the Python module, install it into .venv or the active environment; PREFIX=DIR: below DIR
	@cmake/setup.sh python
	@cmake/build.sh release recollect recollect_python
	@cmake/python.sh $(if $(PREFIX),"$(PREFIX)")

test: ## build with warnings as errors, quick tests, include check, smoke configuration
	@cmake/check.sh quick

contracts: ## build and run what holds for every variant, in a minute; VARIANT=name for one
	@cmake/setup.sh test
	@cmake/contracts.sh $(VARIANT)

test-all: ## also slow tests, address/undefined/thread sanitizers, fuzzers, clang++, clang-tidy, formatting
	@cmake/check.sh all

results: ## build, then write the results of results/reference into docs/results.md and docs/reproducing.md
	@cmake/setup.sh build
	@cmake/build.sh release recollect
	@cmake/results.sh ./recollect

regression: ## build, train configs/regression, compare with results/reference/regression.csv
	@cmake/setup.sh build
	@cmake/build.sh release recollect
	@cmake/regression.sh ./recollect build/regression

bench: ## build, then time training steps beside the same model in PyTorch; ARGUMENTS="--variant mamba-2" etc.
	@cmake/setup.sh bench
	@cmake/build.sh release recollect
	@/usr/bin/python3 bench/pytorch_baseline.py $(ARGUMENTS)

error-rates: ## build, then simulate how often `compare` is wrong, into docs/protocol.md (ten minutes)
	@cmake/setup.sh test
	@cmake/build.sh release recollect_error_rates
	@cmake/error_rates.sh build/release/recollect_error_rates

bench-kernels: ## build and run the benchmark of kernels (Google Benchmark)
	@cmake/setup.sh kernels
	@cmake/build.sh release recollect bench-kernels
	@build/release/bench-kernels

install: ## build, then install program, headers and libraries: make install PREFIX=FOLDER (docs/library.md)
	@cmake/setup.sh build
	@cmake/install.sh "$(or $(PREFIX),/usr/local)"

deb: ## build the Debian package of the program, for every x86-64-v3 processor, into build/deb
	@cmake/deb.sh

aarch64: ## build for 64-bit Arm with the cross compiler, quick tests under an emulator (hours; CASES='a*,b*': a part)
	@cmake/aarch64.sh $(if $(CASES),"$(CASES)")

setup: ## install the packages that building and testing need
	@cmake/setup.sh test

format: ## format every source in place
	@cmake/format.sh

clean: ## remove everything that was built; results stay
	rm -rf build recollect .venv

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\): ## /\1\t/p' Makefile | expand -t 16
