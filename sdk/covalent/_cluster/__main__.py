"""`python -m covalent._cluster`: run a Dask cluster until the server beside it ends (`covalent._cluster.process`)."""

import argparse
import sys
from pathlib import Path

from covalent._cluster import process


def main() -> int:
    """Run; ends when it is told to, or with the server."""
    parser = argparse.ArgumentParser(prog="python -m covalent._cluster", description=__doc__)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--worker-memory", type=int, default=0, help="bytes; 0 for a fair share")
    parser.add_argument("--worker-threads", type=int, default=0, help="0 for one")
    parser.add_argument("--server-state", type=Path, required=True)
    parser.add_argument("--state-file", type=Path, required=True)
    options = parser.parse_args()
    process.run(
        process.Size(options.workers, options.worker_memory, options.worker_threads),
        options.server_state,
        options.state_file,
    )
    return 0


if __name__ == "__main__":  # workers that are spawned import this module again
    sys.exit(main())
