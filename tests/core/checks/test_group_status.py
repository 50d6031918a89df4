"""`group_status`: every status has its severity, but for those that are nothing to judge."""

from __future__ import annotations

import pytest

from streamgauge.core.checks.group_status import GROUP_STATUS
from streamgauge.core.checks.standing import first_standing, judge
from streamgauge.model import Blind, GroupStatus


def level(measure):
    """What is said of it by default, at once."""
    return judge(GROUP_STATUS, GROUP_STATUS.default, measure, first_standing(0), 0).level.value


@pytest.mark.parametrize(
    ("status", "value", "told"),
    [
        (GroupStatus.OK, 0, "pass"),
        (GroupStatus.LAGGING, 1, "warn"),
        (GroupStatus.REWOUND, 2, "warn"),
        (GroupStatus.STALLED, 3, "fail"),
        (GroupStatus.STOPPED, 4, "fail"),
        (GroupStatus.EMPTY, None, "unknown"),
    ],
)
def test_measure(group, measure, status, value, told):
    """The text is the reason that the group's status has."""
    view = group(status=status, status_reason="partition 3 has stood at offset 5 for 40 s")
    measured = measure(GROUP_STATUS, "a", {"a": view})
    assert measured.text == f"a is {status.value}: partition 3 has stood at offset 5 for 40 s"
    assert (measured.value, measured.blind, level(measured)) == (value, None, told)


@pytest.mark.parametrize(("since_ms", "blind_ms"), [(980_000, 980_000), (None, 999_000)])
def test_an_unknown_status_is_blindness(group, measure, since_ms, blind_ms):
    """Since it is unknown, for the reason that it has."""
    view = group(status=GroupStatus.UNKNOWN, status_reason="no answer", status_since_ms=since_ms)
    measured = measure(GROUP_STATUS, "a", {"a": view})
    assert measured.value is None
    assert measured.blind == Blind("group a", blind_ms, "no answer")
    assert level(measured) == "unknown"


def test_the_worst_group_of_a_pattern_is_named(group, measure):
    """One that has committed nothing is not the worst; one that is unknown forbids a pass."""
    groups = {
        "b-1": group(status=GroupStatus.EMPTY),
        "b-2": group(status=GroupStatus.REWOUND),
        "b-3": group(status=GroupStatus.STALLED, status_reason="it stands"),
        "c": group(),
    }
    assert measure(GROUP_STATUS, "b-*", groups).text == "b-3 is STALLED: it stands"
    assert level(measure(GROUP_STATUS, "[bc]*1", groups | {"c-1": group()})) == "pass"
    groups["c-2"] = group(status=GroupStatus.UNKNOWN, status_reason="no answer")
    unknown = measure(GROUP_STATUS, "c*", groups)
    assert (level(unknown), unknown.blind.reason) == ("unknown", "group c-2: no answer")
    assert level(measure(GROUP_STATUS, "*", groups)) == "fail"
