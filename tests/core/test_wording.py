"""How durations, moments and numbers read."""

from __future__ import annotations

import time

import pytest

from streamgauge.core.wording import duration, few, moment, number


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (59_999, "59 s"), (3_599_999, "59 m 59 s"), (86_399_999, "23 h 59 m"),
        (0, "0 ms"), (999, "999 ms"), (1000, "1 s"), (1999, "1 s"), (60_000, "1 m"),
        (61_000, "1 m 1 s"), (3_600_000, "1 h"), (3_605_000, "1 h"), (5_400_000, "1 h 30 m"),
        (86_400_000, "1 d"), (90_061_000, "1 d 1 h"), (86_460_000, "1 d"),
    ],
)  # fmt: skip
def test_duration(milliseconds, text):
    """The two greatest units."""
    assert duration(milliseconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "0"),
        (2, "0, 1"),
        (10, "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        (11, "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 1 more"),
        (1000, "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 990 more"),
    ],
)
def test_few(count, text):
    """A thousand partitions do not make a sentence."""
    assert few(range(count)) == text


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [(0, "1970-01-01T00:00:00Z"), (1_700_000_000_999, "2023-11-14T22:13:20Z"), (None, "?"),
     (10**18, "?")],
)  # fmt: skip
def test_moment(at_ms, text):
    """UTC to the second; what is no calendar date is not made one."""
    assert moment(at_ms) == text


@pytest.fixture
def _east_of_greenwich():
    """A machine whose local time is 5:45 h ahead."""
    with pytest.MonkeyPatch.context() as machine:
        machine.setenv("TZ", "EAST-05:45")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_east_of_greenwich")
def test_moment_is_utc_wherever_the_process_runs():
    """The zone of the machine does not matter."""
    assert time.localtime(0).tm_hour == 5
    assert moment(0) == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (12, "12"), (1200, "1,200"), (0.25, "0.25"), (0.12345, "0.123"), (None, "?")],
)
def test_number(value, text):
    """Thousands separated, no trailing zeros."""
    assert number(value) == text
