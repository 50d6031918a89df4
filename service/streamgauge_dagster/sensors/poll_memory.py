"""What a polling sensor remembers of its topics between ticks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from streamgauge_dagster.sensors.cursor import read_cursor, write_cursor

_FORM: Final = 1


@dataclass(slots=True)
class Polled:
    """One topic over the polls of its life."""

    life: str = ""
    """Empty before the topic was found for the first time."""
    topic_id: str | None = None
    ends: dict[int, int] = field(default_factory=dict)
    """End offset by partition."""
    offsets_total: int = 0
    """Offsets that were added since the life began."""
    sequence: int = 0
    polled_ms: int | None = None
    """When the topic was found last."""
    newest_ms: int | None = None
    """The greatest timestamp of a record that was read."""
    data_version: str = ""
    level: str | None = None
    """What `gauge_reporting` said last."""


@dataclass(slots=True)
class Memory:
    """What is remembered."""

    ticked_ms: int = 0
    watched_since_ms: int = 0
    """Since when there was no break between ticks."""
    topics: dict[str, Polled] = field(default_factory=dict)
    """By asset."""


def read_memory(cursor: str | None) -> Memory:
    """What the cursor says.

    Raises:
        CursorError: somebody else has set it.
    """
    remembered = read_cursor(cursor, _FORM)
    if not remembered:
        return Memory()
    topics = {name: _polled(told) for name, told in remembered["topics"].items()}
    return Memory(remembered["ticked_ms"], remembered["watched_since_ms"], topics)


def write_memory(memory: Memory) -> str:
    """The cursor of the next tick."""
    topics = {
        name: [
            *(each.life, each.topic_id, each.offsets_total, each.sequence, each.polled_ms),
            *(each.newest_ms, each.data_version, each.level, sorted(each.ends.items())),
        ]
        for name, each in memory.topics.items()
    }
    return write_cursor(
        _FORM,
        ticked_ms=memory.ticked_ms,
        watched_since_ms=memory.watched_since_ms,
        topics=topics,
    )


def _polled(told: list[Any]) -> Polled:
    life, topic_id, total, sequence, polled_ms, newest_ms, version, level, ends = told
    return Polled(life, topic_id, dict(ends), total, sequence, polled_ms, newest_ms, version, level)
