"""How far a value that was told is from the truth. Pure: no clock, no I/O.

A value may be as old as polling makes it, so it is right if it was true at some moment of the
window before it was told. Its error is the distance to the nearest value that was.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .passing import Passed
    from .timeline import Stretch

TIME_LAG_SLACK_SECONDS = 0.1
BUCKET = 2 ** (1 / 8)
"""Upper by lower bound of a bucket of the histogram of processed ages."""
SMALLEST_AGE_SECONDS = 2**-10
"""Below it the histogram does not tell ages apart."""
ROUNDING_SECONDS = 0.002
"""An age is a difference of two times in whole milliseconds."""
QUANTILES = {"p50_seconds": 0.5, "p90_seconds": 0.9, "p99_seconds": 0.99}


class Nearest(NamedTuple):
    """The true value that is nearest to what was told, and the distance; infinite if none is."""

    truth: float | None
    distance: float


NO_TRUTH = Nearest(None, math.inf)


def lag_error(window: Iterable[Stretch], told: int, *, may_overstate: bool = False) -> Nearest:
    """The distance of a lag from the truth.

    Args:
        window: what was true, and when.
        told: records.
        may_overstate: whether more than the truth is right too.
    """
    best = NO_TRUTH
    for stretch in window:
        for reading in stretch.readings:
            if reading.lag is not None:
                least, most = reading.lag
                best = _nearer(best, told, least, max(most, told) if may_overstate else most)
    return best


def time_lag_error(window: Iterable[Stretch], told: float) -> Nearest:
    """The distance of a time lag from the truth, in seconds; a record of the future has none."""
    best = NO_TRUTH
    for start, end, readings in window:
        for reading in readings:
            if reading.lag is not None and reading.caught_up:
                best = _nearer(best, told, 0.0, 0.0)
            if reading.first_event is not None:
                earliest, latest = reading.first_event
                best = _nearer(best, told, max(0.0, start - latest), max(0.0, end - earliest))
    return best


def _nearer(best: Nearest, told: float, least: float, most: float) -> Nearest:
    truth = min(max(told, least), most)
    distance = abs(told - truth)
    return Nearest(truth, distance) if distance < best.distance else best


def silence_is_right(window: Iterable[Stretch]) -> bool:
    """Whether at some moment there was no lag to tell: the group had not committed, or is gone."""
    return any(reading.lag is None for stretch in window for reading in stretch.readings)


def counted_error(truth: Passed, told: int) -> int:
    """How many records are counted too many (above 0) or too few, aged and unaged together."""
    least = len(truth.aged) + len(truth.unwatched)
    most = least + len(truth.optional)
    return told - min(max(told, least), most)


def ages_told(truth: Passed, count: int) -> tuple[list[float], list[float]]:
    """The least and the greatest ages, each sorted, that so many aged records can have."""
    more = max(0, count - len(truth.aged))
    others = truth.unwatched + truth.optional
    lo = [age.lo for age in truth.aged] + sorted(age.lo for age in others)[:more]
    hi = [age.hi for age in truth.aged] + sorted((age.hi for age in others), reverse=True)[:more]
    return sorted(lo), sorted(hi)


def sum_error(lo: Sequence[float], hi: Sequence[float], told: float) -> float:
    """By how many seconds the sum of all ages lies outside of its band."""
    least, most = sum(lo) - ROUNDING_SECONDS * len(lo), sum(hi) + ROUNDING_SECONDS * len(hi)
    return told - min(max(told, least), most)


def quantile_error(lo: Sequence[float], hi: Sequence[float], share: float, told: float) -> float:
    """By which factor, less 1, a quantile lies outside of its band and one bucket more."""
    rank = share * len(lo)
    least = lo[max(0, math.ceil(rank) - 1)] / BUCKET
    most = hi[min(len(hi) - 1, math.floor(rank))] * BUCKET
    if told < least:
        return least / max(told, SMALLEST_AGE_SECONDS) - 1 if least > SMALLEST_AGE_SECONDS else 0.0
    return told / max(most, SMALLEST_AGE_SECONDS) - 1 if told > most else 0.0


def outside_buckets(truth: Passed, told: Mapping[str, object]) -> int:
    """How many ages at least lie outside of their bands, as the buckets show.

    Of all records those with a greatest age up to a bound have to be counted up to that bound, and
    none but those with a least age up to it may be.
    """
    ages = truth.aged
    spare = len(truth.unwatched) + len(truth.optional)
    extra = told["count"] - len(ages)
    worst, counted, index = 0, told["zero_count"], told["offset"]
    for more in (0, *told["bucket_counts"]):
        counted += more
        bound = 2 ** (index / 8)
        index += 1
        must = sum(age.hi <= bound - ROUNDING_SECONDS for age in ages)
        may = sum(age.lo <= bound + ROUNDING_SECONDS for age in ages)
        worst = max(worst, must - counted, counted - may - min(max(extra, 0), spare))
    return worst
