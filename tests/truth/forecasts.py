"""What a forecast has to say of a rate that is constant, by the record of truth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .stage import Foreseen
    from .timeline import Timeline

LOOK_BACK_SECONDS = 60.0
"""Over so long a time the gauge looks back: earlier than that after a change it cannot know."""


class ForecastError(NamedTuple):
    """The nearest true value, and the distance to it as a share of it."""

    truth: float
    relative: float


def forecast_error(
    timeline: Timeline, foreseen: Foreseen, window: tuple[float, float], told: float
) -> ForecastError:
    """How far a forecast is from the truth at the nearer end of a window."""
    truths = [_true(timeline, foreseen, moment) for moment in window]
    truth = min(max(told, min(truths)), max(truths))
    return ForecastError(truth, abs(told - truth) / abs(truth) if truth else math.inf)


def _true(timeline: Timeline, foreseen: Foreseen, moment: float) -> float:
    lag, before = _lag(timeline, moment), _lag(timeline, moment - LOOK_BACK_SECONDS)
    slope = (lag - before) / LOOK_BACK_SECONDS
    match foreseen.name:
        case "lag_slope":
            return slope
        case "drain_seconds":
            return lag / -slope if slope else math.inf
        case "breach_seconds":
            return (foreseen.limit - lag) / slope if slope else math.inf
        case name:
            raise ValueError(f"{name} is no forecast that is judged")


def _lag(timeline: Timeline, moment: float) -> float:
    least, most = timeline.at(moment)[0].lag
    return (least + most) / 2
