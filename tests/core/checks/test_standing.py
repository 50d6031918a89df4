"""What a standing says: reasons, limits and times. How levels move is in `scenarios/`."""

from __future__ import annotations

import pytest

from streamgauge.core.checks.group_status import GROUP_STATUS
from streamgauge.core.checks.lag import LAG
from streamgauge.core.checks.policy import Limit, Measure, Policy, check_name
from streamgauge.core.checks.standing import Standing, first_standing, judge
from streamgauge.model import Blind, LagBound, Level


def levels(policy, *seen):
    """The level, second by second, after each value; '5?' is a 5 measured while partly blind."""
    standing, told = first_standing(0), []
    for second, value in enumerate(seen):
        blind = Blind("x", 0, "broker away") if isinstance(value, str) else None
        measure = Measure("it is so", float(str(value).rstrip("?")), blind)
        standing = judge(LAG, policy, measure, standing, second * 1000)
        told.append(standing.level.value[0])
    return "".join(told)


AT_ONCE = Policy(warn=Limit(above=10), fail=Limit(above=100))
LATER = Policy(warn=Limit(above=10, for_ms=60_000), fail=Limit(above=100, for_ms=20_000))
AT_MOST_LAGGING = Policy(fail=Limit(above=1))
KEEPS = Policy(fail=Limit(above=0), keep_failing_for_ms=30_000, on_no_data=Level.PASS)


@pytest.mark.parametrize(("steps", "expected"), [([1, 2, 9, 10], "wppw"), (["10?", "1?"], "wu")])
def test_a_limit_may_have_both_ends(steps, expected):
    """Of a gauge that is partly blind only the upper one counts."""
    assert levels(Policy(warn=Limit(above=9, below=2)), *steps) == expected


@pytest.mark.parametrize(
    ("bound", "breached"),
    [
        (LagBound.EXACT, [2, None, None, 9]),
        (LagBound.LOWER, [None, None, None, 9]),
        (LagBound.UPPER, [2, None, None, None]),
    ],
)
def test_a_limit_is_breached_only_for_sure(bound, breached):
    """What is at least so much may be more, what is at most so much may be less."""
    limit = Limit(above=9, below=2)
    assert [limit.breached_by(value, bound) for value in (1, 2, 9, 10)] == breached


def test_a_limit_on_a_status_is_told_by_name():
    """Its number says nothing to anybody."""
    standing = judge(
        GROUP_STATUS, AT_MOST_LAGGING, Measure("g is STOPPED", 4), first_standing(0), 0
    )
    assert standing.reason == "g is STOPPED (limit LAGGING)"
    assert [GROUP_STATUS.amount(value) for value in (0, 4.0, 5, 1.5, -1, None)] == [
        "OK", "STOPPED", "5 severity", "1.5 severity", "-1 severity", "? severity",
    ]  # fmt: skip


def test_since_is_when_the_level_changed():
    """A level that stays keeps its beginning; limit and value are those of now."""
    standing = first_standing(0)
    assert standing == Standing(Level.UNKNOWN, 0, "not evaluated yet")
    seen = []
    for now_ms, value in [(1000, 5), (2000, 50), (3000, 60), (4000, 600)]:
        standing = judge(LAG, AT_ONCE, Measure("t", value), standing, now_ms)
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
        standing = judge(LAG, policy, measure, standing, second * 1000)
    assert standing.reason == reason


def test_the_nearest_limit_is_told_when_passing():
    """The one that would be breached first."""
    for policy, limit in [
        (AT_ONCE, 10),
        (Policy(fail=Limit(below=3)), 3),
        (Policy(on_no_data=Level.PASS), None),
    ]:
        assert judge(LAG, policy, Measure("t", 5), first_standing(0), 0).limit == limit


def test_check_names_are_plain():
    """Characters outside [A-Za-z0-9_] become underscores."""
    assert check_name("lag", None) == "lag"
    assert check_name("lag", "billing-*.v2") == "lag__billing___v2"
    assert check_name("lag", "ümlaut") == "lag___mlaut"
    assert check_name("lag", "Group-AZaz09") == "lag__Group_AZaz09"
