"""Write the golden definitions anew: `python tests/golden/regenerate.py`. Review the diff like code."""

import runpy
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    shapes = runpy.run_path(str(HERE / "shapes.py"))  # test folders are not packages
    for stale in (HERE / "asl").glob("*.json"):
        stale.unlink()
    for name, manifest in shapes["golden"]().items():
        (HERE / "asl" / f"{name}.json").write_text(shapes["written"](name, manifest))


if __name__ == "__main__":
    main()
