"""How a log record becomes one line: bounded, without secrets, and without obeying its content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from numbers import Integral
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

    Line = MutableMapping[str, Any]

OWN: Final = "streamgauge"
"""Root of the service's own loggers; every other logger is a library's."""

MAX_TEXT: Final = 2_000
"""Characters kept of any one text: libraries quote metadata and answers of several KB."""
MAX_ITEMS: Final = 50
MAX_DEPTH: Final = 8
MAX_LINES: Final = 200
_CREDENTIALS: Final = re.compile(r"(?<=://)[^/\s@]+(?=@)")
_SECRET: Final = re.compile("password|secret|token|authorization", re.IGNORECASE)


def is_own(logger: str) -> bool:
    """Whether a logger is one of the service's own."""
    return logger == OWN or logger.startswith(f"{OWN}.")


def head(_logger: object, _method: str, line: Line) -> Line:
    """Put time, level and writer before the event's own fields.

    A field `logger` replaces the writer's name; one named like another head field gets a `_`.
    """
    record = line.pop("_record")
    del line["_from_structlog"]
    if not is_own(record.name):  # stamina binds the arguments of the call that it repeats
        line = {name: value for name, value in line.items() if name not in {"args", "kwargs"}}
    created = datetime.fromtimestamp(record.created, tz=UTC)
    head = {
        "timestamp": created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "logger": line.pop("logger", record.name),
        "event": line.pop("event"),
    }
    return head | {f"{name}_" if name in head else name: value for name, value in line.items()}


def bounded(_logger: object, _method: str, line: Line) -> Line:
    """For machines: every field a value that JSON knows."""
    return _fields(line.items())


def readable(_logger: object, _method: str, line: Line) -> Line:
    """For people: the event on one line, and only a traceback below it."""
    traceback = str(line.pop("exception", "")).splitlines()[-MAX_LINES:]
    line = _fields(line.items())
    line["event"] = str(line["event"]).replace("\n", "\\n")
    return {**line, **({"exception": "\n".join(map(_text, traceback))} if traceback else {})}


def as_json(_logger: object, _method: str, line: Line) -> str:
    """One JSON object on one line."""
    return orjson.dumps(line).decode()


def _fields(items: Iterable[tuple[object, Any]], depth: int = 0) -> dict[str, Any]:
    """Names with bounded values; what is named like a secret keeps its name only."""
    return {
        name: "***" if _SECRET.search(name) else _plain(value, depth)
        for name, value in ((_text(name), value) for name, value in islice(items, MAX_ITEMS))
    }


def _plain(value: Any, depth: int) -> Any:  # noqa: ANN401 - any value may be a field
    """The value as JSON knows it, bounded in length, width and depth."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, Integral) and -(1 << 63) <= int(value) < 1 << 63:
        return int(value)
    if depth < MAX_DEPTH and isinstance(value, Mapping):
        return _fields(value.items(), depth + 1)
    if depth < MAX_DEPTH and isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner, depth + 1) for inner in islice(value, MAX_ITEMS)]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    return _text(f"{type(value).__name__}: {value}" if isinstance(value, BaseException) else value)


def _text(value: object) -> str:
    """Its text without credentials and control characters, cut with a mark when too long."""
    text = _CREDENTIALS.sub("***", str(value))
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]}... [{len(text) - MAX_TEXT} more characters]"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    """How Python writes a character that a terminal would obey or UTF-8 does not have."""
    return character.encode("unicode_escape").decode("ascii")
