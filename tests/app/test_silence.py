"""How long nobody has answered for a partition."""

from __future__ import annotations

from streamgauge.app.silence import Silence

from .conftest import polled


def test_silence_is_measured_from_the_last_answer():
    """A poll without a new answer is no answer; patience is inclusive."""
    silence = Silence(10)
    silence.note(polled(p0=(0, 5, 1000), p1=(0, None, None)).progress, 100.0)
    silence.note(polled(p0=(5, 5, 1500), p1=(0, None, None)).progress, 105.0)
    assert silence.unanswered(110.0) == []
    assert silence.unanswered(110.1) == [1]
    assert silence.unanswered(115.1) == [0, 1]


def test_all_are_heard_once_each_was_answered():
    """A tail that has heard nobody yet proves nothing, nor does one that heard only some."""
    silence = Silence(10)
    assert not silence.all_heard
    silence.note(polled(p0=(0, 5, 1000), p1=(0, None, None)).progress, 100.0)
    assert not silence.all_heard
    silence.note(polled(p0=(0, 5, 1000), p1=(0, 3, 1200)).progress, 101.0)
    assert silence.all_heard


def test_a_step_of_the_wall_clock_changes_nothing():
    """Answers are told apart by their stamps, and timed by another clock."""
    silence = Silence(10)
    silence.note(polled(p0=(0, 5, 10_000_000)).progress, 100.0)
    silence.note(polled(p0=(0, 5, 1_000)).progress, 109.0)
    assert silence.unanswered(118.0) == []
    assert silence.unanswered(119.5) == [0]


def test_after_a_refusal_each_partition_must_be_heard_anew():
    """An old answer does not show that the right is back."""
    silence = Silence(10)
    silence.note(polled(p0=(0, 5, 1000), p1=(0, 5, 1000)).progress, 100.0)
    silence.begin_anew()
    silence.note(polled(p0=(0, 5, 1000), p1=(0, 5, 1300)).progress, 101.0)
    assert not silence.all_heard
    silence.note(polled(p0=(0, 5, 1400), p1=(0, 5, 1300)).progress, 102.0)
    assert silence.all_heard


def test_a_partition_that_joins_has_its_own_time():
    """Its silence begins when it joins."""
    silence = Silence(10)
    silence.note(polled(p0=(0, 5, 1000)).progress, 100.0)
    silence.note(polled(p0=(0, 5, 2000), p1=(0, None, None)).progress, 109.0)
    assert silence.unanswered(118.0) == []
    assert silence.unanswered(119.5) == [0, 1]
