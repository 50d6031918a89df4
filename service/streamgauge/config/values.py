"""The kinds of values that settings have: each read once, each told in words and as JSON schema."""

from __future__ import annotations

import math
import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from streamgauge.config.document import scalar
from streamgauge.config.errors import shown
from streamgauge.config.written import EnvironmentText, Written, WrittenError, kind, text_of

_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
_STREAM: Final = re.compile(r"[A-Za-z0-9]+([._-][A-Za-z0-9]+)*")
_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]"
    r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[-+][0-9]{2}:[0-9]{2})"
)
_POINTER: Final = re.compile(r"(/([^~/]|~[01])*)+")


def _text(value: object) -> str:
    return text_of(value)


def topic(value: object) -> str:
    """The name of a topic; WrittenError says what else it is."""
    name = text_of(value, "a topic name", needed=True)
    if not _TOPIC.fullmatch(name) or name in {".", ".."}:
        raise WrittenError(
            f"{shown(name)} is not a topic name: up to 249 of the characters A-Z a-z 0-9 . _ -"
        )
    return name


def _stream_name(value: object) -> str:
    name = text_of(value, "the name of a stream")
    if not _STREAM.fullmatch(name) or len(name) > 100:
        raise WrittenError(
            f"{shown(name)} is no name for a stream: up to 100 letters and digits, "
            "with single . _ - between them"
        )
    return name


def _pointer(value: object) -> str:
    pointer = text_of(value, "a JSON pointer")
    if not _POINTER.fullmatch(pointer):
        raise WrittenError(f"{shown(pointer)} is not a JSON pointer: write for example /occurredAt")
    return pointer


def _start_from(value: object) -> Literal["latest", "earliest"] | int:
    text = text_of(value, "latest, earliest or a time")
    if text == "latest":
        return "latest"
    if text == "earliest":
        return "earliest"
    return _moment_ms(text, "latest, earliest or a time")


def _moment(value: object) -> int:
    return _moment_ms(text_of(value, "a time"), "a time")


def _moment_ms(text: str, what: str) -> int:
    wrong = WrittenError(f"{shown(text)} is not {what} such as 2026-01-31T12:00:00Z")
    if not _RFC_3339.fullmatch(text):
        raise wrong
    try:
        moment_ms = math.floor(datetime.fromisoformat(text.upper()).timestamp() * 1000)
    except ValueError:
        raise wrong from None
    if moment_ms < 0:
        raise WrittenError(f"{shown(text)} is before 1970: Kafka has no such times")
    return moment_ms


def _asset_key(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise WrittenError("must be a list of names such as [kafka, orders_placed]")
    if len(value) > 20:
        raise WrittenError("has more than 20 parts")
    return tuple(text_of(part, "a list of names") for part in value)


def _file(value: object) -> Path:
    return Path(text_of(value, "the name of a file"))


def _flag(value: object) -> bool:
    value = scalar(value) if isinstance(value, EnvironmentText) else value
    if not isinstance(value, bool):
        raise WrittenError(f"must be true or false, not {kind(value)}")
    return value


def _number(value: object, least: float, most: float, what: str) -> float | int:
    value = scalar(value) if isinstance(value, EnvironmentText) else value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrittenError(f"must be {what}, not {kind(value)}")
    if not least <= value <= most:
        raise WrittenError(f"{shown(value)} is out of range: {least} to {most}")
    return value


def whole(least: int, most: int) -> Written:
    """A whole number between two bounds, both allowed."""

    def read(value: object) -> int:
        number = _number(value, least, most, "a whole number")
        if number != int(number):
            raise WrittenError(f"must be a whole number, not {shown(number)}")
        return int(number)

    title = f"whole number, {least} to {most}"
    return Written(read, {"title": title, "type": "integer", "minimum": least, "maximum": most})


def amount(most: int) -> Written:
    """A number from zero to `most`."""
    return Written(
        lambda value: float(_number(value, 0, most, "a number")),
        {"title": "number, at least 0", "type": "number", "minimum": 0, "maximum": most},
    )


def string(title: str, **more: object) -> dict[str, object]:
    """JSON schema of text that `title` describes."""
    return {"title": title, "type": "string", "minLength": 1, **more}


Text: TypeAlias = Annotated[str, Written(_text, string("text"))]
TOPIC_SCHEMA: Final = string("topic name", pattern=f"^{_TOPIC.pattern}$")
Topic: TypeAlias = Annotated[str, Written(topic, TOPIC_SCHEMA)]
StreamName: TypeAlias = Annotated[
    str, Written(_stream_name, string("name of a stream", pattern=f"^{_STREAM.pattern}$"))
]
Pointer: TypeAlias = Annotated[
    str, Written(_pointer, string("JSON pointer", pattern=f"^{_POINTER.pattern}$"))
]
StartFrom: TypeAlias = Annotated[
    Literal["latest", "earliest"] | int,
    Written(
        _start_from,
        string(
            "latest, earliest or an RFC 3339 time",
            pattern=f"^(latest|earliest|{_RFC_3339.pattern})$",
        ),
    ),
]
Moment: TypeAlias = Annotated[
    int, Written(_moment, string("RFC 3339 time", pattern=f"^{_RFC_3339.pattern}$"))
]
AssetKey: TypeAlias = Annotated[
    tuple[str, ...],
    Written(
        _asset_key,
        {
            "title": "list of names",
            "type": "array",
            "minItems": 1,
            "maxItems": 20,
            "items": {"type": "string", "minLength": 1},
        },
    ),
]
LocalFile: TypeAlias = Annotated[Path, Written(_file, string("file"), str)]
Flag: TypeAlias = Annotated[bool, Written(_flag, {"title": "true or false", "type": "boolean"})]
