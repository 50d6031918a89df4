"""What a process does with what it finds in the slots: one row of the table for each case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamgauge.core.keeping import Goes
from streamgauge.core.state.keys import topic_key
from streamgauge.core.taking_over import Begins, TakingOver, ToldPosition

A, B, D = ("orders", 0), ("orders", 1), ("dlq", 0)
LIFE = "a" * 16


@pytest.fixture
def find(state):
    """What is found: `find({A: 5}, lost={B}, before={A: 4}, forgotten={D: 2})`, by positions."""

    def find(
        stored, *, lost=(), before=(), forgotten=(), absent=(), life="0" * 16, topics=("orders",)
    ):
        states = {place: state(position=at) for place, at in stored.items()}
        states |= {p: replace(state(position=5), forgotten=True) for p in forgotten}
        if absent:
            states[A] = replace(states[A], absent_topics=tuple(map(topic_key, absent)))
        known = {place: state(position=at) for place, at in dict(before).items()}
        return TakingOver(states, frozenset(lost), known, life, frozenset(topics))

    return find


def told(positions, life=LIFE):
    """The last reports."""
    return {place: ToldPosition(life, at) for place, at in positions.items()}


BOTH = ("orders", "dlq")
CASES = {
    "first start": ({}, {}, {}, None),
    "goes on": ({A: 5, B: 7}, {}, {}, "goes"),
    "goes on, told as much": ({A: 5}, {}, {A: 5}, "goes"),
    "told less": ({A: 5}, {}, {A: 3}, "goes"),
    "told more": ({A: 5, B: 7}, {}, {A: 6}, {A: 6 - 1, B: 7}),
    "seen more": ({A: 5}, {"before": {A: 6}, "life": LIFE}, {}, {A: 5}),
    "seen more of another life": ({A: 5}, {"before": {A: 6}}, {}, "goes"),
    "all gone, nothing known": ({}, {}, {A: 9}, {A: 9}),
    "all gone at work": ({}, {"before": {A: 6}, "lost": {A}}, {A: 9}, "here"),
    "all forgotten": ({}, {"forgotten": {A, B}}, {A: 9}, {}),
    "all forgotten at work": ({}, {"forgotten": {A}, "before": {A: 6}}, {}, "here"),
    "one lost": ({A: 5}, {"lost": {B}}, {B: 4}, {A: 5, B: 4}),
    "one lost, slot counts more than report": ({A: 5}, {"lost": {B}}, {A: 3}, {A: 5}),
    "all unreadable, nothing told": ({}, {"lost": {A}}, {}, None),
    "one unreadable, others forgotten": ({}, {"lost": {B}, "forgotten": {A}}, {}, {}),
    "new topic": ({A: 5}, {"topics": BOTH}, {}, "goes"),
    "topic that came meanwhile": ({A: 5}, {"topics": BOTH, "absent": ["dlq"]}, {}, "goes"),
}


@pytest.mark.parametrize("case", CASES)
def test_decisions(find, case):
    """Whether the life goes on, and else where the new one begins."""
    stored, more, last, expected = CASES[case]
    decided = find(stored, **more).decide(told(last))
    if expected == "goes":
        assert isinstance(decided, Goes)
        assert decided.life == LIFE
        assert decided.everything == stored
    elif expected == "here":
        assert isinstance(decided, Begins)
        assert decided.positions is None
        assert decided.why
    elif expected is None:
        assert decided is None
    else:
        assert isinstance(decided, Begins)
        assert (decided.positions, decided.recreated) == (expected, frozenset())
        assert decided.why


def test_a_topic_that_was_told_and_has_no_slot_was_recreated(find):
    """All others go on from where they are, in a new life."""
    decided = find({A: 5}, topics=BOTH).decide(told({A: 5, D: 2}))
    assert (decided.positions, decided.recreated) == ({A: 5}, {"dlq"})
    assert decided.why == "dlq was created anew"


@pytest.mark.parametrize(
    ("stored", "more", "must"),
    [
        ({A: 5}, {}, False),
        ({A: 5}, {"topics": BOTH}, True),
        ({A: 5}, {"topics": BOTH, "absent": ["dlq"]}, False),
        ({A: 5}, {"lost": {B}}, True),
        ({}, {}, True),
        ({}, {"before": {A: 1}, "lost": {A}}, False),
        ({}, {"forgotten": {A}}, False),
    ],
)
def test_only_what_cannot_be_decided_without_waits_for_reports(find, stored, more, must):
    """A Dagster that is away delays no usual start."""
    assert find(stored, **more).must_ask is must


@pytest.mark.parametrize(("stored", "forgotten"), [({A: 5}, set()), ({}, {A})])
def test_a_new_life_begins_after_all_that_stand_there(find, stored, forgotten):
    """The states of the test began at second 100."""
    lost = {B} if stored else set()
    assert find(stored, lost=lost, forgotten=forgotten).decide({}).after_ms == 100_000
