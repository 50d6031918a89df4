"""What metadata says, read by the type that it should have; anything else says nothing."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import dagster as dg

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Metadata: TypeAlias = Mapping[str, dg.MetadataValue[Any]]


def integer(told: Metadata, name: str) -> int | None:
    """A whole number."""
    value = told.get(name)
    return value.value if isinstance(value, dg.IntMetadataValue) else None


def number(told: Metadata, name: str) -> float | None:
    """A number."""
    value = told.get(name)
    return value.value if isinstance(value, dg.FloatMetadataValue) else integer(told, name)


def text(told: Metadata, name: str) -> str | None:
    """A text that is not empty."""
    value = told.get(name)
    return (value.text or None) if isinstance(value, dg.TextMetadataValue) else None


def seconds(told: Metadata, name: str) -> float | None:
    """A moment in seconds since the epoch: typed, or as text with its zone."""
    value = told.get(name)
    if isinstance(value, dg.TimestampMetadataValue):
        return value.value
    try:
        moment = datetime.fromisoformat(text(told, name) or "")
        return None if moment.tzinfo is None else moment.timestamp()
    except (ValueError, OverflowError):
        return None


def rows(told: Metadata, *path: str) -> list[Mapping[str, Any]]:
    """The rows of a table inside a JSON entry: `rows(told, "detail", "groups")`."""
    found = inside(told, *path)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def left_out(told: Metadata, name: str) -> int:
    """How many of something the detail had no room for; 0 where it does not say."""
    counts = inside(told, "detail", "left_out")
    count = counts.get(name) if isinstance(counts, dict) else None
    return count if isinstance(count, int) else 0


def inside(told: Metadata, *path: str) -> Mapping[str, Any] | Sequence[Any] | None:
    """What a JSON entry holds at a path of keys."""
    value = told.get(path[0])
    found: Any = value.data if isinstance(value, dg.JsonMetadataValue) else None
    for step in path[1:]:
        found = found.get(step) if isinstance(found, dict) else None
    return found if isinstance(found, dict | list) else None
