"""How a failure reads in the record: the user's own frames, and the exception on the last line."""

import traceback
from pathlib import Path
from types import TracebackType

import covalent_contracts

_OUR_OWN = tuple(
    str(Path(file).parent) + "/" for file in (__file__, str(covalent_contracts.__file__))
)


def describe(exc: BaseException) -> str:
    """The traceback of an exception, without the frames through which the runner came to the user's code."""
    try:
        lines = traceback.format_exception(type(exc), exc, _users_part(exc.__traceback__))
    except Exception:  # noqa: BLE001  # an exception may break whoever looks at it
        return f"{type(exc).__qualname__} (its traceback cannot be shown)"
    return "".join(lines).rstrip() + _hint(exc)


def _users_part(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OUR_OWN):
        trace = trace.tb_next
    return trace


def _hint(exc: BaseException) -> str:
    if not isinstance(exc, ModuleNotFoundError):
        return ""
    name = (exc.name or "").partition(".")[0]
    name = "covalent-serverless" if name == "covalent" else name  # as PyPI knows it
    return (
        f" (not installed where the electron ran: ask for it with DepsPip({[name]});"
        " a module of your own travels along if you import it outside of the electron,"
        f" an installed one with DepsModule({name!r}))"
    )
