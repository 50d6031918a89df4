"""Durations are written as people say them (1h30m) and are whole milliseconds everywhere else."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Final, TypeAlias

from streamgauge.config.errors import shown
from streamgauge.config.written import Written, WrittenError, kind

EXAMPLES: Final = "500ms, 5s, 1m, 1h30m, 1d or a number of seconds"
_MS_OF_UNIT: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_NUMBER: Final = r"[0-9]{1,12}(?:\.[0-9]{1,6})?"
_PARTS: Final = re.compile("".join(rf"(?:({_NUMBER}){unit})?" for unit in _MS_OF_UNIT))
_SECONDS: Final = re.compile(_NUMBER)
_PATTERN: Final = (
    "^(?=.)"
    + "".join(rf"([0-9]+(\.[0-9]+)?{unit})?" for unit in _MS_OF_UNIT)
    + r"$|^[0-9]+(\.[0-9]+)?$"
)
"""What `_PARTS` and `_SECONDS` say, as JSON schema has it."""
_LONGEST: Final = "3650d"


def parse_duration(value: object) -> int:
    """The duration in milliseconds: `1h30m`, `500ms`, or a number of seconds.

    Raises:
        WrittenError: it is none, is negative or is finer than a millisecond.
    """
    text = str(value) if isinstance(value, str | int | float) else ""
    parts = _PARTS.fullmatch(text) if text else None
    if isinstance(value, bool) or not text:
        raise WrittenError(f"must be a duration, not {kind(value)}: write {EXAMPLES}")
    if parts is not None:
        units = zip(parts.groups(), _MS_OF_UNIT.values(), strict=True)
        exact = sum((Decimal(number) * ms for number, ms in units if number), Decimal(0))
    elif _SECONDS.fullmatch(text):
        exact = Decimal(text) * 1000
    else:
        raise WrittenError(f"{shown(value)} is not a duration: write {EXAMPLES}")
    if exact != int(exact):
        raise WrittenError(f"{shown(value)} is finer than a millisecond")
    return int(exact)


def format_duration(duration_ms: int) -> str:
    """The shortest way to write a duration; `parse_duration` reads it back."""
    text, rest = "", duration_ms
    for unit, ms in _MS_OF_UNIT.items():
        number, rest = divmod(rest, ms)
        text += f"{number}{unit}" if number else ""
    return text or "0s"


def duration(least: str = "0s", most: str = _LONGEST) -> Written:
    """A duration between two bounds, both allowed; the value is in milliseconds."""
    least_ms, most_ms = parse_duration(least), parse_duration(most)

    def read(value: object) -> int:
        duration_ms = parse_duration(value)
        if duration_ms < least_ms:
            raise WrittenError(f"{shown(value)} is too short: at least {least}")
        if duration_ms > most_ms:
            raise WrittenError(f"{shown(value)} is too long: at most {most}")
        return duration_ms

    bounds = f", {least} to {most}" if (least, most) != ("0s", _LONGEST) else ""
    schema = {
        "title": f"duration{bounds}",
        "type": ["string", "number"],
        "pattern": _PATTERN,
        "minimum": least_ms / 1000,
        "maximum": most_ms / 1000,
    }
    return Written(read, schema, format_duration)


Duration: TypeAlias = Annotated[int, duration()]
"""Milliseconds, written with units or as a number of seconds."""
