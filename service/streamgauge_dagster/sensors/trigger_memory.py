"""What a trigger remembers between ticks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from streamgauge_dagster.sensors.cursor import read_cursor, write_cursor
from streamgauge_dagster.sensors.pending import Life, Pending

_FORM: Final = 1


@dataclass(slots=True)
class Memory:
    """What is remembered."""

    read_to: int = 0
    """The greatest storage id that was looked at."""
    latest: int = 0
    """Storage id of the latest report; 0: there was none."""
    launched_ms: int | None = None
    """When the last run was launched."""
    pending: Pending = field(default_factory=Pending)


def read_memory(cursor: str | None) -> Memory:
    """What the cursor says.

    Raises:
        CursorError: somebody else has set it.
    """
    remembered = read_cursor(cursor, _FORM)
    if not remembered:
        return Memory()
    lives = {name: Life(*life) for name, life in remembered["lives"].items()}
    return Memory(
        remembered["read_to"],
        remembered["latest"],
        remembered["launched_ms"],
        Pending(lives, remembered["of_older_lives"]),
    )


def write_memory(memory: Memory) -> str:
    """The cursor of the next tick."""
    pending = memory.pending
    return write_cursor(
        _FORM,
        read_to=memory.read_to,
        latest=memory.latest,
        launched_ms=memory.launched_ms,
        lives={name: [life.total, life.launched] for name, life in pending.lives.items()},
        of_older_lives=pending.of_older_lives,
    )
