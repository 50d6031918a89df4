"""Names and keys: all that the core counts has a code, and codes and keys never change."""

from __future__ import annotations

from dataclasses import fields

import pytest

from streamgauge.core.state.keys import cause_key, class_key, group_key
from streamgauge.core.state.names import (
    COUNTERS,
    EVENT_TIME_NAMES,
    NAMED_COUNTS,
    REJECTION_NAMES,
    bounded,
    class_name_end,
    code_of,
    name_of,
)
from streamgauge.core.state.partition_state import PartitionState
from streamgauge.core.totals import NO_EVENT_TIME, Totals
from streamgauge.core.trace_context import Rejection
from streamgauge.model import EVENT_TIME_SOURCES


def test_everything_that_totals_count_has_a_place():
    """A field, a source or a reason that is added to the core must be added to the state too."""
    by_type = {each.name: each.type for each in fields(Totals)}
    of_deaths = {"retrying", "causes", "other_causes", "death_ages", "append_to_death"}
    assert by_type.keys() == {*COUNTERS, *NAMED_COUNTS, "arrival_ages", "groups", *of_deaths}
    assert {by_type[name] for name in COUNTERS} == {"int"}
    assert {by_type[name] for name in NAMED_COUNTS} == {"dict[str, int]"}
    assert by_type.keys() <= {each.name for each in fields(PartitionState)}
    assert {"other", NO_EVENT_TIME, *EVENT_TIME_SOURCES} == set(EVENT_TIME_NAMES)
    assert {"other", *Rejection} == set(REJECTION_NAMES)


def test_a_name_is_its_place():
    """And a number where a newer version has more names."""
    assert [code_of(name, EVENT_TIME_NAMES) for name in EVENT_TIME_NAMES] == [0, 1, 2, 3, 4, 5]
    assert [name_of(code, EVENT_TIME_NAMES) for code in (0, 5, 6)] == ["other", "record", "#6"]
    assert code_of("#6", EVENT_TIME_NAMES) == 6
    assert code_of("#63", EVENT_TIME_NAMES) == 63


@pytest.mark.parametrize(
    "name", ["", "Header", "#5", "#64", "#06", "#-1", "#6 ", "#6\n", "6", "#٦"]
)
def test_other_names_have_no_code(name):
    """They count as `other`, together with what does already."""
    assert code_of(name, EVENT_TIME_NAMES) is None
    counts = {"header": 2, name: 3, "other": 4, "record": 0, "#6": 5}
    assert bounded(counts, EVENT_TIME_NAMES) == {"header": 2, "other": 7, "#6": 5}


def test_keys_never_change():
    """The first 8 bytes of SHA-256: of the name, or of names and message with a NUL between."""
    assert group_key("billing") == "0c95c7ece1ce1a97"
    assert group_key("") == "e3b0c44298fc1c14"
    assert group_key("größe") != group_key("grosse")
    assert (
        len({cause_key("a", "b", "cd"), cause_key("a", "bc", "d"), cause_key("ab", "c", "d")}) == 3
    )
    assert cause_key("a", "b", "c") == group_key("a\0b\0c")
    assert class_key("a", "b") == group_key("a\0b") != cause_key("a", "b", "")
    assert len(group_key("\ud800")) == 16


@pytest.mark.parametrize(
    ("class_name", "size", "end"),
    [
        ("org.example.InvalidSku", 64, "org.example.InvalidSku"),
        ("org.example.InvalidSku", 10, "InvalidSku"),
        ("org.example.InvalidSku", 0, ""),
        ("", 5, ""),
        ("aä", 1, ""),
        ("aä", 2, "ä"),
        ("\ud800x", 64, "?x"),
    ],
)
def test_the_end_of_a_class_name(class_name, size, end):
    """Never more bytes than asked for, and never half a character."""
    assert class_name_end(class_name, size) == end
