"""How what a check measured over time is written: times, values and levels, as short texts.

`1 2x3 10+5x3 none unknown 7?` are 1, 2, 2, 2, 10, 15, 20, nothing to measure, a blind gauge, and 7
measured by a gauge that is partly blind. `_` and `?` are short for `none` and `unknown`. To YAML a
`?` is more than text, so what holds one is written in quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from streamgauge.config.durations import parse_duration
from streamgauge.config.errors import shown
from streamgauge.config.written import Written, WrittenError, kind
from streamgauge.model import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeVar

    ReadT = TypeVar("ReadT")

MOST_STEPS: Final = 100_000
"""Steps of one series."""
MOST_STEPS_IN_ALL: Final = 200_000
"""Steps of all series of a file."""

_NUMBER: Final = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_COUNT: Final = r"(?:x(?P<count>[0-9]{1,9}))?"
_VALUE: Final = re.compile(
    rf"(?:(?P<value>-?{_NUMBER})(?P<step>[-+]{_NUMBER})?(?P<partly>\?)?"
    rf"|(?P<none>none|_)|(?P<unknown>unknown|\?)){_COUNT}"
)
_LEVEL: Final = re.compile(
    rf"(?P<level>{'|'.join(f'{level.value}|{level.value[0]}' for level in Level)}){_COUNT}"
)
_REPEATED: Final = re.compile(r".*x([0-9]{1,9})")
_EXAMPLE: Final = "12, 12x5 (five times), 10+5x3 (10 15 20), 12? (partly blind), none or unknown"
_QUOTE: Final = "a value with ? needs quotes, such as '12?'"
"""What YAML makes of it without them is something else."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one evaluation saw."""

    value: float | None
    blind: bool
    """Whether the gauge was blind, in part if there is a value."""


def _times(value: object) -> tuple[int, ...]:
    return _all(value, "times", lambda word: [parse_duration(word)])


def _values(value: object) -> tuple[Seen, ...]:
    return _all(value, "values", _seen)


def _value(value: object) -> Seen:
    return _only(value, _values, "value")


def _levels(value: object) -> tuple[Level, ...]:
    return _all(value, "levels", _repeated_level)


def _level(value: object) -> Level:
    return _only(value, _levels, "level")


def _only(value: object, read: Callable[[object], tuple[ReadT, ...]], what: str) -> ReadT:
    found = read([value])
    if len(found) != 1:
        raise WrittenError(f"{shown(value)} is more than one {what}")
    return found[0]


def _all(value: object, what: str, read: Callable[[str], Sequence[ReadT]]) -> tuple[ReadT, ...]:
    """All that the words of a text, or of the entries of a list, say."""
    found: list[ReadT] = []
    for word in _words(value, what):
        found += read(word)
        if len(found) > MOST_STEPS:
            raise WrittenError(f"are more than {MOST_STEPS:,}")
    if not found:
        raise WrittenError(f"holds no {what}")
    return tuple(found)


def _words(value: object, what: str) -> Iterator[str]:
    for entry in value if isinstance(value, list) else [value]:
        if isinstance(entry, bool) or not isinstance(entry, str | int | float):
            hint = f": {_QUOTE}" if isinstance(entry, dict) else ""
            raise WrittenError(f"must be {what} in a text or a list, not {kind(entry)}{hint}")
        yield from str(entry).split()


def _seen(word: str) -> list[Seen]:
    told = _VALUE.fullmatch(word)
    if told is None:
        raise WrittenError(f"{shown(word)} is no value: write {_EXAMPLE}")
    count = _count(told["count"])
    if told["value"] is None:
        return [Seen(None, blind=told["unknown"] is not None)] * count
    if told["step"] is not None and told["count"] is None:
        raise WrittenError(f"{shown(word)} does not say how often: write for example {word}x3")
    first, step = float(told["value"]), float(told["step"] or 0)
    blind = told["partly"] is not None
    if not isfinite(first + (count - 1) * step):
        raise WrittenError(f"{shown(word)} leads to a number that is not finite")
    return [Seen(first + number * step, blind) for number in range(count)]


def count_written(value: object) -> int:
    """Entries that a text or a list would be read as, as far as it can be, without reading it."""
    entries = value if isinstance(value, list) else [value]
    words = (word for entry in entries if isinstance(entry, str) for word in entry.split())
    repeated = (_REPEATED.fullmatch(word) for word in words)
    counted = sum(int(found[1]) if found else 1 for found in repeated)
    return counted + sum(not isinstance(entry, str) for entry in entries)


def _repeated_level(word: str) -> list[Level]:
    told = _LEVEL.fullmatch(word)
    if told is None:
        names = ", ".join(level.value for level in Level)
        raise WrittenError(f"{shown(word)} is no level: write {names}, or passx5 (five times)")
    first = told["level"][0]
    level = next(level for level in Level if level.value[0] == first)
    return [level] * _count(told["count"])


def _count(text: str | None) -> int:
    count = 1 if text is None else int(text)
    if not 1 <= count <= MOST_STEPS:
        raise WrittenError(f"x{text} is out of range: 1 to {MOST_STEPS:,} times")
    return count


def _schema(title: str) -> dict[str, object]:
    return {"title": title, "type": ["string", "number", "array"]}


Times: TypeAlias = Annotated[tuple[int, ...], Written(_times, _schema("durations"))]
Values: TypeAlias = Annotated[tuple[Seen, ...], Written(_values, _schema("values"))]
Value: TypeAlias = Annotated[Seen, Written(_value, _schema("value"))]
Levels: TypeAlias = Annotated[tuple[Level, ...], Written(_levels, _schema("levels"))]
OneLevel: TypeAlias = Annotated[Level, Written(_level, _schema("level"))]
