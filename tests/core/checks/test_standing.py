"""The rules that move a standing, as a table of evaluations over time."""

from __future__ import annotations

import pytest

from streamgauge.core.checks.policy import Limit, Measure, Policy, check_name
from streamgauge.core.checks.standing import Standing, first_standing, judge
from streamgauge.model import Blind, Level

DARK = "dark"
"""Stands for an evaluation in which the gauge is blind and has no value."""


def levels(policy, *steps):
    """The level after each (second, value) step; '5?' is a 5 measured while partly blind."""
    standing, told = first_standing(0), []
    for second, seen in steps:
        blind = Blind("x", 0, "broker away") if isinstance(seen, str) else None
        value = None if seen in (DARK, None) else float(str(seen).rstrip("?"))
        measure = Measure("it is so", value, blind)
        standing = judge(policy, measure, standing, "records", second * 1000)
        told.append(standing.level.value[0])
    return "".join(told)


AT_ONCE = Policy(warn=Limit(above=10), fail=Limit(above=100))
LATER = Policy(warn=Limit(above=10, for_ms=60_000), fail=Limit(above=100, for_ms=20_000))
KEEPS = Policy(fail=Limit(above=0), keep_failing_for_ms=30_000, on_no_data=Level.PASS)
FLOOR = Policy(warn=Limit(below=5), fail=Limit(below=1))
FLOOR_KEPT = Policy(fail=Limit(below=1), keep_failing_for_ms=30_000)
HELD = Policy(
    warn=Limit(above=10, for_ms=20_000),
    fail=Limit(above=100, for_ms=20_000),
    keep_failing_for_ms=30_000,
)


@pytest.mark.parametrize(
    ("policy", "steps", "expected", "why"),
    [
        (AT_ONCE, [(0, 10), (1, 11), (2, 100), (3, 101), (4, 0)], "pwwfp",
         "a limit is kept by its own value and breached beyond it"),
        (FLOOR, [(0, 5), (1, 4), (2, 1), (3, 0)], "pwwf", "a floor works the same way below"),
        (LATER, [(0, 50), (59, 50), (60, 50), (61, 5)], "ppwp", "`for` must have passed"),
        (LATER, [(0, 50), (30, 5), (31, 50), (60, 50), (91, 50)], "ppppw",
         "one good value starts `for` again"),
        (LATER, [(0, 500), (19, 500), (20, 500), (60, 500)], "ppff",
         "each limit has its own `for`; the worse level wins"),
        (LATER, [(0, 500), (20, 500), (60, 50), (61, 50)], "pfww",
         "warn went on counting while fail did"),
        (KEEPS, [(0, 1), (29, 0), (30, 0), (31, 0)], "ffpp", "kept for 30 s after the last breach"),
        (KEEPS, [(0, 1), (20, 0), (25, 1), (50, 0), (55, 0)], "ffffp", "a new breach extends it"),
        (HELD, [(0, 500), (20, 500), (30, 0), (31, 500), (40, 0), (60, 0), (61, 0)], "pfffffp",
         "while it counts, a breach need not last again"),
        (KEEPS, [(0, 1), (10, None), (29, None), (30, None)], "fffp",
         "without data it is kept, then `on_no_data`"),
        (KEEPS, [(0, 1), (10, DARK), (29, DARK), (30, DARK), (31, 0)], "fffup",
         "blind: kept as long, then unknown, never pass"),
        (AT_ONCE, [(0, None), (1, DARK), (2, 5)], "uup", "no data is unknown by default"),
        (AT_ONCE, [(0, "5?"), (1, "50?"), (2, "500?"), (3, "5?")], "uwfu",
         "partly blind: it can breach but not pass"),
        (LATER, [(0, 50), (30, DARK), (61, 50), (121, 50)], "pupw",
         "what was not seen does not count as lasting"),
        (LATER, [(0, 50), (30, None), (61, 50), (121, 50)], "pupw", "nor what was not there"),
        (Policy(warn=Limit(above=1)), [(0, 2), (1, 0)], "wp", "one limit is enough"),
        (Policy(fail=Limit(above=1), on_no_data=Level.FAIL), [(0, None)], "f", "as configured"),
        (FLOOR, [(0, "0?"), (1, "3?"), (2, "5?"), (3, 0), (4, "0?"), (5, 5)], "uuufup",
         "partly blind: what was not seen may be what is missing below"),
        (FLOOR_KEPT, [(0, 0), (29, "0?"), (30, "0?")], "ffu", "what failed before is kept"),
        (Policy(warn=Limit(above=9, below=2)), [(0, "10?"), (1, "1?")], "wu",
         "of both ends only the upper one"),
        (Policy(warn=Limit(above=9, below=2)), [(0, 1), (1, 2), (2, 9), (3, 10)], "wppw",
         "a limit may have both ends"),
    ],
)  # fmt: skip
def test_levels_over_time(policy, steps, expected, why):
    """P pass, u unknown, w warn, f fail after each evaluation."""
    assert levels(policy, *steps) == expected, why


