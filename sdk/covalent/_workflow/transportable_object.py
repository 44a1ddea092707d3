"""A value that can travel: pickled, with what may be known of it without unpickling."""

from __future__ import annotations

import base64
from typing import Any

from covalent._workflow.description import describe
from covalent_contracts import transport


class TransportableObject:
    """A pickled value with a header.

    Args:
        obj: the value.

    """

    __slots__ = ("_data", "_header", "_text")

    def __init__(self, obj: Any) -> None:
        from covalent._workflow.own_modules import pickle_with_own_modules  # noqa: PLC0415  # loaded when first used
        from covalent_contracts import pickling  # noqa: PLC0415  # loaded when first used

        self._load(pickle_with_own_modules(lambda: pickling.dumps(obj)), describe(obj))

    def _load(self, data: bytes, text: str | None = None) -> None:
        self._data = data
        self._header, _ = transport.split(data)
        self._text = self._header.text if text is None else text

    @property
    def object_string(self) -> str:
        """The value as text, cut short."""
        return self._text

    @property
    def python_version(self) -> str:
        """The version of Python that pickled the value."""
        return self._header.python

    @property
    def header(self) -> dict[str, Any]:
        """What is known without unpickling."""
        return {
            "py_version": self._header.python,
            "cloudpickle_version": self._header.cloudpickle,
            "attrs": {"type": self._header.type},
        }

    @property
    def attrs(self) -> dict[str, Any]:
        """The attributes in the header."""
        return dict(self.header["attrs"])

    def get_deserialized(self) -> Any:
        """Unpickle the value. It runs the code that the pickle names: only do so with values you trust."""
        from covalent_contracts import pickling  # noqa: PLC0415  # loaded when first used

        return pickling.loads(self._data)

    def get_serialized(self) -> str:
        """The value's bytes, base64."""
        return base64.b64encode(self._data).decode()

    def serialize(self) -> bytes:
        """The value as bytes, header included."""
        return self._data

    @classmethod
    def deserialize(cls, data: bytes) -> TransportableObject:
        """Take the bytes of `serialize`, or of any stored value; nothing is unpickled.

        Raises:
            CorruptedObject: the bytes are not a value.
            NewerWire: they were written by a newer version.

        """
        new = cls.__new__(cls)
        new._load(data)
        return new

    def to_dict(self) -> dict[str, Any]:
        """A JSON-serializable representation."""
        return {
            "type": type(self).__name__,
            "attributes": {"_object": self.get_serialized(), "object_string": self.object_string},
        }

    @staticmethod
    def from_dict(object_dict: dict[str, Any]) -> TransportableObject:
        """Rehydrate what `to_dict` gave."""
        attributes = object_dict["attributes"]
        new = TransportableObject.__new__(TransportableObject)
        new._load(base64.b64decode(attributes["_object"]), attributes.get("object_string"))
        return new

    @staticmethod
    def make_transportable(obj: Any) -> TransportableObject:
        """The object itself if it can travel already."""
        return obj if isinstance(obj, TransportableObject) else TransportableObject(obj)

    @staticmethod
    def deserialize_list(collection: list[Any]) -> list[Any]:
        """Unpickle every transportable object in a list, also in lists and dictionaries in it."""
        return [_deserialized(each) for each in collection]

    @staticmethod
    def deserialize_dict(collection: dict[Any, Any]) -> dict[Any, Any]:
        """Unpickle every transportable object in a dictionary, also in lists and dictionaries in it."""
        return {key: _deserialized(each) for key, each in collection.items()}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TransportableObject):
            return NotImplemented
        return self._data == other._data

    def __hash__(self) -> int:
        return hash(self._data)

    def __repr__(self) -> str:
        return f"TransportableObject({self._text})"

    def __str__(self) -> str:
        return self._text


def _deserialized(value: Any) -> Any:
    match value:
        case TransportableObject():
            return value.get_deserialized()
        case list():
            return TransportableObject.deserialize_list(value)
        case dict():
            return TransportableObject.deserialize_dict(value)
        case _:
            return value
