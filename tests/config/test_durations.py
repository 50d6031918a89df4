"""Durations are read exactly, written back, and refused with an example of what is right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.config.durations import duration, format_duration, parse_duration

EXAMPLES = "write 500ms, 5s, 1m, 1h30m, 1d or a number of seconds"


@pytest.mark.parametrize(
    ("written", "milliseconds"),
    [
        ("500ms", 500),
        ("5s", 5_000),
        ("1m", 60_000),
        ("1h30m", 5_400_000),
        ("1d", 86_400_000),
        ("1d1h1m1s1ms", 90_061_001),
        ("1.5s", 1_500),
        ("0.25h", 900_000),
        ("90m", 5_400_000),
        ("0s", 0),
        ("0", 0),
        ("5", 5_000),
        ("0.1", 100),
        (0, 0),
        (5, 5_000),
        (0.1, 100),
        (2.675, 2_675),
    ],
)
def test_reads(written: str | float, milliseconds: int):
    """Units, fractions and numbers of seconds become whole milliseconds."""
    assert parse_duration(written) == milliseconds


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", f"must be a duration, not empty text: {EXAMPLES}"),
        ("5 minutes", f'"5 minutes" is not a duration: {EXAMPLES}'),
        ("5min", f'"5min" is not a duration: {EXAMPLES}'),
        ("1m1h", f'"1m1h" is not a duration: {EXAMPLES}'),
        ("1h 30m", f'"1h 30m" is not a duration: {EXAMPLES}'),
        ("1:30", f'"1:30" is not a duration: {EXAMPLES}'),
        ("PT5M", f'"PT5M" is not a duration: {EXAMPLES}'),
        ("-5s", f'"-5s" is not a duration: {EXAMPLES}'),
        ("5S", f'"5S" is not a duration: {EXAMPLES}'),
        ("\u0665s", rf'"\u0665s" is not a duration: {EXAMPLES}'),
        ("5s\n", rf'"5s\n" is not a duration: {EXAMPLES}'),
        (-5, f"-5 is not a duration: {EXAMPLES}"),
        (float("inf"), f"inf is not a duration: {EXAMPLES}"),
        (float("nan"), f"nan is not a duration: {EXAMPLES}"),
        ("0.5ms", '"0.5ms" is finer than a millisecond'),
        (0.0005, "0.0005 is finer than a millisecond"),
        (True, f"must be a duration, not true or false: {EXAMPLES}"),
        (None, f"must be a duration, not nothing: {EXAMPLES}"),
        ([5], f"must be a duration, not a list: {EXAMPLES}"),
        ({"s": 5}, f"must be a duration, not a mapping: {EXAMPLES}"),
    ],
)
def test_refuses(written: object, told: str):
    """What is no duration is told with examples."""
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the whole text is compared
        parse_duration(written)
    assert str(raised.value) == told


@pytest.mark.parametrize(
    ("written", "told"),
    [("999ms", '"999ms" is too short: at least 1s'), ("1h1ms", '"1h1ms" is too long: at most 1h')],
)
def test_bounds(written: str, told: str):
    """Both bounds are allowed themselves, and what is beyond is told."""
    bounded = duration("1s", "1h")
    assert [bounded.read("1s"), bounded.read("1h")] == [1_000, 3_600_000]
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the whole text is compared
        bounded.read(written)
    assert str(raised.value) == told


@given(st.integers(0, 10**14))
def test_written_back(milliseconds: int):
    """What is written is read back as the same duration."""
    assert parse_duration(format_duration(milliseconds)) == milliseconds


@pytest.mark.parametrize(
    ("milliseconds", "written"),
    [(0, "0s"), (90_000, "1m30s"), (60_500, "1m500ms"), (180_000, "3m"), (86_400_000, "1d")],
)
def test_writes(milliseconds: int, written: str):
    """The shortest way to write a duration is taken."""
    assert format_duration(milliseconds) == written
