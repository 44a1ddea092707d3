"""Write the golden definitions anew: `python -m tests.golden.regenerate`. Review the diff like code."""

import json
from pathlib import Path

from tests.golden.shapes import PLACE, golden

from covalent_step_functions.compiler import compile_dispatch

FOLDER = Path(__file__).parent / "asl"


def main() -> None:
    for stale in FOLDER.glob("*.json"):
        stale.unlink()
    for name, manifest in golden().items():
        definition = json.loads(compile_dispatch(manifest, PLACE, "owner").definition)
        (FOLDER / f"{name}.json").write_text(json.dumps(definition, indent=1) + "\n")


if __name__ == "__main__":
    main()
