"""How far a report goes: which offsets it counts up to, and until when it holds what arrived."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from streamgauge_dagster.presentation import link_entries
from streamgauge_dagster.sensors.metadata import inside, number, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REPORTED_BEFORE_SECONDS: Final = 60.0
"""A gauge has read each partition to its end at most 30 s before its report, and a poll has asked
for the ends of the log at most 50 s before it."""
_OF_REPORT: Final = ("stream", "life", "sequence", "source")


@dataclass(frozen=True, slots=True)
class StreamReport:
    """What is read of a stream's report where its partitions are told of."""

    metadata: Mapping[str, dg.MetadataValue[Any]]
    recorded_seconds: float
    """Since the epoch."""
    links: Mapping[str, str]
    """Addresses by name that stand with every observation."""

    @property
    def complete_until_seconds(self) -> float | None:
        """Up to when it holds all that arrived, since the epoch; None if that is not known.

        What a gauge says of a time after its report was recorded proves nothing.
        """
        ended = seconds(self.metadata, "period_end")
        if number(self.metadata, "completeness") != 1 or ended is None:
            return None
        return min(ended, self.recorded_seconds) - REPORTED_BEFORE_SECONDS

    @property
    def positions(self) -> Iterator[tuple[int, int, int | None]]:
        """Partition, the offset up to which it is counted, and its records where they are told."""
        for row in inside(self.metadata, "detail", "positions", "rows") or ():
            match row:
                case [int(partition), int(next_offset), int(records)]:
                    yield partition, next_offset, records
                case [int(partition), int(next_offset)]:
                    yield partition, next_offset, None

    def entries(self) -> dict[str, dg.MetadataValue[Any]]:
        """Which report it is, as of when, and the links."""
        told = {name: self.metadata[name] for name in _OF_REPORT if name in self.metadata}
        as_of = seconds(self.metadata, "period_end")
        known = {} if as_of is None else {"as_of": dg.MetadataValue.timestamp(as_of)}
        return {**link_entries(self.links), **told, **known}
