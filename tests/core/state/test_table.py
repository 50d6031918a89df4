"""Sections: what a text holds byte by byte, and that forged content is refused with its reason."""

from __future__ import annotations

import re

import pytest

from streamgauge.core.histogram import Histogram
from streamgauge.core.state.detail import LADDER
from streamgauge.core.state.errors import StateDamagedError
from streamgauge.core.state.frame import Framed
from streamgauge.core.state.sections import table
from streamgauge.core.state.sections.table import (
    FORMAT_VERSION,
    OLDEST_READER,
    SECTIONS,
    read_body,
    write_body,
)

from .conftest import full_of_deaths, full_state, planted

IDENTITY = (
    "00 0123456789abcdef fedcba9876543210 06 54074efba101 640000000000 640000000000 010000000000 00"
)


def section(tag, content):
    """One section, its content in hexadecimal digits."""
    data = bytes.fromhex(content)
    return bytes((tag,)) + len(data).to_bytes(2, "little") + data


def read(*sections, version=FORMAT_VERSION):
    """The state of a body with these sections behind a right identity."""
    return read_body(Framed(version, version, section(1, IDENTITY) + b"".join(sections)))


def split(body):
    """Content by tag."""
    found, at = {}, 0
    while at < len(body):
        size = int.from_bytes(body[at + 1 : at + 3], "little")
        found[body[at]] = body[at + 3 : at + 3 + size]
        at += 3 + size
    return found


def test_the_documented_table_is_the_one_that_is_used():
    """Every tag with its name, and the newest format among them."""
    rows = re.findall(r"^\| (\d+) \| ([a-z ]+?) +\| (\d+) \|", table.__doc__, re.MULTILINE)
    assert {int(tag): name for tag, name, _ in rows} == {
        tag: each.name for tag, each in SECTIONS.items()
    }
    assert max(int(since) for _, _, since in rows) == FORMAT_VERSION
    assert 1 <= OLDEST_READER <= FORMAT_VERSION


def test_a_planted_state_is_its_identity():
    """Nothing counted is nothing written, but for the one histogram that is empty."""
    body = write_body(planted(), LADDER[0])
    assert split(body) == {1: bytes.fromhex(IDENTITY), 4: bytes.fromhex("01 00 00")}
    assert read(section(4, "01 00 00")) == read() == planted()


def test_full_states_have_every_section():
    """In the order of their tags; one has groups and the other deaths."""
    bodies = (write_body(state, LADDER[0]) for state in (full_state(), full_of_deaths()))
    living, dead = (list(split(body)) for body in bodies)
    assert living == [tag for tag in SECTIONS if tag != 10]
    assert dead == [tag for tag in SECTIONS if tag not in {5, 6, 8}]


KEY, KEY_2 = "11" * 8, "22" * 8
TWO_GROUPS = section(5, f"02 {KEY} {KEY_2} 01 09 00 01 05 06")
TWO_HISTOGRAMS = section(4, "02 00 00")
TWO_CAUSES = section(7, f"00 02 {KEY} {KEY_2} 01 03 04 0000")


