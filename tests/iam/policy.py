"""What an IAM policy says of a call: as much of the policy language as the policies of this deployment are written in.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
What is not known here is an error, never a guess.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Values = tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """An action on a resource; `context` holds condition keys in lower case."""

    action: str
    resource: str
    context: Mapping[str, Values] = field(default_factory=dict)


class UnknownLanguage(Exception):
    """A policy is written in a way that is not understood here."""


class _Unresolved(Exception):
    """A policy variable has no value in a call, so what it stands in matches nothing."""


@dataclass(frozen=True)
class Statement:
    """One statement of a policy."""

    document: Mapping[str, Any]

    def __post_init__(self) -> None:
        unknown = self.document.keys() - _ELEMENTS
        if unknown or self.document["Effect"] not in ("Allow", "Deny"):
            raise UnknownLanguage(f"{sorted(unknown)} in {self.document}")
        for operator in self.document.get("Condition", {}):
            _operator(operator)

    @property
    def sid(self) -> str:
        """Its name."""
        return str(self.document.get("Sid", ""))

    @property
    def denies(self) -> bool:
        """Whether what it matches is denied."""
        return bool(self.document["Effect"] == "Deny")

    def matches(self, call: Call) -> bool:
        """Whether it is about the call."""
        return (
            self._names("Action", call.action.lower(), call, str.lower)
            and self._names("Resource", call.resource, call, str)
            and all(_holds(*each, call) for each in self._conditions)
        )

    def _names(self, element: str, value: str, call: Call, spell: Callable[[str], str]) -> bool:
        if f"Not{element}" in self.document:
            patterns = _list(self.document[f"Not{element}"])
            return not any(_is_like(spell(each), value, call) for each in patterns)
        return any(_is_like(spell(each), value, call) for each in _list(self.document[element]))

    @cached_property
    def _conditions(self) -> list[tuple[str, str, Values]]:
        return [
            (operator, key.lower(), tuple(_list(values)))
            for operator, tests in self.document.get("Condition", {}).items()
            for key, values in tests.items()
        ]


@dataclass(frozen=True)
class Policy:
    """A policy of a role."""

    statements: Sequence[Statement]

    @classmethod
    def read(cls, text: str) -> "Policy":
        """Read a policy document.

        Raises:
            UnknownLanguage: it has something that is not understood here.

        """
        found = json.loads(text)["Statement"]
        return cls([Statement(each) for each in ([found] if isinstance(found, dict) else found)])

    def allowing(self, call: Call) -> str | None:
        """The name of the statement that allows the call, or None: it is denied."""
        about = [each for each in self.statements if each.matches(call)]
        if any(each.denies for each in about):
            return None
        return next((each.sid for each in about), None)


_ELEMENTS = {
    *("Sid", "Effect", "Condition"),
    *("Action", "NotAction", "Resource", "NotResource"),
}
_PART = re.compile(r"\$\{([^}]*)\}|(\*)|(\?)|([^$*?]+|\$)")


def _is_like(pattern: str, value: str, call: Call, *, wild: bool = True) -> bool:
    """Whether a value matches a pattern with wildcards and variables. What a variable stands for is no pattern."""
    try:
        return re.fullmatch("".join(_regex(pattern, call, wild=wild)), value, re.DOTALL) is not None
    except _Unresolved:
        return False


def _regex(pattern: str, call: Call, *, wild: bool) -> Iterator[str]:
    for variable, star, question, text in _PART.findall(pattern):
        if variable:
            yield re.escape(_value_of(variable, call))
        elif wild and (star or question):
            yield ".*" if star else "."
        else:
            yield re.escape(star or question or text)


def _value_of(variable: str, call: Call) -> str:
    if variable in ("*", "?", "$"):
        return variable
    found = call.context.get(variable.lower(), ())
    if len(found) != 1:
        raise _Unresolved(variable)
    return found[0]


def _equals(pattern: str, value: str, call: Call) -> bool:
    return _is_like(pattern, value, call, wild=False)


def _is_like_arn(pattern: str, value: str, call: Call) -> bool:
    """Each of the six parts by itself, so that no wildcard reaches beyond its part."""
    wanted, given = pattern.split(":", 5), value.split(":", 5)
    if len(wanted) != len(given):
        return False
    return all(_is_like(*pair, call) for pair in zip(wanted, given, strict=True))


def _same_truth(pattern: str, value: str, _: Call) -> bool:
    return pattern.lower() == value.lower()


_TESTS: Mapping[str, Callable[[str, str, Call], bool]] = {
    "StringEquals": _equals,
    "StringLike": _is_like,
    "ArnEquals": _is_like_arn,
    "ArnLike": _is_like_arn,
    "Bool": _same_truth,
}


def _operator(text: str) -> tuple[str, str, bool]:
    """Set operator, test, and whether a missing key is fine.

    Raises:
        UnknownLanguage: there is no such operator here.

    """
    several, _, name = text.rpartition(":")
    test = name.removesuffix("IfExists")
    if test not in _TESTS or several not in ("", "ForAllValues", "ForAnyValue"):
        raise UnknownLanguage(f"the condition operator {text}")
    return several, test, test != name


def _holds(operator: str, key: str, patterns: Values, call: Call) -> bool:
    several, test, may_miss = _operator(operator)
    values = call.context.get(key)
    if values is None:
        return may_miss or several == "ForAllValues"
    if not several and len(values) != 1:
        raise UnknownLanguage(f"{operator} on the {len(values)} values of {key}")
    found = [any(_TESTS[test](pattern, value, call) for pattern in patterns) for value in values]
    return any(found) if several == "ForAnyValue" else all(found)


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
