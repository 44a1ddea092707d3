"""Fill `{name}` in a shell command with a value, so that the value stays one word and nothing in it is executed.

A plain value (a number, a file name) is written as it stands. Any other is a reference to the shell variable that
holds it, quoted as its place demands.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,-]+")
_HEREDOC = re.compile(
    r"<<-?[ \t]*(?:\\(?P<escaped>\w+)|(?P<quote>['\"])(?P<quoted>[^'\"\n]+)(?P=quote)|(?P<plain>\w+))"
)

_TOKENS = (
    ("bare", "'", "single"),
    ("single", "'", "bare"),
    ("bare", '"', "double"),
    ("double", '"', "bare"),
    ("bare", "((", "arithmetic"),  # where << shifts
    ("arithmetic", "))", "bare"),
    ("bare", "<<<", "bare"),
)
"""What leads from one kind of place to another."""
_OPEN, _CLOSE = "\x01", "\x02"


@dataclass
class _Reader:
    """Walks over a command and knows where in it a quote is open."""

    text: str
    place: str = (
        "bare"  # or in "single" or "double" quotes, "arithmetic", the "body" of a here-document
    )
    at: int = 0
    delimiter: str = ""

    def steps(self) -> Iterator[tuple[str, int]]:
        """Each place where a placeholder may begin, with the kind of place it is."""
        while self.at < len(self.text):
            if self._skips():
                continue
            if self.text[self.at] == "{":
                yield self.place, self.at
            self.at += 1

    def _skips(self) -> bool:
        """Step over what opens or closes a quote, or is escaped."""
        for place, token, following in _TOKENS:
            if place == self.place and self.text.startswith(token, self.at):
                self._enter(following, len(token))
                return True
        return self._skips_lines()

    def _skips_lines(self) -> bool:
        """Step over escapes, comments, and the borders of here-documents."""
        match self.place, self.text[self.at]:
            case ("bare" | "double", "\\"):
                self.at += 2
            case ("bare", "#") if self.at == 0 or self.text[self.at - 1].isspace():
                self.at = _end_of_line(self.text, self.at)
            case ("bare", "<") if found := _HEREDOC.match(self.text, self.at):
                self.delimiter = found["escaped"] or found["quoted"] or found["plain"]
                self.at = found.end()
            case ("bare" | "body", "\n") if self.delimiter:
                ends = self._ends_body()
                self.delimiter = "" if ends else self.delimiter
                self._enter("bare" if ends else "body")
            case _:
                return False
        return True

    def _enter(self, place: str, length: int = 1) -> None:
        self.place = place
        self.at += length

    def _ends_body(self) -> bool:
        line = self.text[self.at + 1 : _end_of_line(self.text, self.at + 1)]
        return line.strip("\t") == self.delimiter


def _end_of_line(text: str, start: int) -> int:
    found = text.find("\n", start)
    return len(text) if found < 0 else found


def filled(command: str, values: Mapping[str, str]) -> str:
    """The command with each `{name}` of `values` filled in; other braces, as those of `${name}`, stay.

    Args:
        command: what bash is to run, with a shell variable for each of `values`.
        values: texts by name.

    """
    if _is_template(command, values):
        literal = command.replace("{{", _OPEN).replace("}}", _CLOSE)
        return _filled(literal, values).replace(_OPEN, "{").replace(_CLOSE, "}")
    return _filled(command, values)


def _is_template(command: str, names: Collection[str]) -> bool:
    """Whether it is written for `str.format`, as Covalent wants it: no brace but `{name}`, `{{` and `}}`."""
    rest = re.sub(r"\{\{|\}\}", "", command)
    for name in names:
        rest = rest.replace(f"{{{name}}}", "")
    return "{{" in command and not {"{", "}"} & set(rest)


def _filled(command: str, values: Mapping[str, str]) -> str:
    parts: list[str] = []
    done = 0
    for place, start in _Reader(command).steps():
        name = _name_at(command, start, values)
        if name is not None:
            parts += [command[done:start], _written(name, values[name], place)]
            done = start + len(name) + 2
    return "".join([*parts, command[done:]])


def _name_at(command: str, start: int, names: Collection[str]) -> str | None:
    end = command.find("}", start)
    name = command[start + 1 : end] if end > 0 else ""
    return name if name in names and command[start - 1 : start] != "$" else None


def _written(name: str, value: str, place: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    match place:
        case "bare" | "arithmetic":
            return f'"${{{name}}}"'
        case "single":
            return f"'\"${{{name}}}\"'"
        case _:
            return f"${{{name}}}"
