"""What a trigger of partitions remembers between ticks."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Final

from streamgauge_dagster.sensors.cursor import read_cursor, write_cursor

_FORM: Final = 1
WAITING_MAX: Final = 1_000
"""Partitions that wait for a run; of more, the oldest are given up and counted."""


@dataclass(slots=True)
class Memory:
    """What is remembered."""

    read_to: int = 0
    """The greatest storage id that was looked at."""
    waiting: dict[str, str] = field(default_factory=dict)
    """Partitions that no run was launched for, and the version of their data."""
    launched: dict[str, str] = field(default_factory=dict)
    """Those that a run was launched for last, and the version that it was launched for."""
    given_up: int = 0

    def take_in(self, partition: str, version: str) -> None:
        """A partition has data of this version; what a run was launched for is not new."""
        if self.launched.get(partition) == version:
            return
        self.waiting.pop(partition, None)  # it stands where it was told of last
        self.waiting[partition] = version
        while len(self.waiting) > WAITING_MAX:
            del self.waiting[next(iter(self.waiting))]
            self.given_up += 1

    def launch(self, most: int) -> list[tuple[str, str]]:
        """The partitions that have waited longest, with their versions; they wait no more."""
        now = list(self.waiting.items())[:most]
        for partition, version in now:
            del self.waiting[partition]
            self.launched.pop(partition, None)
            self.launched[partition] = version
        for partition in list(self.launched)[:-WAITING_MAX]:
            del self.launched[partition]
        return now


def read_memory(cursor: str | None) -> Memory:
    """What the cursor says.

    Raises:
        CursorError: somebody else has set it.
    """
    told = read_cursor(cursor, _FORM)
    told.pop("form", None)
    return Memory(**told)


def write_memory(memory: Memory) -> str:
    """The cursor of the next tick."""
    return write_cursor(_FORM, **asdict(memory))
