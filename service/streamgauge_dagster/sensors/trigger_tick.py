"""One tick of a trigger: what is new, and whether it is time to run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamgauge.core.wording import duration
from streamgauge_dagster.sensors.launched import last_launched, run_request
from streamgauge_dagster.sensors.reported import latest, read_newest, read_one, read_since
from streamgauge_dagster.sensors.words import counted

if TYPE_CHECKING:
    import dagster as dg

    from streamgauge_dagster.sensors.conditions import Conditions
    from streamgauge_dagster.sensors.reported import Report
    from streamgauge_dagster.sensors.trigger_memory import Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """When runs are launched."""

    name: str
    """Of the sensor; runs are found again by it."""
    asset_key: dg.AssetKey
    min_messages: int
    conditions: Conditions
    at_most_every_ms: int
    one_at_a_time: bool

    def tick(
        self, instance: dg.DagsterInstance, memory: Memory, now_ms: int
    ) -> dg.RunRequest | str:
        """A run to launch, or why none is launched; `memory` is brought up to date."""
        report = self._read(instance, memory)
        if isinstance(report, str):
            return report
        too_few = self._too_few(memory, report)
        if too_few:
            return too_few
        last = last_launched(instance, self.name)
        if last is not None:  # a cursor that was lost, or never stored, does not fire again
            memory.pending.was_launched(last.totals)
            memory.launched_ms = max(memory.launched_ms or 0, last.at_ms)
        too_few = self._too_few(memory, report)
        if too_few:
            return too_few
        waits_for = self._too_soon(memory, now_ms)
        if not waits_for and last is not None and self.one_at_a_time and not last.done:
            waits_for = f"run {last.run_id[:8]} is not done yet"
        waits_for = waits_for or self.conditions.unmet(instance, report, now_ms)
        if waits_for:
            return f"{_new(memory, report)}, but {waits_for.removesuffix('.')}."
        request = run_request(self.name, report, memory.pending)
        memory.pending.launch()
        memory.launched_ms = now_ms
        return request

    def _read(self, instance: dg.DagsterInstance, memory: Memory) -> Report | str:
        """Take in what was reported since the tick before, and give the latest report of all."""
        key = self.asset_key
        first = not memory.read_to
        read = read_newest(instance, key) if first else read_since(instance, key, memory.read_to)
        memory.read_to = max(memory.read_to, read.read_to)
        known = read_one(instance, key, memory.latest) if memory.latest else None
        report = latest([*read.reports, *([known] if known else [])])
        if report is None:
            return f"Nothing was reported yet of {key.to_user_string()}."
        memory.latest = report.storage_id
        for each in read.reports:
            if not first or each.life == report.life:  # lives of before the first tick are over
                memory.pending.take_in(each)
        if read.more:
            return "Reports are read that came before: the next tick goes on."
        return report

    def _too_few(self, memory: Memory, report: Report) -> str:
        count = memory.pending.count
        if not count:
            since = "were reported yet" if memory.launched_ms is None else "came since the last run"
            return f"No new {report.counted} {since}."
        if count < self.min_messages:
            return f"{_new(memory, report)}, of at least {self.min_messages:,}."
        return ""

    def _too_soon(self, memory: Memory, now_ms: int) -> str:
        if memory.launched_ms is None:
            return ""
        since_ms = max(0, now_ms - memory.launched_ms)
        if since_ms >= self.at_most_every_ms:
            return ""
        every = duration(self.at_most_every_ms)
        return f"the last run was launched {duration(since_ms)} ago, and one in {every} is allowed"


def _new(memory: Memory, report: Report) -> str:
    count = memory.pending.count
    return f"{counted(count, report.counted)} {'is' if count == 1 else 'are'} new"
