"""A poll stays a small piece of work whatever batches hold."""

import pytest

from streamgauge.kafka.poll_size import FEWEST_BATCHES, MOST_BATCHES, MOST_RECORDS, PollSize


@pytest.mark.parametrize(
    ("batches", "records", "most"),
    [
        (8, 800, 100),
        (64, 64, MOST_BATCHES),
        (8, 8 * 50_000, FEWEST_BATCHES),
        (3, 10_000, FEWEST_BATCHES),
    ],
)
def test_the_next_poll_asks_for_batches_that_hold_what_it_aims_at(batches, records, most):
    """Within bounds."""
    size = PollSize(10_000, batches=True)
    assert size.most == FEWEST_BATCHES
    size.learn(batches, records)
    assert size.most == most


def test_a_poll_without_records_teaches_nothing():
    """Also one whose batches could not be read."""
    size = PollSize(10_000, batches=True)
    size.learn(8, 800)
    size.learn(0, 0)
    size.learn(5, 0)
    assert size.most == 100


def test_records_one_by_one_are_asked_for_in_a_fixed_number():
    """There is nothing to learn from them."""
    size = PollSize(10_000, batches=False)
    size.learn(10, 10)
    assert size.most == MOST_RECORDS
