"""How fast a value has changed over a look-back: the slope of the least squares line, or 0.

1. Each sample weighs the same; the line is that of Draper and Smith, Applied Regression Analysis,
   chapter 1, with s the standard deviation about it (n - 2 degrees of freedom).
2. Before 5 samples that span 10 s it is unknown.
3. Dead band: it is 0 while the change over the span is below the greatest of `dead_band`, 2 s, and
   3 standard errors of the slope times the span. The first is what nobody wants to hear of; the
   third is noise of few samples; the second is what noise that repeats needs: the teeth of a lag
   whose consumer commits in batches change it by up to 1.6 s (found by trying all phases), if the
   look-back holds at least two of them. Within one tooth no line can tell them from growth, so
   that the look-back has to be at least twice the commit interval.
4. Samples further apart than a quarter of the look-back, or a clock that goes back, begin anew.
   The look-back has to be at least 10 times the distance of the samples.
5. A single step makes a slope for as long as the look-back holds it, and so do the teeth before and
   after it. What grows has grown in the recent half of the look-back too: its lowest and highest
   values lie above those of the half before, by at least half of what the slope comes to. Of a step
   in much noise that may seem so for up to 30 s (found by trying).
6. After a value has turned, the slope turns when half of the look-back is past: 60 s of it tell a
   turn in 30 s, and smooth 12 commits of a consumer that commits every 5 s (Kafka's default).
"""

from __future__ import annotations

from collections import deque
from math import sqrt
from typing import Final

LOOK_BACK_MS: Final = 60_000
DEAD_BAND: Final = 1.0
MOST_SAMPLES: Final = 128
FEWEST_SAMPLES: Final = 5
SHORTEST_SPAN_MS: Final = 10_000
SAMPLES_PER_LOOK_BACK: Final = 10
"""The fewest that are to come in it."""
STANDARD_DEVIATIONS: Final = 2.0
STANDARD_ERRORS: Final = 3.0
_GAPS_PER_LOOK_BACK: Final = 4
_FULL_SHARE: Final = 0.9
_RISE_SHARE: Final = 0.5


class Slope:
    """The slope of one value; adding to it and asking it take the same time however much it holds.

    The sums are of differences to a sample that is at most a look-back older than the oldest one,
    and counted anew when it is replaced, so that they stay exact for months.
    """

    __slots__ = ("_from", "_recount_in", "_samples", "_sums", "dead_band", "look_back_ms")

    def __init__(self, look_back_ms: int = LOOK_BACK_MS, dead_band: float = DEAD_BAND) -> None:
        self.look_back_ms = look_back_ms
        """May be changed at any time."""
        self.dead_band = dead_band
        """Change over the look-back, in the unit of the value, that is none."""
        self._samples: deque[tuple[int, float]] = deque()
        self._from = (0, 0.0)
        self._sums = (0, 0, 0.0, 0.0, 0.0)
        """Of t, t t, v, t v and v v, with t in ms and v both from `_from`."""
        self._recount_in = 0

    def forget(self) -> None:
        """Begin anew."""
        self._samples.clear()
        self._recount_in = 0

    def add(self, value: float, at_ms: int) -> None:
        """Take in a value as of a time.

        One that comes so soon that more than 128 would fill the look-back replaces the newest.
        """
        samples = self._samples
        if samples:
            apart_ms = at_ms - samples[-1][0]
            if apart_ms < 0 or apart_ms * _GAPS_PER_LOOK_BACK > self.look_back_ms:
                self.forget()
            elif self._is_close(at_ms):
                self._weigh(samples.pop(), -1)
        while samples and (
            at_ms - samples[0][0] > self.look_back_ms or len(samples) >= MOST_SAMPLES
        ):
            self._weigh(samples.popleft(), -1)
            self._recount_in -= 1
        samples.append((at_ms, value))
        if self._recount_in <= 0:
            self._recount()
        else:
            self._weigh(samples[-1], 1)

    def per_second(self) -> float | None:
        """The slope in units of the value per second, 0 in the dead band; None is unknown."""
        count = len(self._samples)
        if count < FEWEST_SAMPLES:
            return None
        span_ms = self._samples[-1][0] - self._samples[0][0]
        if span_ms < SHORTEST_SPAN_MS:
            return None
        t, tt, v, tv, vv = self._sums
        square_t = tt - t * t / count
        slope = (tv - t * v / count) / square_t
        about_line = max(0.0, vv - v * v / count - slope * slope * square_t)
        deviation = sqrt(about_line / (count - 2))
        error = deviation / sqrt(square_t) * span_ms
        band = max(self.dead_band, STANDARD_DEVIATIONS * deviation, STANDARD_ERRORS * error)
        return 1_000 * slope if abs(slope) * span_ms >= band else 0.0

    def goes_on(self) -> bool:
        """Whether the value rises by rule 5; never before the look-back is full."""
        slope = self.per_second()
        if slope is None or slope <= 0:
            return False
        newest_ms = self._samples[-1][0]
        if newest_ms - self._samples[0][0] < _FULL_SHARE * self.look_back_ms:
            return False
        middle_ms = newest_ms - self.look_back_ms // 2
        before = [value for at_ms, value in self._samples if at_ms < middle_ms]
        recent = [value for at_ms, value in self._samples if at_ms >= middle_ms]
        rise = min(min(recent) - min(before), max(recent) - max(before))
        return rise >= _RISE_SHARE * slope * self.look_back_ms / 2_000

    def _is_close(self, at_ms: int) -> bool:
        """Whether the newest sample has to make way for one of this time."""
        samples = self._samples
        if at_ms == samples[-1][0]:
            return True
        if len(samples) < 2:
            return False
        return (at_ms - samples[-2][0]) * (MOST_SAMPLES - 1) < 2 * self.look_back_ms

    def _weigh(self, sample: tuple[int, float], sign: int) -> None:
        from_ms, from_value = self._from
        at_ms, value = sample[0] - from_ms, sample[1] - from_value
        t, tt, v, tv, vv = self._sums
        self._sums = (
            t + sign * at_ms,
            tt + sign * at_ms * at_ms,
            v + sign * value,
            tv + sign * at_ms * value,
            vv + sign * value * value,
        )

    def _recount(self) -> None:
        """Count the sums from the oldest sample; due when as many have left as there are."""
        self._from, self._sums = self._samples[0], (0, 0, 0.0, 0.0, 0.0)
        for sample in self._samples:
            self._weigh(sample, 1)
        self._recount_in = len(self._samples)
