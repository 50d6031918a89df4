"""When a record counts as live."""

from __future__ import annotations

import pytest

from streamgauge.core.live import LIVE_WITHIN_MS, Liveness


def caught_up(at_ms: int) -> Liveness:
    """A partition whose fetch answered at this time that there is nothing more."""
    liveness = Liveness()
    liveness.answered(next_offset=10, end_offset=10, answered_ms=at_ms)
    return liveness


def test_a_partition_nobody_answered_for_is_not_live() -> None:
    """Without an answered fetch nothing is known, also at the epoch itself."""
    assert not Liveness().is_live(0)


@pytest.mark.parametrize(
    ("received_ms", "live"),
    [
        (5_000, True),
        (5_000 + LIVE_WITHIN_MS, True),
        (5_000 + LIVE_WITHIN_MS + 1, False),
        (5_000 - LIVE_WITHIN_MS, True),
        (5_000 - LIVE_WITHIN_MS - 1, False),
    ],
)
def test_live_within_one_second_of_having_caught_up(received_ms: int, *, live: bool) -> None:
    """The limit counts both ways: a clock set back further leaves the distance unknown."""
    assert caught_up(5_000).is_live(received_ms) is live


def test_an_answer_that_leaves_records_behind_does_not_catch_up() -> None:
    """A restart reads old records: none of them is live until an answer reaches the end."""
    liveness = Liveness()
    liveness.answered(next_offset=500, end_offset=100_000, answered_ms=1_000)
    assert not liveness.is_live(1_001)
    liveness.answered(next_offset=100_000, end_offset=100_000, answered_ms=2_000)
    assert liveness.is_live(2_001)


def test_falling_behind_ends_live_after_a_second() -> None:
    """A burst is live for a second, the backlog behind it is not."""
    liveness = caught_up(1_000)
    for now in range(1_100, 2_500, 100):
        assert liveness.is_live(now) is (now <= 2_000)
        liveness.answered(next_offset=now, end_offset=10**9, answered_ms=now)


def test_a_log_that_was_cut_leaves_nothing_to_read() -> None:
    """A position beyond the end offset has nothing left to catch up with."""
    liveness = Liveness()
    liveness.answered(next_offset=20, end_offset=10, answered_ms=1_000)
    assert liveness.is_live(1_500)
