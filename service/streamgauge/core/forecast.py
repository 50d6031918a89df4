"""Where the lag of a consumer group is going, if it goes on as over the look-back.

1. Drain: while the slope of the lag is below 0, the lag divided by it.
2. Breach: of each limit with a known value, 0 once the value has reached it, else the way to it
   divided by the slope while that is above 0; told is the nearest, of equally near ones `lag`.
3. Retention: while the slope of the time lag is above 0, the way from the time lag to the retention
   divided by it, 0 once it is reached. The time lag of a group that stands grows by 1 s per second.
   Kafka deletes whole segments, so records may last longer than that.
What is not known, or will not happen at this slope, is None; infinite and undefined numbers too.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from streamgauge.core.snapshot import Forecast


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the checks `lag` and `time_lag` that are forecast; None: there is none."""

    lag: float | None = None
    """In records."""
    time_lag_seconds: float | None = None


NO_LIMITS = Limits()


def forecast(  # noqa: PLR0913 - two values with their slopes, and what they are held against
    lag: float | None,
    lag_slope: float | None,
    time_lag_seconds: float | None,
    time_lag_slope: float | None,
    *,
    limits: Limits = NO_LIMITS,
    retention_seconds: float | None,
) -> Forecast:
    """The forecast by the rules of this module.

    Args:
        lag: In records; None is unknown, here and below.
        lag_slope: Records per second, 0 in its dead band.
        time_lag_seconds: The group's time lag.
        time_lag_slope: Seconds per second, 0 in its dead band.
        limits: What a breach is forecast of.
        retention_seconds: How long records are kept; None also if for ever.
    """
    lag, lag_slope = _finite(lag), _finite(lag_slope)
    time_lag_seconds, time_lag_slope = _finite(time_lag_seconds), _finite(time_lag_slope)
    nearest: tuple[float | None, str | None, float | None] = (None, None, None)
    for check, limit, value, slope in (
        ("lag", limits.lag, lag, lag_slope),
        ("time_lag", limits.time_lag_seconds, time_lag_seconds, time_lag_slope),
    ):
        seconds = _breach(value, slope, limit)
        if seconds is not None and (nearest[0] is None or seconds < nearest[0]):
            nearest = (seconds, check, limit)
    grows = time_lag_slope is not None and time_lag_slope > 0
    return Forecast(
        lag_slope=lag_slope,
        time_lag_slope=time_lag_slope,
        drain_seconds=_drain(lag, lag_slope),
        breach_seconds=nearest[0],
        breach_of=nearest[1],
        breach_limit=nearest[2],
        retention_seconds=(
            _breach(time_lag_seconds, time_lag_slope, retention_seconds) if grows else None
        ),
    )


def _drain(lag: float | None, slope: float | None) -> float | None:
    if lag is None or slope is None or slope >= 0:
        return None
    return _finite(lag / -slope)


def _breach(value: float | None, slope: float | None, limit: float | None) -> float | None:
    if value is None or limit is None:
        return None
    if value >= limit:
        return 0.0
    if slope is None or slope <= 0:
        return None
    return _finite((limit - value) / slope)


def _finite(number: float | None) -> float | None:
    return number if number is not None and isfinite(number) else None
