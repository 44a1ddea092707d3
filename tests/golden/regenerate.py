"""Write the golden definitions anew: `python tests/golden/regenerate.py`. Review the diff like code."""

import json
import runpy
from pathlib import Path

from covalent_step_functions.compiler import compile_dispatch

HERE = Path(__file__).parent


def main() -> None:
    shapes = runpy.run_path(str(HERE / "shapes.py"))  # test folders are not packages
    for stale in (HERE / "asl").glob("*.json"):
        stale.unlink()
    for name, manifest in shapes["golden"]().items():
        definition = json.loads(compile_dispatch(manifest, shapes["PLACE"], "owner").definition)
        (HERE / "asl" / f"{name}.json").write_text(json.dumps(definition, indent=1) + "\n")


if __name__ == "__main__":
    main()
