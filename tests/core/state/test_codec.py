"""A state as text and back: all of it, of every version, and only at its own offset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.core.state import codec
from streamgauge.core.state.codec import decode, encode
from streamgauge.core.state.detail import LADDER, LeftOut
from streamgauge.core.state.errors import StateDamagedError, StateError, StateTooNewError
from streamgauge.core.state.frame import MARK, Framed, framed, unframed
from streamgauge.core.state.limits import TEXT_UNITS
from streamgauge.core.state.partition_state import NewerParts, PartitionState
from streamgauge.core.state.sections import table
from streamgauge.core.state.sections.table import (
    FORMAT_VERSION,
    OLDEST_READER,
    SECTIONS,
    write_body,
)

from .conftest import (
    format_1_fields,
    format_2_fields,
    format_3_fields,
    full_of_deaths,
    planted,
    states,
    unhurried,
)

DATA = Path(__file__).parent / "data"


def golden(name):
    """A text that was written once and is never written again."""
    return (DATA / name).read_text(encoding="utf-8").rstrip("\n")


@unhurried
@given(states())
def test_a_state_comes_back_whole(state):
    """Every field of any state; equal states give equal texts."""
    encoded = encode(state)
    assert encoded.left_out == LeftOut()
    assert len(encoded.text.encode("utf-16-le")) <= 2 * TEXT_UNITS
    back = decode(encoded.text, state.position)
    assert back == state
    assert list(back.groups) == list(state.groups)
    assert encode(back).text == encoded.text


def test_a_state_with_everything_comes_back(everything):
    """The one of the golden text, and no two of its fields are taken for each other."""
    assert decode(encode(everything).text, everything.position) == everything


def test_the_format_has_not_changed():
    """What a released version wrote is read for ever, and written the same.

    Compared is what is packed: another zlib may pack it into other bytes.
    """
    state, text = full_of_deaths(), golden(f"format_{FORMAT_VERSION}.txt")
    assert decode(text, state.position) == state
    assert unframed(encode(state).text) == unframed(text)
    assert unframed(text)[:2] == (FORMAT_VERSION, OLDEST_READER)


@pytest.mark.parametrize(
    ("version", "fields"),
    [(1, format_1_fields()), (2, format_2_fields()), (3, format_3_fields())],
)
def test_an_older_format_is_read_and_written_as_the_present_one(version, fields):
    """What it does not have counts nothing, and what it has is written as it was."""
    text = golden(f"format_{version}.txt")
    assert unframed(text).format_version == version
    state = decode(text, fields["position"])
    assert state == PartitionState(**fields)
    again = unframed(encode(state).text)
    assert (again.format_version, again.body) == (FORMAT_VERSION, unframed(text).body)


def test_a_reader_of_format_3_carries_deaths_on_unread(monkeypatch):
    """It counts on beside them, and the next reader of format 4 finds them as they were."""
    deaths = full_of_deaths()
    text = encode(deaths).text
    grown = {"position": deaths.position + 2, "dead_letters": deaths.dead_letters + 2}
    with monkeypatch.context() as older:
        older.setattr(codec, "FORMAT_VERSION", 3)
        older.setattr(table, "FORMAT_VERSION", 3)
        older.delitem(SECTIONS, 10)
        state = decode(text, deaths.position)
        assert [tag for tag, _ in state.newer.sections] == [10]
        assert (state.retrying, state.death_ages.count) == (0, 0)
        assert {cause.group for cause in state.causes.values()} == {None}
        assert encode(state).text == text
        text = encode(replace(state, **grown)).text
    assert decode(text, grown["position"]) == replace(deaths, **grown)


def test_a_newer_format_is_read_as_far_as_known_and_carried_on(everything):
    """Its sections come back byte for byte, also after this version has counted on."""
    sections = ((11, b"new\x00"), (200, bytes(range(99))))
    body = write_body(everything, LADDER[0]) + b"\x0b\x04\x00new\x00\xc8\x63\x00" + sections[1][1]
    text = framed(Framed(FORMAT_VERSION + 3, FORMAT_VERSION, body))
    state = decode(text, everything.position)
    assert state.newer == NewerParts(FORMAT_VERSION + 3, FORMAT_VERSION, sections)
    assert replace(state, newer=None) == everything
    assert encode(state).text == text
    later = replace(state, position=state.position + 1, records=state.records + 1)
    again = unframed(encode(later).text)
    assert again[:2] == (FORMAT_VERSION + 3, FORMAT_VERSION)
    assert again.body.endswith(b"\xc8\x63\x00" + sections[1][1])
    assert decode(encode(later).text, later.position) == later


def test_names_of_a_newer_version_are_carried_on():
    """A code without a name here keeps its count under a number."""
    state = planted(rejected_contexts={"other": 1, "#17": 5, "#63": 6})
    assert decode(encode(state).text, state.position) == state


def test_what_takes_a_newer_reader_is_refused(everything):
    """Rather than gone on from wrongly."""
    text = framed(Framed(FORMAT_VERSION + 2, FORMAT_VERSION + 1, write_body(everything, LADDER[0])))
    with pytest.raises(
        StateTooNewError, match=r"format 6 and takes a reader of format 5; this one"
    ):
        decode(text, everything.position)


@pytest.mark.parametrize("offset", [0, 99, 101])
def test_a_state_is_good_at_its_own_offset_only(offset):
    """Whoever resets offsets by hand moves the commit and leaves the metadata."""
    text = encode(planted()).text
    with pytest.raises(StateDamagedError, match=f"for offset 100 and stands at offset {offset}"):
        decode(text, offset)


@given(st.text(max_size=40), st.sampled_from(["", MARK]))
def test_any_other_text_is_refused(text, mark):
    """Nothing but a state is read as one."""
    with pytest.raises(StateError):
        decode(mark + text, 0)
