"""Write TOML; the standard library only reads it."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def dumps(document: Mapping[str, Any]) -> str:
    """A document as TOML.

    Raises:
        TypeError: TOML has no form for a value in it.

    """
    return "\n".join(_table(document, ())) + "\n"


def _table(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    plain = {key: each for key, each in table.items() if not isinstance(each, Mapping)}
    if path and (plain or not table):
        yield f"[{'.'.join(_key(part) for part in path)}]"
    for key, value in plain.items():
        if value is not None:  # TOML has no null: a missing key says the same
            yield f"{_key(key)} = {_value(value)}"
    if plain:
        yield ""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _table(value, (*path, key))


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _string(key)


def _string(text: str) -> str:
    # JSON's escapes are TOML's, except that TOML wants DEL escaped too and knows no surrogates.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _string(str(value))
        case int() | float():
            return repr(value)
        case datetime() | date() | time():
            return value.isoformat()
        case list() | tuple():
            return f"[{', '.join(_value(each) for each in value)}]"
        case Mapping():
            return f"{{{', '.join(f'{_key(k)} = {_value(v)}' for k, v in value.items())}}}"
        case _:
            raise TypeError(f"a configuration file cannot hold a {type(value).__name__}: {value!r}")
