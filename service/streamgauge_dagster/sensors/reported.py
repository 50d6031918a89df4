"""Reports of a gauge among all that Dagster has recorded of an asset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import dagster as dg

from streamgauge_dagster.reports import LOOKED_AT_MOST, PAGE, REPLAYED, NoReportError
from streamgauge_dagster.sensors.metadata import integer, seconds, text

if TYPE_CHECKING:
    from collections.abc import Iterable

OVERLAP: Final = 50
"""Storage ids that are looked at again: PostgreSQL may show a lower one after a higher one."""
READ_AT_MOST: Final = 1_000
"""Events of one asset that are read in one tick; the next tick goes on behind them."""
COUNTS: Final = {
    "records_total": "records",
    "dead_letters_total": "dead letters",
    "offsets_total": "offsets",
}
"""Totals of an asset's own topic and what they count; the first that is there is its own."""


@dataclass(frozen=True, slots=True)
class Report:
    """One report. Its totals only grow within its life."""

    storage_id: int
    recorded_seconds: float
    """When Dagster recorded it."""
    life: str
    sequence: int
    ended_seconds: float
    """The end of its period, since the epoch."""
    total: int
    counted: str
    """What `total` counts."""
    observation: dg.AssetObservation

    @property
    def typed(self) -> bool:
        """Whether it has all types already: who reports from inside Dagster can give them."""
        return isinstance(self.observation.metadata.get("period_end"), dg.TimestampMetadataValue)

    @property
    def identity(self) -> tuple[str, int, int]:
        """Reports with the same identity say the same."""
        return (self.life, self.sequence, self.total)


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of one asset."""

    reports: tuple[Report, ...]
    """As they were stored, the oldest first."""
    told_again: frozenset[tuple[str, int, int]]
    """Identities of reports that a sensor has told again."""
    read_to: int
    """The greatest storage id that was looked at; 0: none."""
    more: bool
    """Whether there is more behind it."""


def read_newest(instance: dg.DagsterInstance, key: dg.AssetKey) -> Read:
    """The newest events of an asset, one page of them."""
    page = instance.fetch_observations(key, PAGE)
    return _read(list(reversed(page.records)), more=False)


def last_report(instance: dg.DagsterInstance, key: dg.AssetKey) -> Report | None:
    """The latest report of the newest page that has any; None if nothing of a gauge is there.

    Raises:
        NoReportError: none is among as many of the newest events as are looked at.
    """
    cursor, more, looked_at = None, True, 0
    while more and looked_at < LOOKED_AT_MOST:
        page = instance.fetch_observations(key, PAGE, cursor)
        report = latest(_read(page.records, more=False).reports)
        if report is not None:
            return report
        cursor, more = page.cursor, page.has_more
        looked_at += PAGE
    if more:
        told = f"none of the newest {LOOKED_AT_MOST:,} observations is of a gauge"
        raise NoReportError(f"the last report was not found: {told}")
    return None


def read_since(
    instance: dg.DagsterInstance, key: dg.AssetKey, after: int, most: int = READ_AT_MOST
) -> Read:
    """The events of an asset behind a storage id and a few before it, `most` at most."""
    asked = dg.AssetRecordsFilter(key, after_storage_id=max(0, after - OVERLAP))
    records: list[dg.EventLogRecord] = []
    cursor, more = None, True
    while more and len(records) < most:
        page = instance.fetch_observations(asked, PAGE, cursor, ascending=True)
        records += page.records
        cursor, more = page.cursor, page.has_more
    return _read(records, more=more)


def read_one(instance: dg.DagsterInstance, key: dg.AssetKey, storage_id: int) -> Report | None:
    """The report with this storage id; None if it is there no more."""
    asked = dg.AssetRecordsFilter(key, storage_ids=[storage_id])
    records = instance.fetch_observations(asked, 1).records
    return next(iter(_read(records, more=False).reports), None)


def latest(reports: Iterable[Report]) -> Report | None:
    """The greatest report of the life that was told of last, whichever was stored last."""
    found = list(reports)
    newest = max(found, key=lambda each: each.ended_seconds, default=None)
    if newest is None:
        return None
    same = (each for each in found if each.life == newest.life)
    return max(same, key=lambda each: (each.sequence, each.total))


def _read(records: Iterable[dg.EventLogRecord], *, more: bool) -> Read:
    reports, again, read_to = [], set(), 0
    for record in records:
        read_to = max(read_to, record.storage_id)
        observation = record.asset_observation
        if record.run_id or observation is None or observation.partition is not None:
            continue  # of a run, or of a part of the asset
        report = _report(record, observation)
        if report is None:
            continue
        if REPLAYED in observation.metadata:
            again.add(report.identity)
        else:
            reports.append(report)
    return Read(tuple(reports), frozenset(again), read_to, more)


def _report(record: dg.EventLogRecord, observation: dg.AssetObservation) -> Report | None:
    """The report that an observation is or repeats; None if it is none of a gauge."""
    told = observation.metadata
    totals = ((name, integer(told, name)) for name in COUNTS)
    name, total = next((each for each in totals if each[1] is not None), ("", None))
    life, sequence = text(told, "life"), integer(told, "sequence")
    ended_seconds = seconds(told, "period_end")
    if total is None or life is None or sequence is None or ended_seconds is None:
        return None
    if observation.data_version is None:
        return None
    return Report(
        storage_id=record.storage_id,
        recorded_seconds=record.timestamp,
        life=life,
        sequence=sequence,
        ended_seconds=ended_seconds,
        total=total,
        counted=COUNTS[name],
        observation=observation,
    )
