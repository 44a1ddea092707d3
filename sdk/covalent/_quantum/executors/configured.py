"""Fields of quantum executors whose defaults stand in the configuration file, and what is said of wrong ones there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from covalent._shared_files.config import get_config
from covalent._shared_files.defaults import config_path
from covalent._shared_files.exceptions import InvalidConfig


@dataclass(frozen=True)
class Entry:
    """The place of a default: it is read when an executor is made.

    Args:
        section: the name of the executor's class.
        name: the name in its section.
        otherwise: the default where the configuration has none.

    """

    section: str
    name: str
    otherwise: Any = None

    def __call__(self) -> Any:
        """The default.

        Raises:
            InvalidConfig: what should be its section is a value.

        """
        return _section(self.section).get(self.name, self.otherwise)

    def __str__(self) -> str:
        """Where it stands, for messages."""
        return f"[qelectron.{self.section}] {self.name}"


def configured(section: str, entry: str, otherwise: Any = None) -> Any:
    """A field whose default is what the configuration file has under `[qelectron.<section>]`, when an executor is made.

    Args:
        section: the name of the executor's class.
        entry: the name in its section.
        otherwise: the default where the configuration has none.

    """
    return Field(default_factory=Entry(section, entry, otherwise), validate_default=True)


def check(model: type[BaseModel], given: Any, refused: ValidationError) -> None:
    """Look whose the values are that a model refuses.

    Args:
        model: the executor's class.
        given: what it was to be made of.
        refused: why it was not.

    Raises:
        InvalidConfig: some of them stand in the configuration file.

    """
    told = "; ".join(_told(model, given, refused))
    if told:
        raise InvalidConfig(f"{config_path()}: {told}") from refused


def _told(model: type[BaseModel], given: Any, refused: ValidationError) -> Iterator[str]:
    for each in refused.errors(include_url=False, include_input=False):
        name = each["loc"][0] if each["loc"] else None
        field = model.model_fields.get(str(name))
        if field and isinstance(field.default_factory, Entry) and name not in given:
            yield f"{field.default_factory}: {each['msg'].removeprefix('Value error, ')}"


def _section(name: str) -> Mapping[str, Any]:
    every = _table("qelectron", get_config("qelectron"))
    return _table(f"qelectron.{name}", every.get(name, {}))


def _table(name: str, found: Any) -> Mapping[str, Any]:
    if not isinstance(found, Mapping):
        raise InvalidConfig(f"{config_path()}: {name} must be a section")
    return found
