"""Which windows of event time a report completes, as observations and evaluations of each.

No report tells event times by window. What it tells is until when it holds all that has arrived, so
a window is complete when all is counted that arrived until its end and the lateness allowed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from streamgauge.core.wording import duration, moment
from streamgauge_dagster.sensors.metadata import left_out, seconds
from streamgauge_dagster.sensors.positions import REPORTED_BEFORE_SECONDS, StreamReport
from streamgauge_dagster.sensors.retold import versioned
from streamgauge_dagster.sensors.window_checks import (
    evaluated_windows,
    judged_since,
    window_evaluation,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamgauge_dagster.partitioned import EventTimeWindows

WINDOWS_AT_ONCE: Final = 50
"""Windows that one report tells of; the next report goes on behind them."""


def tell_windows(
    instance: dg.DagsterInstance,
    of: EventTimeWindows,
    report: StreamReport,
    silent_after_ms: int,
) -> tuple[list[dg.AssetObservation | dg.AssetCheckEvaluation], str]:
    """Windows that are complete and were not told of, each once; and what has to wait, in words.

    A window's checks come before its observation, so that whoever waits for both finds both.

    Args:
        instance: where the windows are observed.
        of: the windows.
        report: of the stream.
        silent_after_ms: how long a check may say nothing within a window.
    """
    until_seconds = report.complete_until_seconds
    if until_seconds is None:
        return [], "waits: the last report does not hold all partitions of the topic"
    told_before = set(
        instance.event_log_storage.get_latest_storage_id_by_partition(
            of.asset_key, dg.DagsterEventType.ASSET_OBSERVATION
        )
    )
    late_seconds = of.allowed_lateness_ms / 1000
    begun = seconds(report.metadata, "period_start")
    first_seconds = _last_start(of, told_before)
    if first_seconds is None:  # what the report before had told already is over
        first_seconds = (until_seconds if begun is None else begun) - late_seconds
        first_seconds -= REPORTED_BEFORE_SECONDS
    found: list[tuple[str, dg.TimeWindow]] = []
    for window in _windows(of, first_seconds, until_seconds - late_seconds):
        (key,) = of.definition.get_partition_keys_in_time_window(window)  # each hour has its own
        if key not in told_before:
            found.append((key, window))
        if len(found) > WINDOWS_AT_ONCE:
            break
    if not found:
        return [], ""
    evaluate = _Checks(instance, of, found[0][1], silent_after_ms)
    events: list[dg.AssetObservation | dg.AssetCheckEvaluation] = []
    for key, window in found[:WINDOWS_AT_ONCE]:
        events += evaluate.of(key, window)
        events.append(_observation(of, key, window, report, until_seconds))
    more = "has more windows that are complete: the next report tells of them"
    return events, more if len(found) > WINDOWS_AT_ONCE else ""


class _Checks:
    """The checks of windows, with what they sum up read once for all of them."""

    def __init__(
        self,
        instance: dg.DagsterInstance,
        of: EventTimeWindows,
        first: dg.TimeWindow,
        silent_after_ms: int,
    ) -> None:
        self._late_seconds, self._silent_after_ms = of.allowed_lateness_ms / 1000, silent_after_ms
        self._evaluated = {check: evaluated_windows(instance, check) for check in of.checks}
        since_seconds = first.start.timestamp()
        self._histories = {
            check: {
                source.to_user_string(): judged_since(instance, source, since_seconds)
                for source in sources
            }
            for check, sources in of.checks.items()
        }

    def of(self, key: str, window: dg.TimeWindow) -> Iterator[dg.AssetCheckEvaluation]:
        """The evaluations of a window that are not stored yet."""
        between = (window.start.timestamp(), window.end.timestamp() + self._late_seconds)
        for check, histories in self._histories.items():
            if key not in self._evaluated[check]:
                yield window_evaluation(check, key, histories, between, self._silent_after_ms)


def _last_start(of: EventTimeWindows, keys: set[str]) -> float | None:
    """When the last window began that was told of; None if none was."""
    for key in sorted(keys, reverse=True):
        if of.definition.has_partition_key(key):
            return of.definition.time_window_for_partition_key(key).start.timestamp()
    return None


def _windows(
    of: EventTimeWindows, first_seconds: float, until_seconds: float
) -> Iterator[dg.TimeWindow]:
    """Those that hold or follow a moment, begin with the definition and end until another one."""
    at = max(of.definition.start, datetime.fromtimestamp(first_seconds, UTC))
    window = of.definition.get_prev_partition_window(at, respect_bounds=False)
    while window is not None and window.end.timestamp() <= until_seconds:
        if window.end > at:
            yield window
        window = of.definition.get_next_partition_window(window.end, respect_bounds=False)


def _observation(
    of: EventTimeWindows,
    key: str,
    window: dg.TimeWindow,
    report: StreamReport,
    until_seconds: float,
) -> dg.AssetObservation:
    """That a window is complete, and where to read to for all of it.

    It is told once, so its key is the version of its data.
    """
    value = dg.MetadataValue
    told: dict[str, dg.MetadataValue[Any]] = {
        "window_start": value.timestamp(window.start.timestamp()),
        "window_end": value.timestamp(window.end.timestamp()),
        "complete_until": value.timestamp(until_seconds),
        "allowed_lateness_seconds": value.float(of.allowed_lateness_ms / 1000),
        "positions": value.json({str(p): at for p, at, _ in report.positions}),
    }
    if count := left_out(report.metadata, "positions"):
        told["positions_left_out"] = value.int(count)
    behind = duration(round(1000 * (until_seconds - window.end.timestamp())))
    return dg.AssetObservation(
        of.asset_key,
        partition=key,
        description=(
            f"All is counted that arrived until {moment(round(1000 * until_seconds))},"
            f" {behind} after the end of the window."
        ),
        metadata={**report.entries(), **told},
        tags=versioned(key),
    )