def test_a_clock_that_steps_back_does_not_break_the_breach():
    """`for` is counted from the earliest time seen."""
    assert levels(LATER, (100, 50), (10, 50), (69, 50), (70, 50)) == "pppw"


def test_a_clock_that_steps_back_does_not_keep_failing_for_longer():
    """What is kept is kept from the step on for its time, not until the clock is where it was."""
    assert levels(KEEPS, (1000, 1), (10, 0), (39, 0), (40, 0)) == "fffp"
    assert levels(KEEPS, (1000, 1), (10, DARK), (39, DARK), (40, DARK)) == "fffu"


def test_since_is_when_the_level_changed():
    """A level that stays keeps its beginning; limit and value are those of now."""
    standing = first_standing(0)
    assert standing == Standing(Level.UNKNOWN, 0, "not evaluated yet")
    seen = []
    for now_ms, value in [(1000, 5), (2000, 50), (3000, 60), (4000, 600)]:
        standing = judge(AT_ONCE, Measure("t", value), standing, "records", now_ms)
        seen.append((standing.level.value, standing.since_ms, standing.limit, standing.value))
    assert seen == [
        ("pass", 1000, 10, 5),
        ("warn", 2000, 10, 50),
        ("warn", 2000, 10, 60),
        ("fail", 4000, 100, 600),
    ]


@pytest.mark.parametrize(
    ("policy", "steps", "reason"),
    [
        (AT_ONCE, [(0, 5, None)], "it is so"),
        (AT_ONCE, [(0, 50, None)], "it is so (limit 10 records)"),
        (AT_ONCE, [(90, 50, None)], "it is so (limit 10 records)"),
        (AT_ONCE, [(0, 50, None), (1, 50, None)], "it is so (limit 10 records, breached for 1 s)"),
        (AT_ONCE, [(0, 50, None), (65, 50, None)],
         "it is so (limit 10 records, breached for 1 m 5 s)"),
        (LATER, [(0, 50, None), (5, 50, None)],
         "it is so (limit 10 records, breached only for 5 s so far)"),
        (LATER, [(90, 50, None), (95, 50, None)],
         "it is so (limit 10 records, breached only for 5 s so far)"),
        (LATER, [(0, 500, None), (5, 500, None)],
         "it is so (limit 100 records, breached only for 5 s so far)"),
        (KEEPS, [(3, 1, None), (5, 0, None)],
         "it is so; limit 0 records was breached until 1970-01-01T00:00:03Z"),
        (KEEPS, [(3, 1, None), (5, None, "no broker")],
         ("limit 0 records was breached until 1970-01-01T00:00:03Z, "
          "and since then the gauge is blind: no broker")),
        (AT_ONCE, [(3, None, "no broker")], "blind since 1970-01-01T00:00:01Z: no broker"),
        (AT_ONCE, [(3, None, None)], "it is so"),
    ],
)  # fmt: skip
def test_reasons_are_sentences_with_the_limit(policy, steps, reason):
    """What a person on call reads."""
    standing = first_standing(0)
    for second, value, dark in steps:
        blind = None if dark is None else Blind("x", 1000, dark)
        measure = Measure("it is so", value, blind)
        standing = judge(policy, measure, standing, "records", second * 1000)
    assert standing.reason == reason


def test_the_nearest_limit_is_told_when_passing():
    """The one that would be breached first."""
    for policy, limit in [
        (AT_ONCE, 10),
        (Policy(fail=Limit(below=3)), 3),
        (Policy(on_no_data=Level.PASS), None),
    ]:
        assert judge(policy, Measure("t", 5), first_standing(0), "s", 0).limit == limit


def test_check_names_are_plain():
    """Characters outside [A-Za-z0-9_] become underscores."""
    assert check_name("lag", None) == "lag"
    assert check_name("lag", "billing-*.v2") == "lag__billing___v2"
    assert check_name("lag", "ümlaut") == "lag___mlaut"
    assert check_name("lag", "Group-AZaz09") == "lag__Group_AZaz09"
