"""How a value is written: the function that reads it, beside the JSON schema that describes it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import core_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class EnvironmentText(str):
    """The text of an environment variable, which alone may stand for a number or a truth value."""

    __slots__ = ()


class WrittenError(ValueError):
    """What is written cannot be read; told in words that go on from the name of the setting."""


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in `Annotated[<type>, Written(...)]` of a setting.

    `read` takes what the file or the environment says and returns the value, or raises
    WrittenError.
    """

    read: Callable[[object], object]
    schema: Mapping[str, object] = field(hash=False)
    """JSON schema of the written value; its `title` says in words what is to be written."""
    write: Callable[[Any], object] | None = None
    """Turns the value into what one would write; None: it is written as it is."""

    def __get_pydantic_core_schema__(self, _source: object, _handler: object) -> Any:  # noqa: ANN401 - pydantic's protocol
        write = self.write and core_schema.plain_serializer_function_ser_schema(
            self.write, when_used="json"
        )
        return core_schema.no_info_plain_validator_function(self.read, serialization=write)

    def __get_pydantic_json_schema__(self, _schema: object, _handler: object) -> dict[str, object]:
        return dict(self.schema)


def kind(value: object) -> str:
    """What a value from YAML is, in words."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text" if value else "empty text"
    if isinstance(value, list):
        return "a list"
    return "a mapping" if isinstance(value, dict) else "nothing"


def has_control_characters(text: str) -> bool:
    """Whether it holds line breaks, NUL and their like, or halves of surrogate pairs."""
    return _CONTROL.search(text) is not None


def text_of(value: object, what: str = "text", *, needed: bool = False) -> str:
    """The value if it is text that is neither empty nor split over lines.

    Args:
        value: what is written.
        what: it should be.
        needed: whether it cannot be left out.

    Raises:
        WrittenError: what it must be instead.
    """
    if isinstance(value, bool | int | float):
        raise WrittenError(f"must be {what}, not {kind(value)}: put it in quotes")
    if not isinstance(value, str):
        raise WrittenError(f"must be {what}, not {kind(value)}")
    if not value:
        raise WrittenError(f"is empty: give {what}{'' if needed else ', or leave it out'}")
    if has_control_characters(value):
        raise WrittenError(f"must be {what} without line breaks and control characters")
    if len(value) > 1000:
        raise WrittenError(f"is too long: {what} has at most 1000 characters")
    return str(value)
