"""`forecast`: how soon a watched consumer group breaches a limit or loses records to retention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge.core.checks.lag import LAG
from streamgauge.core.checks.policy import Check, Judges, Limit, Measure, Policy
from streamgauge.core.checks.time_lag import TIME_LAG
from streamgauge.core.checks.worst_group import of_worst_group
from streamgauge.core.lag import has_committed
from streamgauge.core.wording import duration
from streamgauge.model import LagBound, Level

if TYPE_CHECKING:
    from streamgauge.core.checks.worst_group import SeenGroup
    from streamgauge.core.snapshot import Forecast

_LIMITED: Final = {check.name: check for check in (LAG, TIME_LAG)}


def _of_group(seen: SeenGroup) -> Measure:
    """The time until the first of both; there is none while the lag does not grow.

    A forecast that is not of now is none. One of a part of what may grow is the longest time left.
    """
    group, forecast, blind = seen.name, seen.view.forecast, seen.blind
    if blind is not None:
        return Measure(f"the forecast of {group} is not known", blind=blind)
    if not has_committed(seen.view):
        return Measure(seen.never_committed)
    if forecast.lag_slope is None or forecast.time_lag_slope is None:
        blind = seen.not_known("how fast its lag changes is not known")
    left = (forecast.breach_seconds, forecast.retention_seconds)
    value = min((seconds for seconds in left if seconds is not None), default=None)
    return Measure(_text(group, forecast, value), value, blind)


def _text(group: str, forecast: Forecast, value: float | None) -> str:
    if value is None:
        return _harmless(group, forecast)
    soon = f"in {duration(round(value * 1000))} at this rate" if value >= 1 else "now"
    if value != forecast.breach_seconds:
        return f"retention deletes what {group} has not read {soon}"
    check = forecast.breach_of or ""
    limit = _LIMITED[check].amount(forecast.breach_limit)
    return f"{group} breaches the {limit} limit of {check} {soon}"


def _harmless(group: str, forecast: Forecast) -> str:
    if forecast.drain_seconds is not None:
        drained = duration(round(forecast.drain_seconds * 1000))
        return f"the lag of {group} drains in {drained} at this rate"
    if (forecast.lag_slope or 0) > 0 or (forecast.time_lag_slope or 0) > 0:
        return f"the lag of {group} grows, but reaches no limit"
    return f"the lag of {group} is not growing"


FORECAST = Check(
    name="forecast",
    judges=Judges.GROUPS,
    unit="s",
    description="Time until a consumer group, at its present rate, reaches a limit of `lag` or "
    "`time_lag`, or until retention deletes what it has not read.",
    default=Policy(
        warn=Limit(below=120, for_ms=30_000),
        keep_failing_for_ms=120_000,
        on_no_data=Level.PASS,
    ),
    measure=of_worst_group(_of_group, least=True),
    partly_blind=LagBound.UPPER,
)
