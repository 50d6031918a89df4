"""What one tick tells of the partitions of all streams, and what of it it has to leave out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import dagster as dg

from streamgauge_dagster.partitioned import KafkaPartitions
from streamgauge_dagster.sensors.partition_reports import tell_partitions
from streamgauge_dagster.sensors.positions import StreamReport
from streamgauge_dagster.sensors.window_reports import tell_windows
from streamgauge_dagster.sensors.words import counted, some

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamgauge_dagster.partitioned import Partitioned

    Event = dg.AssetObservation | dg.AssetCheckEvaluation

TROUBLE_MAX: Final = 3
"""Streams of whose partitions something is left out, that are told of in full."""


class PartitionTelling:
    """The partitions that one tick tells of.

    Args:
        instance: where the log says what was told already.
        silent_after_ms: how long a check may say nothing within a window.
    """

    def __init__(self, instance: dg.DagsterInstance, silent_after_ms: int) -> None:
        self._instance = instance
        self._silent_after_ms = silent_after_ms
        self._told: list[str] = []
        self._trouble: list[str] = []

    def tell(
        self,
        of: Partitioned | None,
        report: dg.AssetObservation,
        recorded_seconds: float,
        links: Mapping[str, str],
    ) -> Sequence[Event]:
        """What is new of the partitions of one stream.

        Args:
            of: the partitions; None: the stream has none.
            report: the latest one of the stream.
            recorded_seconds: when it was recorded, since the epoch.
            links: addresses by name that stand with every observation.
        """
        if of is None:
            return []
        events: Sequence[Event]
        told = StreamReport(report.metadata, recorded_seconds, links)
        if isinstance(of, KafkaPartitions):
            events, trouble = tell_partitions(self._instance, of, told)
        else:
            events, trouble = tell_windows(self._instance, of, told, self._silent_after_ms)
        name = of.asset_key.to_user_string()
        count = sum(isinstance(event, dg.AssetObservation) for event in events)
        if count:
            self._told.append(f"{name} ({counted(count, 'partitions')})")
        if trouble:
            self._trouble.append(f"{name} {trouble}")
        return events

    def in_words(self) -> list[str]:
        """What was told of and what was not, as sentences."""
        told = [f"Partitions told of: {some(self._told)}."] if self._told else []
        trouble = some(self._trouble, TROUBLE_MAX, "; ")
        return [*told, *([f"{trouble}."] if trouble else [])]
