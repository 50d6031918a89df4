"""Age histograms of one fixed layout, so that any two of them add and subtract exactly.

The layout is OpenTelemetry's exponential histogram at scale 3 (base 2**(1/8)): bucket i holds ages
in (2**(i/8), 2**((i+1)/8)] seconds, for i from -80 to 143. A bucket is 9 % wide; the whole reaches
from about 1 ms to about 3 days. What lies below (0 ms) and above is counted in two more buckets.
Source of the bucket rule: OpenTelemetry specification, metrics data model, "ExponentialHistogram".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

SCALE: Final = 3
FIRST_INDEX: Final = -80
"""OTLP index of the first regular bucket: (2**-10, 2**(-79/8)] seconds, that is 1 ms."""
REGULAR: Final = 224
"""Number of regular buckets."""
UNDER: Final = 0
"""Position of the bucket for ages at or below 2**-10 s: of whole milliseconds only 0."""
OVER: Final = REGULAR + 1
"""Position of the bucket for ages above 2**18 s, which is 3 days and 49 minutes."""
SIZE: Final = REGULAR + 2


def _floor_root(value: int, degree: int) -> int:
    """The greatest integer r with r**degree <= value."""
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**degree <= value else (low, middle - 1)
    return low


def upper_bound_ms(position: int) -> int:
    """The greatest whole millisecond inside the bucket: floor(1000 * 2**(exponent/8)), exactly.

    The eighth power is compared in integers, because a float can land on the wrong side of a bound.
    """
    exponent = FIRST_INDEX + position
    scaled = (1000**8 << exponent) if exponent >= 0 else 1000**8 >> -exponent
    return _floor_root(scaled, 8)


UPPER_BOUNDS_MS: Final[NDArray[np.int64]] = np.array(
    [upper_bound_ms(position) for position in range(OVER)], dtype=np.int64
)
"""Greatest whole millisecond of the bucket at each position; the last bucket has none."""

_TABLE_MS: Final = 1 << 20
_TABLE: Final[NDArray[np.uint8]] = np.searchsorted(
    UPPER_BOUNDS_MS, np.arange(_TABLE_MS), side="left"
).astype(np.uint8)


def positions(ages_ms: NDArray[np.int64]) -> NDArray[np.intp]:
    """Bucket position of each age, int[n] in 0..SIZE-1.

    Args:
        ages_ms: int64[n], not negative.
    """
    if ages_ms.size and int(ages_ms.max()) >= _TABLE_MS:
        return np.searchsorted(UPPER_BOUNDS_MS, ages_ms, side="left")
    return _TABLE[ages_ms].astype(np.intp)


_NONE: Final[NDArray[np.int64]] = np.zeros(SIZE, dtype=np.int64)
_NONE.setflags(write=False)


def _exact_sum(ages_ms: NDArray[np.int64]) -> int:
    """In two halves, because a sum of int64 that grows too great wraps around silently."""
    return (int((ages_ms >> 32).sum()) << 32) + int((ages_ms & 0xFFFFFFFF).sum())


@dataclass(slots=True, eq=False)
class Histogram:
    """Counts of ages by bucket, with their sum; both only grow."""

    counts: NDArray[np.int64] = field(default_factory=lambda: _NONE)
    """int64[SIZE]; replaced and never changed in place, so that copies share it."""
    sum_ms: int = 0

    def __eq__(self, other: object) -> bool:
        """Equal in every bucket and in the sum."""
        if not isinstance(other, Histogram):
            return NotImplemented
        return self.sum_ms == other.sum_ms and bool(np.array_equal(self.counts, other.counts))

    __hash__ = None  # type: ignore[assignment]  # it grows, so it must not be a key

    @property
    def count(self) -> int:
        """Number of ages folded."""
        return int(self.counts.sum())

    def fold(self, ages_ms: NDArray[np.int64]) -> NDArray[np.intp]:
        """Count ages and return the bucket position of each.

        Args:
            ages_ms: int64[n], not negative.
        """
        where = positions(ages_ms)
        self.counts = self.counts + np.bincount(where, minlength=SIZE)
        self.sum_ms += _exact_sum(ages_ms)
        return where

    def copy(self) -> Self:
        """An equal histogram that grows on its own."""
        return type(self)(self.counts, self.sum_ms)

    @classmethod
    def sum(cls, histograms: Iterable[Histogram]) -> Self:
        """Ages of all of these; none of them is changed."""
        total = cls()
        for each in histograms:
            total.sum_ms += each.sum_ms
            if each.counts is not _NONE:  # most groups' are, and there are many
                total.counts = total.counts + each.counts
        return total

    def __add__(self, other: Histogram) -> Histogram:
        """Ages of both."""
        return Histogram.sum((self, other))

    def __sub__(self, earlier: Histogram) -> Histogram:
        """Ages folded since `earlier`.

        Raises:
            ValueError: if a bucket would shrink, because then `earlier` is not an earlier state.
        """
        counts = self.counts - earlier.counts
        if bool((counts < 0).any()) or self.sum_ms < earlier.sum_ms:
            raise ValueError("a histogram can only be subtracted from a later state of itself")
        return Histogram(counts, self.sum_ms - earlier.sum_ms)

    def quantile_seconds(self, q: float) -> float | None:
        """Estimate of the q-quantile in seconds; None without a single age.

        The estimate is 2ab/(a+b) of the bucket (a, b] in which the quantile lies, at most 4.4 % off
        (Masson, Rim, Lee: "DDSketch", VLDB 2019, section 2). In the lowest bucket it is 0; above
        the layout it is the layout's upper end, which is then too small.

        Args:
            q: 0 < q <= 1.
        """
        count = self.count
        if count == 0:
            return None
        rank = max(1, math.ceil(q * count))
        position = int(np.searchsorted(np.cumsum(self.counts), rank, side="left"))
        if position == UNDER:
            return 0.0
        lower = math.exp2((FIRST_INDEX + position - 1) / 8)
        if position == OVER:
            return lower
        upper = lower * math.exp2(1 / 8)
        return 2 * lower * upper / (lower + upper)
