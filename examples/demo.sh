#!/bin/sh
# Start a server of its own in a temporary folder, run an example on it, stop it. A running server is not disturbed.
set -eu
cd "$(dirname "$0")/.."
bin="${BIN:-.venv/bin}"
folder="$(mktemp -d)"
export COVALENT_CONFIG_DIR="$folder/config" COVALENT_DATA_DIR="$folder/data"
export COVALENT_CACHE_DIR="$folder/cache" COVALENT_LOGDIR="$folder/log" COVALENT_RESULTS_DIR="$folder/results"

clean_up() {
    "$bin/covalent" stop
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

"$bin/covalent" start
if [ -n "${EXAMPLE:-}" ]; then
    "$bin/python" "$EXAMPLE"
else
    "$bin/python" examples/iris_svm.py --report
fi
