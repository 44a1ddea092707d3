"""Show a picture: in the notebook that asks, else in the browser."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import webbrowser
from pathlib import Path
from typing import Any


def show(svg: str, name: str) -> None:
    """Display SVG in a notebook; else write it to a file, say where, and open it if there is a screen."""
    display = _notebook()
    if display is not None:
        display.display(display.SVG(data=svg))
        return
    path = _written(svg, name)
    sys.stdout.write(f"{path}\n")
    if _has_screen():
        webbrowser.open(path.as_uri())


def _notebook() -> Any | None:
    """IPython's `display` module, if this is a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if getattr(shell, "kernel", None) is None:
        return None
    from importlib import import_module  # noqa: PLC0415  # loaded when first used

    return import_module("IPython.display")


def _written(svg: str, name: str) -> Path:
    word = re.sub(r"\W+", "-", name, flags=re.ASCII).strip("-")[:40] or "lattice"
    handle, path = tempfile.mkstemp(prefix=f"covalent-{word}-", suffix=".svg")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(svg)
    return Path(path)


def _has_screen() -> bool:
    """Without one, `webbrowser` would start a browser for terminals, which takes the terminal."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
