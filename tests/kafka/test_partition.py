"""What a tail says of one partition follows from the answers it took in."""

from streamgauge.kafka.partition import TailedPartition
from streamgauge.kafka.polled import Progress


def test_before_the_first_answer_nothing_is_known():
    """The position is, the log is not."""
    assert TailedPartition(7).progress == Progress(7, end_offset=None, answered_ms=None)


def test_an_answer_handed_out_in_pieces_is_one_answer():
    """Its pieces share receipt time and live; the last piece catches up."""
    partition = TailedPartition(0)
    partition.take_in(0, stamp=1, end_offset=0, arrived_ms=1_000)
    assert partition.take_in(40, stamp=2, end_offset=100, arrived_ms=1_500)
    assert (partition.received_ms, partition.live) == (1_500, True)
    assert not partition.take_in(100, stamp=2, end_offset=100, arrived_ms=9_999)
    assert (partition.received_ms, partition.live) == (1_500, True)
    assert partition.take_in(110, stamp=3, end_offset=110, arrived_ms=2_500)
    assert partition.live
    assert partition.progress == Progress(110, end_offset=110, answered_ms=2_500)


def test_the_first_records_after_a_start_are_not_live():
    """They were in the log before anybody looked."""
    partition = TailedPartition(0)
    partition.take_in(100, stamp=1, end_offset=100, arrived_ms=1_000)
    assert not partition.live
    partition.take_in(101, stamp=2, end_offset=101, arrived_ms=1_100)
    assert partition.live


def test_two_answers_in_the_same_millisecond_are_told_apart_by_their_ends():
    """The stamp of an answer has milliseconds only."""
    partition = TailedPartition(0)
    partition.take_in(5, stamp=1, end_offset=5, arrived_ms=1_000)
    assert partition.take_in(6, stamp=1, end_offset=9, arrived_ms=1_000)
    assert partition.progress == Progress(6, end_offset=9, answered_ms=1_000)


def test_answers_from_before_a_seek_say_nothing_of_the_new_position():
    """The old end offset is below the new position and would look caught up."""
    partition = TailedPartition(0)
    partition.take_in(10, stamp=1, end_offset=50, arrived_ms=1_000)
    partition.seek(80, stamp=1)
    assert not partition.take_in(80, stamp=1, end_offset=50, arrived_ms=1_050)
    partition.take_in(90, stamp=2, end_offset=200, arrived_ms=1_100)
    assert not partition.live
