"""Hold the product to the reference; ends with 1 if something is not as promised.

usage: python .ci/reference REFERENCE [circuits]

With `circuits` it runs the blocks on quantum electrons alone, in the environment of `make quantum`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # this package
sys.path.insert(0, str(Path(__file__).parents[2]))  # the tests, for their hosts and clouds

from reference import (
    blocks,
    circuits,
    commands,
    config,
    executors,
    promises,
    schemas,
    text,
)  # found through the lines above


def main() -> int:
    """Check everything, or circuits alone, and tell all faults."""
    reference = text.read(Path(sys.argv[1]))
    faults = 0
    everything = (promises, schemas, blocks, config, commands, executors)
    for module in (circuits,) if sys.argv[2:] == ["circuits"] else everything:
        name = module.__name__.rpartition(".")[2]
        found = list(module.check(reference))
        for each in found:
            print(f"{name}: {each}")
        print(f"{name}: {len(found)} not as promised")
        faults += len(found)
    kept = list(promises.promises(reference))
    print(f"{len(kept)} promises of {len(reference.headings)} headings checked")
    print(*blocks.counts(reference), sep="\n")
    return min(faults, 1)


if __name__ == "__main__":
    sys.exit(main())
