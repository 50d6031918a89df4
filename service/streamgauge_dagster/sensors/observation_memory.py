"""What the observation sensor remembers between ticks."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING, Final

from streamgauge_dagster.sensors.cursor import read_cursor, write_cursor

if TYPE_CHECKING:
    from streamgauge_dagster.sensors.reported import Report

_FORM: Final = 1


@dataclass(frozen=True, slots=True)
class Told:
    """The report of an asset that was told again last."""

    life: str
    sequence: int
    total: int
    ended_seconds: float

    def before(self, report: Report) -> bool:
        """Whether the report is a later one."""
        if report.life != self.life:
            return report.ended_seconds > self.ended_seconds
        return (report.sequence, report.total) > (self.sequence, self.total)


@dataclass(slots=True)
class Seen:
    """What is remembered of one asset."""

    read_to: int = 0
    """The greatest storage id that was looked at."""
    heard_ms: int | None = None
    """When its last report was recorded."""
    level: str | None = None
    """What was said last of its gauge's silence."""
    told: Told | None = None


@dataclass(slots=True)
class Memory:
    """What is remembered between ticks."""

    ticked_ms: int = 0
    watched_since_ms: int = 0
    """Since when there was no break between ticks."""
    begin_with: int = 0
    """Position of the stream to begin with."""
    seen: dict[str, Seen] = field(default_factory=dict)


def read_memory(cursor: str | None) -> Memory:
    """What the cursor says.

    Raises:
        CursorError: somebody else has set it.
    """
    remembered = read_cursor(cursor, _FORM)
    if not remembered:
        return Memory()
    seen = {
        name: Seen(read_to, heard_ms, level, Told(*told) if told else None)
        for name, (read_to, heard_ms, level, *told) in remembered["seen"].items()
    }
    ticked_ms, watched_since_ms, begin_with = remembered["ticks"]
    return Memory(ticked_ms, watched_since_ms, begin_with, seen)


def write_memory(memory: Memory) -> str:
    """The cursor of the next tick: short, for Dagster keeps it with each tick."""
    seen = {
        name: [each.read_to, each.heard_ms, each.level, *(astuple(each.told) if each.told else ())]
        for name, each in memory.seen.items()
    }
    ticks = [memory.ticked_ms, memory.watched_since_ms, memory.begin_with]
    return write_cursor(_FORM, ticks=ticks, seen=seen)
