"""The slope of a value over a look-back: what it says of courses that a lag takes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.core.slope import MOST_SAMPLES, Slope

BEGIN_MS = 1_700_000_000_000


def slopes(values, *, every_s=1.0, at=None, **options):
    """What is told after each value."""
    slope, told = Slope(**options), []
    for n, value in enumerate(values):
        slope.add(value, BEGIN_MS + int(1_000 * (at[n] if at else n * every_s)))
        told.append(slope.per_second())
    return told


def teeth(period, height, times, phase=0):
    """A lag whose consumer commits once a period."""
    return [height * ((n + phase) % period) / period for n in range(times)]


def ramp(rate, times, begin=0.0):
    """A lag that changes by so much a second."""
    return [begin + rate * n for n in range(times)]


def noise(height, times):
    """Repeatable, and up and down like any other."""
    return list(np.random.default_rng(7).normal(0, height, times))


GROWN = [a + b for a, b in zip(ramp(10, 99), noise(20, 99), strict=True)]
TOOTHED = [a + b for a, b in zip(ramp(3, 120), teeth(5, 50, 120), strict=True)]


@pytest.mark.parametrize(
    ("values", "slope", "tolerance", "why"),
    [
        ([7.0] * 90, 0, 0, "it stays"),
        ([0.0] * 90, 0, 0, "nothing to read"),
        (noise(5, 90), 0, 0, "it only jitters"),
        (ramp(1, 90), 1, 1e-9, "the time lag of a consumer that stands"),
        (ramp(100, 90), 100, 1e-7, "it grows"),
        (ramp(-100, 90, 90_000), -100, 1e-7, "it shrinks"),
        (GROWN, 10, 0.5, "it grows and jitters"),
        (TOOTHED, 3, 0.4, "it grows, and the consumer commits in batches"),
        (ramp(5, 60) + ramp(0, 60, 300), 0, 0, "it grew a minute ago"),
        (ramp(100, 90) + ramp(-100, 60, 9_000), -100, 2, "it has been drained for a minute"),
        ([0.0] * 60 + [900.0] * 61, 0, 0, "one step, a minute ago"),
        ([1e12] * 90, 0, 0, "a very large lag that stays"),
        (ramp(1, 90, 1e12), 1, 1e-6, "and one that grows by one record a second"),
    ],
)
def test_courses(values, slope, tolerance, why):
    """What is told at their end."""
    assert slopes(values)[-1] == pytest.approx(slope, abs=tolerance), why


@pytest.mark.parametrize("period", [1, 2, 3, 5, 7, 10, 12, 15, 17, 20, 23, 25, 27, 30])
def test_batches_of_commits_are_no_slope(period):
    """At no time once the look-back is full, and for no period that it holds twice."""
    for phase in range(0, period, 3):
        told = slopes(teeth(period, 1_000, 180, phase))
        assert set(told[61:]) == {0.0}


def test_a_longer_look_back_holds_slower_batches():
    """A consumer that commits once a minute takes two minutes of it."""
    slow = teeth(60, 1_000, 400)
    assert set(slopes(slow, look_back_ms=120_000)[121:]) == {0.0}
    assert max(slopes(slow)[61:]) > 10


def first_after(told, second, holds):
    """Seconds from there until a slope holds."""
    return next(n for n, each in enumerate(told[second:]) if holds(each))


@pytest.mark.parametrize(
    ("before", "after", "sign", "within"),
    [
        (ramp(0, 90), ramp(10, 90), 1, 12),
        (ramp(100, 90), ramp(-100, 90, 9_000), -1, 38),
        (ramp(100, 90), ramp(-400, 90, 9_000), -1, 24),
        (ramp(-100, 90, 9_000), ramp(100, 90), 1, 38),
        (ramp(10, 90), [900.0] * 90, 0, 60),
        (ramp(0, 90), [900.0] * 90, 1, 5),
    ],
)
def test_how_soon_a_turn_is_told(before, after, sign, within):
    """Not later than that many seconds, and not at once."""
    told = slopes(before + after)
    assert 0 < first_after(told, 90, lambda each: np.sign(each) == sign) <= within


RISEN = [a + b for a, b in zip(ramp(2, 120), noise(3, 120), strict=True)]
STEP = [*noise(0.5, 60), *(4 + each for each in noise(1, 120))]
SPREAD = ramp(0, 60) + ramp(10, 15) + ramp(0, 46, 150)


def going_on(values, **options):
    """Whether growth goes on, after each value; one comes each second."""
    slope, told = Slope(**options), []
    for n, value in enumerate(values):
        slope.add(value, BEGIN_MS + 1_000 * n)
        told.append(slope.goes_on())
    return told


@pytest.mark.parametrize(
    ("values", "first", "end", "why"),
    [
        (ramp(1, 90), 54, 90, "it grows, and the look-back is full"),
        (RISEN, 54, 120, "and jitters"),
        (ramp(0, 60) + ramp(10, 70), 101, 130, "it has begun to grow 40 s ago"),
        (ramp(10, 90) + ramp(0, 90, 900), 54, 110, "it stopped 20 s ago"),
        (ramp(10, 90) + ramp(-20, 60, 900), 54, 110, "it turned"),
    ],
)
def test_growth_goes_on_from_then_until_then(values, first, end, why):
    """Seconds, without a break."""
    told = [n for n, each in enumerate(going_on(values)) if each]
    assert told == list(range(told[0], told[-1] + 1)), why
    assert told[0] == pytest.approx(first, abs=2), why
    assert told[-1] < end, why


@pytest.mark.parametrize(
    ("values", "most", "why"),
    [
        (STEP, 20, "a single step, and noise"),
        (SPREAD, 20, "a step that took 15 s"),
        ([0.0] * 60 + [9.0] * 70, 2, "a step alone"),
        (ramp(-1, 90), 0, "it shrinks"),
        (teeth(5, 50, 120), 0, "batches of commits"),
        (noise(5, 120), 0, "it only jitters"),
        (ramp(0, 90), 0, "it stays"),
        (ramp(1, 54), 0, "the look-back is not full"),
    ],
)
def test_what_does_not_go_on_growing(values, most, why):
    """But for the edge of a step, so many seconds."""
    assert sum(going_on(values)) <= most, why


def test_teeth_that_grow_go_on_growing():
    """At every phase, as soon as the slope is seen: then nothing interrupts it."""
    for phase in range(5):
        grown = [a + b for a, b in zip(ramp(3, 150), teeth(5, 50, 150, phase), strict=True)]
        assert all(going_on(grown)[60:])


def test_unknown_until_there_are_enough_samples():
    """5 of them, which span 10 s."""
    assert slopes(ramp(1, 12))[:10] == [None] * 10
    assert slopes(ramp(1, 12))[10] == pytest.approx(1)
    assert slopes(ramp(1, 6), every_s=2.5)[:4] == [None] * 4
    assert slopes(ramp(1, 6), every_s=2.5)[4] == pytest.approx(0.4)
    assert slopes(ramp(1, 5), every_s=2.499)[-1] is None
    assert slopes([1.0], every_s=1) == [None]


@pytest.mark.parametrize(
    ("rate", "dead_band", "told"),
    [
        (1 / 60, 1.0, 1 / 60),
        (0.99 / 60, 1.0, 0.0),
        (-1 / 60, 1.0, -1 / 60),
        (-0.99 / 60, 1.0, 0.0),
        (9.9 / 60, 10.0, 0.0),
        (10 / 60, 10.0, 10 / 60),
        (0.001, 0.0, 0.001),
    ],
)
def test_a_change_of_the_dead_band_is_told(rate, dead_band, told):
    """And one below it is none; the look-back holds 60 s."""
    assert slopes(ramp(rate * (1 + 1e-12), 90), dead_band=dead_band)[-1] == pytest.approx(told)


def reference(samples, dead_band=1.0):
    """The same by numpy: slope and whether it is outside the dead band."""
    t, v = (np.array(each, dtype=float) for each in zip(*samples, strict=True))
    t = (t - t[0]) / 1_000
    v = v - v[0]
    slope, at_zero = np.polyfit(t, v, 1)
    deviation = np.sqrt(((v - slope * t - at_zero) ** 2).sum() / (len(t) - 2))
    error = deviation / np.sqrt(((t - t.mean()) ** 2).sum())
    band = max(dead_band, 2 * deviation, 3 * error * t[-1])
    return slope, abs(slope) * t[-1] / band


@pytest.mark.parametrize("count", [6, 12, 20, 27, 28, 61])
@pytest.mark.parametrize("dead_band", [0.0, 40.0])
def test_what_counts_as_noise(count, dead_band):
    """Against the definition, from line to noise: both sides of the edge are met."""
    told = set()
    for height in np.linspace(0, 60, 200):
        every_ms = 60_000 // (count - 1)
        jitter = np.random.default_rng(count).normal(0, 1, count) * height
        samples = [(BEGIN_MS + n * every_ms, n * 60 / count + jitter[n]) for n in range(count)]
        slope, strength = reference(samples, dead_band)
        told.add(strength >= 1)
        expected = slope if strength >= 1 else 0.0
        fitted = Slope(dead_band=dead_band)
        for at_ms, value in samples:
            fitted.add(value, at_ms)
        assert fitted.per_second() == pytest.approx(expected), height
    assert told == {True, False}


@pytest.mark.parametrize(
    ("at", "known", "why"),
    [
        ([*range(20), 34], True, "a quarter of the look-back is still no gap"),
        ([*range(20), 34.001], False, "and anything longer is"),
        ([*range(20), 18.999], False, "a clock that was set back, by a moment"),
        ([*range(20), 1], False, "or by much"),
        ([*range(20), 19], True, "the same time again is none"),
        ([*range(20), 900, *range(901, 910)], False, "after it everything is new"),
        ([*range(20), 900, *range(901, 911)], True, "until there is enough again"),
    ],
)
def test_gaps_and_clocks_begin_anew(at, known, why):
    """What lies before a gap says nothing of now."""
    told = slopes(ramp(1, len(at)), at=at)[-1]
    assert (told is not None) is known, why


def test_what_lies_before_a_gap_is_forgotten():
    """Only what came after it counts."""
    at = [*range(60), *range(900, 920)]
    assert slopes(ramp(50, 60) + ramp(-2, 20, 90), at=at)[-1] == pytest.approx(-2)


def test_by_default_a_change_of_less_than_1_is_none():
    """One record, or one second, over the look-back of a minute."""
    assert slopes(ramp(0.99 / 60, 90))[-1] == 0
    assert slopes(ramp(1.01 / 60, 90))[-1] == pytest.approx(1.01 / 60)


def test_forgetting_begins_anew():
    """As if nothing had been added."""
    slope = Slope()
    for n in range(90):
        slope.add(50 * n, BEGIN_MS + 1_000 * n)
    slope.forget()
    assert slope.per_second() is None
    for n in range(11):
        slope.add(7 - 3 * n, BEGIN_MS + 1_000 * n)
    assert slope.per_second() == pytest.approx(-3)


def test_the_same_time_again_replaces_the_value():
    """The last word counts."""
    assert slopes([*ramp(1, 20), 99_999.0, 20.0], at=[*range(21), 20])[-1] == pytest.approx(1)


@pytest.mark.parametrize(("every_s", "look_back_s"), [(0.01, 60), (0.25, 60), (1, 600), (5, 600)])
def test_many_samples_are_thinned(every_s, look_back_s):
    """They still span the look-back, and the newest is among them."""
    count = int(1.5 * look_back_s / every_s)
    slope = Slope(look_back_ms=1_000 * look_back_s)
    for n in range(count):
        slope.add(2.0 * n * every_s, BEGIN_MS + int(1_000 * n * every_s))
        held = slope._samples  # noqa: SLF001 - what it holds is its limit
        assert held[-1][0] == BEGIN_MS + int(1_000 * n * every_s)
        assert len(held) <= MOST_SAMPLES
    assert slope.per_second() == pytest.approx(2.0, rel=1e-3)
    assert len(held) >= MOST_SAMPLES * 0.45
    assert held[-1][0] - held[0][0] >= 1_000 * look_back_s * 0.95


def test_a_look_back_may_be_changed():
    """Longer: what is held stays; shorter: what is too old goes."""
    slope = Slope(look_back_ms=120_000)
    most = 0
    values = ramp(-10, 200, 5_000) + ramp(10, 400, 3_000)
    for n, value in enumerate(values):
        slope.add(value, BEGIN_MS + 1_000 * n)
        if n == 130:
            slope.look_back_ms = 600_000
        most = max(most, len(slope._samples))  # noqa: SLF001 - what it holds is its limit
    assert most == MOST_SAMPLES
    slope.look_back_ms = 60_000
    slope.add(7_000.0, BEGIN_MS + 600_000)
    assert slope.per_second() == pytest.approx(10)


def test_sums_stay_exact():
    """After a day of samples it says what it would say of the last minute alone."""
    long, times = Slope(dead_band=0.0), 86_400
    values = [(n > 100) * 1e9 + (n * 7_919) % 1_000 + n * 40 for n in range(times)]
    for n, value in enumerate(values):
        long.add(value, BEGIN_MS + 1_000 * n)
    short = Slope(dead_band=0.0)
    for n in range(times - 61, times):
        short.add(values[n], BEGIN_MS + 1_000 * n)
    assert long.per_second() == pytest.approx(short.per_second(), rel=1e-9)
    slope, _ = reference(list(long._samples), 0.0)  # noqa: SLF001
    assert long.per_second() == pytest.approx(slope, rel=1e-9)


@given(
    st.lists(
        st.tuples(st.integers(-2_000, 20_000), st.integers(0, 10**9)), min_size=1, max_size=300
    ),
    st.sampled_from([10_000, 60_000, 600_000]),
)
def test_it_is_the_least_squares_line_of_what_it_holds(steps, look_back_ms):
    """Whatever comes, at whatever times."""
    slope, at_ms = Slope(look_back_ms, dead_band=0.0), BEGIN_MS
    for step_ms, value in steps:
        at_ms += step_ms
        slope.add(value, at_ms)
        held = list(slope._samples)  # noqa: SLF001
        assert held[-1] == (at_ms, value)
        assert len(held) <= MOST_SAMPLES
        assert held[-1][0] - held[0][0] <= look_back_ms
        told = slope.per_second()
        if len(held) < 5 or held[-1][0] - held[0][0] < 10_000:
            assert told is None
            continue
        expected, strength = reference(held, 0.0)
        if abs(strength - 1) > 1e-6:
            assert told == pytest.approx(expected if strength > 1 else 0.0, rel=1e-6, abs=1e-6)
