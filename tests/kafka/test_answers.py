"""What error codes of the brokers mean to the gauge."""

from types import SimpleNamespace
from uuid import uuid4

import pytest

from streamgauge.kafka.answers import (
    Absent,
    Forbidden,
    Present,
    read_list_offsets,
    read_topic,
)
from streamgauge.kafka.errors import UnexpectedAnswerError

TOPIC_ID = uuid4()


def metadata(*topics, version=12):
    """A Metadata response; a topic is error code, name and partitions."""
    rows = [
        (code, name, TOPIC_ID, False, partitions, -(2**31), {})
        if version == 12
        else (code, name, False, partitions)
        for code, name, partitions in topics
    ]
    return SimpleNamespace(API_VERSION=version, topics=rows)


def test_a_present_topic_shows_its_partitions_and_leaders():
    """With its id where the broker tells one; a partition without leader is told apart."""
    rows = [(0, 1, 7, 0, [7], [7], [], {}), (5, 0, -1, 0, [7], [], [7], {})]
    state = read_topic(metadata((0, "orders", rows)), "orders")
    assert state == Present(TOPIC_ID, {0: -1, 1: 7})
    assert state.partitions == (0, 1)
    assert state.leaderless == {0}
    old = read_topic(metadata((0, "orders", [(0, 0, 7, [7], [7])]), version=5), "orders")
    assert old == Present(None, {0: 7})


def test_absence_and_a_missing_right_are_different_states():
    """Each is told as what it is."""
    assert read_topic(metadata((3, "orders", [])), "orders") == Absent()
    assert read_topic(metadata((29, "orders", [])), "orders") == Forbidden(
        "DESCRIBE on topic orders"
    )


def test_an_answer_without_a_rule_is_an_error():
    """It names topic and code."""
    with pytest.raises(UnexpectedAnswerError, match=r"'a/b': 17 INVALID_TOPIC"):
        read_topic(metadata((17, "a/b", [])), "a/b")
    with pytest.raises(UnexpectedAnswerError, match="does not name it"):
        read_topic(metadata((0, "payments", [])), "orders")


def test_list_offsets_tells_errors_by_partition():
    """One partition's error leaves the others' answers standing."""
    response = SimpleNamespace(
        topics=[("orders", [(0, 0, -1, 12), (1, 6, -1, -1), (2, 0, -1, -1)])]
    )
    assert read_list_offsets(response) == ({0: 12, 2: -1}, {1: 6})
