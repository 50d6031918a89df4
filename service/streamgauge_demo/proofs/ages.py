"""What histogram of ages the logged times allow, in exact arithmetic and without streamgauge.

A bucket of OpenTelemetry's exponential histogram at scale 3 holds ages in (2^(i/8), 2^((i+1)/8)]
seconds. Source: opentelemetry-proto, metrics.proto, "ExponentialHistogramDataPoint".
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Final

from streamgauge_demo.proofs.proof import must, must_equal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamgauge_demo.truth import Sent

RECEIPT_MS: Final = 5_000
"""How long after its acknowledgement a record may be received, where only that time is known."""
UNAGED_SHARE: Final = 0.05
"""So many records may have no age there: a gauge that a busy machine held up was not live."""
_LOWEST: Final = -80
_ZERO: Final = _LOWEST - 1
"""Where ages of 0 ms are ordered: below all buckets."""


@dataclass(frozen=True, slots=True)
class AgeBounds:
    """The least and the greatest age of each order, in milliseconds; equal where exactly known."""

    bounds: tuple[tuple[int, int], ...]
    exact: bool

    @classmethod
    def of(cls, orders: Iterable[Sent]) -> AgeBounds:
        """The ages on arrival that the log allows.

        A broker's append time is exact. Otherwise the time of receipt stands in, and that lies
        between the sending and some seconds after the acknowledgement.
        """
        found, exact = [], True
        for order in orders:
            if order.append_ms is None:
                exact = False
                least, most = order.sent_ms, order.acked_ms + RECEIPT_MS
            else:
                least = most = order.append_ms
            found.append((max(0, least - order.event_ms), max(0, most - order.event_ms)))
        return cls(tuple(found), exact)

    def quantile_seconds(self, q: float) -> tuple[float, float]:
        """The least and the greatest that the q-quantile can be."""
        rank = max(1, math.ceil(q * len(self.bounds))) - 1
        least, most = zip(*self.bounds, strict=True)
        return sorted(least)[rank] / 1_000, sorted(most)[rank] / 1_000


@cache
def bucket(age_ms: int) -> int:
    """The index of an age, by the definition."""
    if age_ms <= 0:
        return _ZERO
    eighth_power = Fraction(age_ms, 1_000) ** 8
    index = _LOWEST
    while eighth_power > Fraction(2) ** (index + 1):
        index += 1
    return index


@dataclass(frozen=True, slots=True)
class Told:
    """A histogram as it was told.

    Attributes:
        counts: by index, with None for the ages of 0 ms.
        sum_ms: of all its ages.
        unaged: records that it does not hold because their age is unknown.
    """

    counts: Mapping[int | None, int]
    sum_ms: float
    unaged: int


def must_fit(told: Told, ages: AgeBounds) -> str:
    """Check a histogram against the ages that the log allows; gives what was found.

    Raises:
        DoesNotHoldError: these ages cannot give this histogram.
    """
    counts = {_ZERO if index is None else index: n for index, n in told.counts.items() if n}
    must_equal("ages", sum(counts.values()) + told.unaged, len(ages.bounds))
    most_unaged = 0 if ages.exact else round(UNAGED_SHARE * len(ages.bounds))
    must(told.unaged <= most_unaged, f"{told.unaged} orders have no age")
    least_ms = sorted(least for least, _ in ages.bounds)[: sum(counts.values())]
    most_ms = sum(most for _, most in ages.bounds)
    must(
        sum(least_ms) <= told.sum_ms <= most_ms,
        f"sum of the ages: told {told.sum_ms} ms, the log allows {sum(least_ms)} to {most_ms} ms",
    )
    highest = Counter(bucket(most) for _, most in ages.bounds)
    lowest = Counter(bucket(least) for least, _ in ages.bounds)
    for index in sorted({*counts, *highest, *lowest}):
        cumulative = sum(n for at, n in counts.items() if at <= index)
        fewest = sum(n for at, n in highest.items() if at <= index) - told.unaged
        most = sum(n for at, n in lowest.items() if at <= index)
        must(
            fewest <= cumulative <= most,
            f"ages up to bucket {index}: told {cumulative}, the log allows {fewest} to {most}",
        )
    how = "equal to the log's" if ages.exact else "within the log's bounds"
    return f"{sum(counts.values())} ages in {len(counts)} buckets, each {how}"