@pytest.mark.parametrize(
    ("sections", "why"),
    [
        ([section(2, "01 000102030405060708 00")], r"section 2 \(counters\) goes on after its end"),
        ([section(2, "01 0001020304050607")], r"section 2 \(counters\) ends 1 bytes too early"),
        ([section(2, "08" + "ff" * 72)], "counter.*: must be at least 0 and less than"),
        ([section(3, "41 00 00 00 00 00")], r"\(named counts\) says that event_times has 65 names"),
        ([section(4, "00 01 00")], r"\(ages\) says that histograms hold \[\]"),
        ([section(4, "01 00 07 00000000000020")], r"\(ages\) says that histograms hold \[9007199"),
        ([section(4, "01 00 01 03 ff")], "splits"),
        ([section(4, "01 01 01 00")], "0 ages of 1 ms in all are in no histogram"),
        ([TWO_HISTOGRAMS], "the state lacks a section"),
        ([TWO_HISTOGRAMS, TWO_GROUPS, section(6, "00")], "has 0 groups for 1 histograms"),
        ([TWO_HISTOGRAMS, TWO_GROUPS, section(6, "02 0001 00 00 00")], "has 2 groups for 1"),
        ([TWO_HISTOGRAMS, TWO_GROUPS, section(6, "02 0101 00 00 00")], r"groups \[1, 1\] of 2"),
        ([TWO_HISTOGRAMS, TWO_GROUPS, section(6, "01 02 00 00 00")], r"groups \[2\] of 2"),
        ([TWO_HISTOGRAMS, section(6, "01 00 00 00 00")], r"groups \[0\] of 0"),
        ([section(5, f"02 {KEY} {KEY} 00 00")], r"section 5 \(groups\) names something twice"),
        ([section(7, f"00 01 {KEY} 00 01 ff")], "holds a class name that is not UTF-8"),
        ([section(7, f"00 01 {KEY} 00 41 {'61' * 65}")], "is longer than 64 bytes"),
        ([section(9, f"02 {KEY} {KEY}")], r"section 9 \(absent topics\) names something twice"),
        ([section(8, f"00 01 {KEY} 07 00 00")], "holds a status that is unknown"),
        ([section(8, f"00 01 {KEY} 80 00 00")], "holds a status that is unknown"),
        ([TWO_GROUPS, section(8, f"01 00 01 {KEY} 0000 00 00")], "names a group twice"),
        ([section(1, IDENTITY)], "has section 1 after section 1"),
        ([section(3, "00"), section(2, "00")], "has section 2 after section 3"),
        ([b"\x02\xff\x00"], "the row of sections ends 255 bytes too early"),
        ([section(10, "00 00 00")], r"section 10 \(deaths\) ends 1 bytes too early"),
        ([section(10, "00 00 00 00 00")], "there are 1 bytes of splits where it takes 0"),
        ([section(10, f"00 02 {KEY} {KEY} 00 00")], r"\(deaths\) names something twice"),
        ([TWO_CAUSES, section(10, f"00 01 {KEY} 0102 00 00")], r"names the groups \[1, 2\] of 1"),
        ([TWO_CAUSES, section(10, "00 00 0001 00 00")], r"names the groups \[0, 1\] of 0"),
        ([TWO_CAUSES, section(10, f"00 01 {KEY} 01")], r"\(deaths\) ends 1 bytes too early"),
        ([section(10, "08 ffffffffffffffff 00 00 00")], "retrying.*: must be at least 0 and less"),
        ([section(10, "00 00 00 07 00000000000020 00000000000000")], r"histograms hold \[9007199"),
        ([section(10, "00 00 01 0001 00")], "0 ages of 1 ms in all are in no histogram"),
        ([TWO_GROUPS, section(10, "01 05 00 00 00")], "groups, retrying: a state holds groups"),
        ([section(11, "00")], r"a state of format 4 has no sections \[11\]"),
    ],
)
def test_forged_sections_are_refused(sections, why):
    """A right checksum around wrong content."""
    with pytest.raises(StateDamagedError, match=why):
        read(*sections)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "the state lacks a section"),
        (section(2, "00"), "the state lacks a section"),
        (section(1, "04" + IDENTITY[2:]), r"\(identity\) has the unknown flags 4"),
        (section(1, "01" + IDENTITY[2:]), r"\(identity\) goes on after its end"),
    ],
)
def test_a_wrong_identity_is_refused(body, why):
    """Without it there is no state."""
    with pytest.raises(StateDamagedError, match=why):
        read_body(Framed(FORMAT_VERSION, OLDEST_READER, body))


def test_two_groups_read_as_they_were_written():
    """The forgeries above differ from this by what is wrong with them."""
    state = read(TWO_HISTOGRAMS, TWO_GROUPS, section(6, "01 01 00 01 03 01 04"))
    first, second = state.groups.items()
    assert first == (KEY, (8, 5, None))
    assert second[0] == KEY_2
    assert second[1][:2] == (None, 6)
    assert (second[1].processed.aged_to, *second[1].processed[2:]) == (None, 3, 4)


def test_deaths_read_as_they_were_written():
    """The forgeries above differ from this by what is wrong with them."""
    deaths = f"01 05 01 {KEY} 0001 01 07 00 01 03 00 fffe"
    state = read(TWO_CAUSES, section(10, deaths))
    assert state.causes == {KEY: ("", 3, None), KEY_2: ("", 4, KEY)}
    assert state.retrying == 5
    assert (state.death_ages.sum_ms, *state.death_ages.counts[:3]) == (7, 2, 1, 0)
    assert state.append_to_death == Histogram()
    assert split(write_body(state, LADDER[0]))[10] == bytes.fromhex(deaths)
