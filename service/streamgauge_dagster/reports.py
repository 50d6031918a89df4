"""What was reported last, among all that Dagster has recorded of an asset or a check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    import dagster as dg
    from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord

PAGE: Final = 100
"""Events that are fetched at once."""
LOOKED_AT_MOST: Final = 1_000
"""Newest events among which the report is looked for; runs and sensors write some too."""

REPLAYED: Final = "replayed_from"
"""Metadata that marks what was told again; whatever has it is no report."""

EventT = TypeVar("EventT", "dg.AssetObservation", "dg.AssetCheckEvaluation")


class NoReportError(LookupError):
    """There is no report to repeat; says why."""


def last_observation(
    instance: dg.DagsterInstance, key: dg.AssetKey
) -> tuple[dg.AssetObservation, float]:
    """The newest observation that no run made and none repeats, and when it was recorded (seconds).

    Raises:
        NoReportError: there is none, or it was not found.
    """
    return _reported(_observations(instance, key), "observations")


def last_evaluation(
    instance: dg.DagsterInstance, key: dg.AssetCheckKey
) -> tuple[dg.AssetCheckEvaluation, float]:
    """The newest evaluation that no run made and none repeats, and when it was recorded (seconds).

    Raises:
        NoReportError: there is none, or it was not found.
    """
    return _reported(_evaluations(instance, key), "evaluations")


def newest_rows(
    instance: dg.DagsterInstance, key: dg.AssetCheckKey, most: int = LOOKED_AT_MOST
) -> Iterator[AssetCheckExecutionRecord]:
    """What is stored of a check, the newest first, page by page; not much more than `most`."""
    storage, cursor, looked_at = instance.event_log_storage, None, 0
    while looked_at < most:
        page = storage.get_asset_check_execution_history(key, PAGE, cursor)
        yield from page
        if len(page) < PAGE:
            return
        cursor, looked_at = page[-1].id, looked_at + len(page)


def recorded_seconds(row: AssetCheckExecutionRecord) -> float:
    """When an evaluation was recorded, since the epoch."""
    return row.event.timestamp if row.event else row.create_timestamp


def is_report(run_id: str, event: dg.AssetObservation | dg.AssetCheckEvaluation) -> bool:
    """Whether no run made it and it repeats none."""
    return not run_id and REPLAYED not in event.metadata


def _reported(
    recorded: Iterator[tuple[str, EventT | None, float]], what: str
) -> tuple[EventT, float]:
    for number, (run_id, event, timestamp) in enumerate(recorded, start=1):
        if event is not None and is_report(run_id, event):
            return event, timestamp
        if number == LOOKED_AT_MOST:
            raise NoReportError(f"none of the last {number:,} {what} was reported by a gauge")
    raise NoReportError("nothing was reported yet: is the gauge running with this configuration?")


def _observations(
    instance: dg.DagsterInstance, key: dg.AssetKey
) -> Iterator[tuple[str, dg.AssetObservation | None, float]]:
    cursor, more = None, True
    while more:
        page = instance.fetch_observations(key, PAGE, cursor)
        for record in page.records:
            yield record.run_id, record.asset_observation, record.timestamp
        cursor, more = page.cursor, page.has_more


def _evaluations(
    instance: dg.DagsterInstance, key: dg.AssetCheckKey
) -> Iterator[tuple[str, dg.AssetCheckEvaluation | None, float]]:
    for row in newest_rows(instance, key):
        yield row.run_id, row.evaluation, recorded_seconds(row)
