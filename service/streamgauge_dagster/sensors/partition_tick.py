"""One tick of a trigger of partitions: which of them have new data, and whether to run now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import dagster as dg

from streamgauge_dagster.reports import PAGE, NoReportError, is_report
from streamgauge_dagster.sensors.launched import ASSET, TRIGGER
from streamgauge_dagster.sensors.reported import OVERLAP, READ_AT_MOST, last_report
from streamgauge_dagster.sensors.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamgauge_dagster.sensors.conditions import Conditions
    from streamgauge_dagster.sensors.partition_memory import Memory

RUNS_AT_ONCE: Final = 20
"""Runs that one tick launches; the next one goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionTrigger:
    """When runs of partitions are launched."""

    name: str
    """Of the sensor."""
    stream: dg.AssetKey
    partitions: dg.AssetKey
    """The asset that holds the partitions of the stream."""
    conditions: Conditions

    def tick(
        self, instance: dg.DagsterInstance, memory: Memory, now_ms: int
    ) -> Sequence[dg.RunRequest] | str:
        """Runs to launch, or why none is launched; `memory` is brought up to date."""
        self._read(instance, memory)
        if not memory.waiting:
            return f"No partition of {self.partitions.to_user_string()} has new data."
        waits_for = self._unmet(instance, now_ms)
        if waits_for:
            count = len(memory.waiting)
            new = f"{counted(count, 'partitions')} {'has' if count == 1 else 'have'} new data"
            lost = f" {memory.given_up:,} older ones were given up." if memory.given_up else ""
            return f"{new}, but {waits_for.removesuffix('.')}.{lost}"
        now = memory.launch(RUNS_AT_ONCE)
        return [self._request(partition, version) for partition, version in now]

    def _read(self, instance: dg.DagsterInstance, memory: Memory) -> None:
        """Take in what was told of partitions since the tick before; at first, the newest page."""
        if memory.read_to:
            asked = dg.AssetRecordsFilter(
                self.partitions, after_storage_id=max(0, memory.read_to - OVERLAP)
            )
            records = instance.fetch_observations(asked, READ_AT_MOST, ascending=True).records
        else:
            records = instance.fetch_observations(self.partitions, PAGE).records[::-1]
        for record in records:
            memory.read_to = max(memory.read_to, record.storage_id)
            told = record.asset_observation
            if told is None or told.partition is None or told.data_version is None:
                continue
            if is_report(record.run_id, told):
                memory.take_in(told.partition, told.data_version)

    def _unmet(self, instance: dg.DagsterInstance, now_ms: int) -> str:
        try:
            report = last_report(instance, self.stream)
        except NoReportError as error:
            return str(error)
        if report is None:
            return f"nothing was reported yet of {self.stream.to_user_string()}"
        return self.conditions.unmet(instance, report, now_ms)

    def _request(self, partition: str, version: str) -> dg.RunRequest:
        """A run of one partition; its key is made of the data, so it is launched once."""
        name = self.partitions.to_user_string()
        return dg.RunRequest(
            run_key=f"{name}:{partition}:{version}",
            partition_key=partition,
            tags={TRIGGER: self.name, ASSET: name},
        )
