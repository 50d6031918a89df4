"""What has to hold of a stream before something is built on it, and what of it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from streamgauge.core.wording import duration, number
from streamgauge.model import LagBound, Level
from streamgauge_dagster.reports import NoReportError, last_evaluation
from streamgauge_dagster.sensors.level import level_of, reason_of
from streamgauge_dagster.sensors.metadata import inside, rows
from streamgauge_dagster.sensors.words import counted, some

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import dagster as dg

    from streamgauge_dagster.sensors.reported import Report

_PROVEN: Final = frozenset({LagBound.EXACT.value, LagBound.UPPER.value})
"""Bounds that prove that a lag is not greater than it says."""
TOLD_AT_MOST: Final = 3
"""Unmet conditions that are told in full; of more, the number is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What is demanded. Whatever is unknown does not meet a demand.

    Raises:
        ValueError: a limit that no stream can meet.
    """

    max_lag: int | None = None
    """Records that a consumer group may have still to read."""
    max_time_lag_seconds: float | None = None
    """How old the first record may be that a consumer group has still to read."""
    groups: tuple[str, ...] = ()
    """Consumer groups whose lag counts; empty: all that are reported."""
    checks: tuple[dg.AssetCheckKey, ...] = ()
    """Checks that have to pass, as the gauge reports them."""
    accept_warnings: bool = False
    """Whether a check that warns will do; one that is unknown never does."""
    known_for_ms: int = 900_000
    """How old a report may be to say something of now."""

    def __post_init__(self) -> None:
        refuse_below("max_lag", self.max_lag, 0)
        refuse_below("max_time_lag_seconds", self.max_time_lag_seconds, 0)

    @property
    def _lags(self) -> bool:
        return self.max_lag is not None or self.max_time_lag_seconds is not None

    def unmet(self, instance: dg.DagsterInstance, report: Report, now_ms: int) -> str:
        """What of all this does not hold, in words; empty if all of it holds."""
        return some(list(self._unmet(instance, report, now_ms)), TOLD_AT_MOST, "; ")

    def _unmet(self, instance: dg.DagsterInstance, report: Report, now_ms: int) -> Iterator[str]:
        age_ms = now_ms - round(report.recorded_seconds * 1000)
        if self._lags and age_ms > self.known_for_ms:
            yield f"the last report is {duration(age_ms)} old, so the lag of now is unknown"
        elif self._lags:
            yield from self._unmet_lags(report)
        for check in self.checks:
            yield from self._unmet_check(instance, check, now_ms)

    def _unmet_lags(self, report: Report) -> Iterator[str]:
        told = report.observation.metadata
        found = {str(row.get("group")): row for row in rows(told, "detail", "groups")}
        if not self.groups and not found:
            yield "the lag is unknown: the report has no consumer group"
        for name in self.groups or found:
            row = found.get(name, {})
            if self.max_lag is not None:
                yield from _above(name, row, "lag", self.max_lag, _records)
            if self.max_time_lag_seconds is not None:
                limit = self.max_time_lag_seconds
                yield from _above(name, _read_up(row), "time_lag", limit, _seconds)
        left_out = inside(told, "detail", "left_out")
        if not self.groups and isinstance(left_out, dict) and left_out.get("groups"):
            yield f"the lag of {left_out['groups']} more groups is not in the report"

    def _unmet_check(
        self, instance: dg.DagsterInstance, check: dg.AssetCheckKey, now_ms: int
    ) -> Iterator[str]:
        try:
            evaluation, recorded_seconds = last_evaluation(instance, check)
        except NoReportError:
            yield f"{check.name} was never reported"
            return
        age_ms = now_ms - round(recorded_seconds * 1000)
        level = level_of(evaluation)
        if level is not Level.PASS and not (self.accept_warnings and level is Level.WARN):
            yield f"{check.name} says {level.value}: {reason_of(evaluation)}"
        elif age_ms > self.known_for_ms:
            yield f"{check.name} was judged last {duration(age_ms)} ago"


def refuse_below(setting: str, value: float | None, least: int) -> None:
    """Do nothing if a setting is not given, or large enough.

    Raises:
        ValueError: it is not.
    """
    if value is not None and value < least:
        raise ValueError(f"{setting} is {value}: give {least} or more")


def _above(
    group: str,
    row: Mapping[str, Any],
    name: str,
    limit: float,
    words: Callable[[float], str],
) -> Iterator[str]:
    """Whether the lag or time lag of a group is above its limit, or not proven not to be."""
    value = row.get(name if name == "lag" else f"{name}_seconds")
    measured = name.replace("_", " ")
    if isinstance(value, int | float) and value > limit:
        yield f"the {measured} of {group} is {words(value)}, above {words(limit)}"
    elif not isinstance(value, int | float) or row.get(f"{name}_bound") not in _PROVEN:
        yield f"the {measured} of {group} is unknown"


def _read_up(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row of a group; one that has read everything is not behind in time either."""
    if row.get("lag") == 0 and row.get("lag_bound") in _PROVEN:
        return {"time_lag_seconds": 0, "time_lag_bound": LagBound.EXACT.value}
    return row


def _records(count: float) -> str:
    return counted(int(count), "records")


def _seconds(seconds: float) -> str:
    return f"{number(seconds)} s"
