# Everything runs in .venv, which is made from requirements.lock. Only make and Python 3.11 or newer are needed.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCH := $(VENV)/.bench
OPENAPI := .venv-openapi
QUANTUM := .venv-quantum
AZURITE := .azurite
TORCH := torch==2.13.0
ARGS ?=

# The first Python that is new enough and can make virtual environments.
FIND_PYTHON = $(shell for python in "$(or $(PYTHON),python3)" python3.13 python3.12 python3.11 python3.14; do \
	"$$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2> /dev/null \
	&& command -v "$$python" && break; done)

# Packages of the user's own site directories and paths must not get in.
export PYTHONNOUSERSITE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
# As pip does: the certificates of the machine.
export UV_SYSTEM_CERTS ?= true
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV AWS_PROFILE AWS_DEFAULT_PROFILE

.PHONY: help setup demo localstack test openapi transfers clouds remote quantum check lint format types contracts fix golden bench versus lock lambda chalice image wheel clean
.DEFAULT_GOAL := help

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

setup: $(READY) ## Make .venv from requirements.lock

$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || "$(or $(FIND_PYTHON),$(error Python 3.11 or newer with its venv module is not \
		on the PATH; name one with make PYTHON=/path/to/python3))" -m venv $(VENV)
	@echo "Installing into $(VENV); the first time this takes about a minute."
	@$(BIN)/python -m pip install --quiet --quiet --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## Train a support vector machine on the offline AWS and show what ran
	@BIN=$(BIN) examples/demo.sh

LOCALSTACK_PORT ?= 4566

localstack: $(READY) ## Run LocalStack without Docker until Ctrl-C; LOCALSTACK_PORT=4566 is the port
	@exec $(BIN)/python -m covalent_localstack.host serve --port $(LOCALSTACK_PORT) $(ARGS)

test: $(READY) ## Run all tests; ARGS="-k name" for some
	@$(BIN)/python -m pytest $(ARGS)

# Schemathesis needs much that nothing else here needs, so it gets an environment of its own.
$(OPENAPI)/.ready: requirements-openapi.lock $(READY)
	@$(BIN)/python -m venv $(OPENAPI)
	@$(OPENAPI)/bin/python -m pip install --quiet --quiet --require-hashes --requirement requirements-openapi.lock
	@touch $@

openapi: $(OPENAPI)/.ready ## Try the API of a running server against its OpenAPI document
	@SCHEMATHESIS=$(OPENAPI)/bin/schemathesis $(BIN)/python -m pytest -m contract $(ARGS)

# Azurite comes from npm, the exact versions of tests/transfers/package-lock.json, and nothing of it is run on installing.
$(AZURITE)/.ready: tests/transfers/package-lock.json
	@command -v npm > /dev/null || { echo "npm is not on the PATH: apt-get install npm"; exit 1; }
	@mkdir -p $(AZURITE)
	@cp tests/transfers/package.json tests/transfers/package-lock.json $(AZURITE)
	@cd $(AZURITE) && npm ci --ignore-scripts --no-audit --no-fund --loglevel error
	@touch $@

transfers: $(READY) $(AZURITE)/.ready ## Try file transfers with rsync, an ssh server and Azurite; needs rsync, sshd and npm
	@$(BIN)/python -m pytest -m transfers $(ARGS)

clouds: $(READY) ## Run electrons in Azure and Google, as their own clients see them on this machine; needs openssl
	@$(BIN)/python -m pytest -m clouds $(ARGS)

remote: $(READY) ## Run jobs on a real ssh server and a real Slurm; needs sshd, slurm-wlm and munge
	@$(BIN)/python -m pytest -m remote $(ARGS)

# PennyLane with each of its interfaces is 4 GB, so it gets an environment of its own.
$(QUANTUM)/.ready: requirements-quantum.lock $(READY)
	@test -x $(QUANTUM)/bin/python || $(BIN)/python -m venv $(QUANTUM)
	@echo "Installing into $(QUANTUM); the first time this takes some minutes."
	@$(BIN)/uv pip install --quiet --python $(QUANTUM) --require-hashes --requirement requirements-quantum.lock
	@$(QUANTUM)/bin/python -m pip install --quiet --quiet $(TORCH)
	@$(QUANTUM)/bin/python -m pip install --quiet --quiet --no-deps --no-build-isolation --editable .
	@touch $@

quantum: $(QUANTUM)/.ready ## Run quantum electrons with PennyLane, Qiskit and Braket; needs what remote needs, and openssl
	@$(QUANTUM)/bin/python -m pytest -m quantum $(ARGS)

check: lint format types contracts ## Check style, types and imports; never writes

lint: $(READY)
	@$(BIN)/ruff check

format: $(READY)
	@$(BIN)/ruff format --check

types: $(READY)
	@$(BIN)/mypy

contracts: $(READY)
	@$(BIN)/lint-imports

fix: $(READY) ## Repair style where a tool can
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

golden: $(READY) ## Write the expected state machines anew; review the diff like code
	@$(BIN)/python tests/golden/regenerate.py

# WfCommons and Matplotlib come only when they are needed.
$(BENCH): requirements-bench.lock $(READY)
	@$(BIN)/python -m pip install --quiet --quiet --require-hashes --requirement requirements-bench.lock
	@touch $@

bench: $(BENCH) ## Measure and write benchmarks/RESULTS.md; ARGS are passed on
	@$(BIN)/python -m benchmarks $(ARGS)

versus: $(READY) ## Measure ours beside Covalent 0.240 only; ARGS="--repeat 1" for less
	@$(BIN)/python -m benchmarks.versus $(ARGS)

LOCK = $(BIN)/uv pip compile --universal --python-version 3.11 \
	--generate-hashes --no-config --no-header --no-annotate --no-emit-index-url --quiet

# The second starts from the first, so that what both name is of one version. The others have nothing of ours in them;
# LocalStack's is for Python 3.13 alone, because its packages cannot be had together for any newer one.
# What is deployed is of the versions that are tested.
DEPLOYED = $(LOCK) --constraint requirements.lock
# All but the quantum ones, which have a lock of their own.
EXTRAS = $(addprefix --extra ,aws azure azurebatch azurefunctions control-plane dask deploy gcloud gcpbatch gcpfunctions \
	local slurm ssh triggers)
LOCKS = sdk/covalent/_deploy/locks

lock: $(READY) ## Write the lock files anew from pyproject.toml and from what is deployed
	@$(LOCK) pyproject.toml $(EXTRAS) --group dev --upgrade --output-file requirements.lock
	@cp requirements.lock requirements-bench.lock
	@$(LOCK) pyproject.toml $(EXTRAS) --group bench --output-file requirements-bench.lock
	@cp requirements.lock requirements-quantum.lock
	@$(LOCK) pyproject.toml --all-extras --group quantum --output-file requirements-quantum.lock
	@$(LOCK) --group versus --upgrade --output-file requirements-versus.lock
	@$(LOCK) --group openapi --upgrade --output-file requirements-openapi.lock
	@$(DEPLOYED) $(LOCKS)/runner.in --output-file $(LOCKS)/runner.lock
	@$(DEPLOYED) $(LOCKS)/builder.in --output-file $(LOCKS)/builder.lock
	@$(DEPLOYED) $(LOCKS)/job.in --output-file $(LOCKS)/job.lock
	@$(DEPLOYED) $(LOCKS)/bridge.in --output-file $(LOCKS)/bridge.lock
	@$(DEPLOYED) $(LOCKS)/image.in --output-file $(LOCKS)/image.lock
	@$(DEPLOYED) $(LOCKS)/control-plane.in --excludes $(LOCKS)/control-plane.excludes \
		--output-file $(LOCKS)/control-plane.lock
	@$(LOCK) --group lambda-runtimes --upgrade --output-file localstack/runtimes.lock
	@$(BIN)/uv pip compile --group localstack --python-version 3.13 --generate-hashes --no-config --no-header \
		--no-annotate --no-emit-index-url --quiet --upgrade --output-file localstack/requirements.lock

lambda: $(READY) ## Build the zips of the Lambda functions into dist/lambda; ARGS="--architecture arm64" for some
	@$(BIN)/python -m covalent._deploy.artifacts --output dist/lambda $(ARGS)

chalice: $(READY) ## Write infra/terraform/modules/api/chalice.tf.json anew; review the diff like code
	@$(BIN)/python -m covalent._deploy.chalice_package

image: $(READY) ## Build the runner's container image; needs Docker with buildx; ARGS="--tag name --push"
	@$(BIN)/python -m covalent._deploy.container --context dist/image $(ARGS)

wheel: $(READY) ## Build dist/*.whl
	@$(BIN)/python -m build --wheel --no-isolation

clean: ## Remove .venv, LocalStack, caches and builds
	@rm -rf $(VENV) $(OPENAPI) $(QUANTUM) $(AZURITE) .venv-localstack .localstack .asl-validator build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
