"""What error codes of the brokers mean to the gauge."""

from types import SimpleNamespace
from uuid import uuid4

import pytest

from streamgauge.kafka.answers import (
    Absent,
    Committed,
    Forbidden,
    Present,
    Retry,
    read_list_offsets,
    read_offset_fetch,
    read_topic,
)
from streamgauge.kafka.errors import UnexpectedAnswerError

TOPIC_ID = uuid4()


def offset_fetch(*rows, error_code=0, topic="orders"):
    """An OffsetFetch response; a row is partition, offset, metadata and error code."""
    return SimpleNamespace(topics=[(topic, list(rows))] if rows else [], error_code=error_code)


@pytest.mark.parametrize("code", [14, 15, 16])
def test_a_coordinator_that_moves_says_nothing_of_the_group(code):
    """Whether it says so for the group or, as old brokers do, for a partition."""
    for response in (
        offset_fetch(error_code=code),
        offset_fetch((0, 5, "", 0), (1, -1, "", code)),
    ):
        answer = read_offset_fetch(response, "billing", "orders")
        assert isinstance(answer, Retry)
        assert f"group billing: {code} " in answer.reason


def test_missing_rights_are_named_as_they_are_granted():
    """30 for the group, 29 for the topic."""
    of_group = offset_fetch(error_code=30)
    of_topic = offset_fetch((0, -1, "", 29), (1, -1, "", 29))
    assert read_offset_fetch(of_group, "g", "orders") == Forbidden("DESCRIBE on group g")
    assert read_offset_fetch(of_topic, "g", "orders") == Forbidden("DESCRIBE on topic orders")


def test_committed_offsets_and_their_text_are_read():
    """-1 is no commit; a trailing NUL is librdkafka's; null text is none."""
    rows = (0, 12, "m\0", 0), (1, -1, "", 0), (2, 0, None, 0)
    answer = read_offset_fetch(offset_fetch(*rows), "g", "orders")
    assert answer == Committed({0: 12, 1: None, 2: 0}, {0: "m", 1: "", 2: ""})


def test_a_partition_with_another_error_is_unknown_not_uncommitted():
    """The others keep their values."""
    response = offset_fetch((0, 12, "", 0), (1, -1, "", 88))
    answer = read_offset_fetch(response, "g", "orders")
    assert isinstance(answer, Committed)
    assert answer.offsets == {0: 12}


@pytest.mark.parametrize(
    "response",
    [
        offset_fetch(),
        offset_fetch((0, 12, "", 0), topic="payments"),
        offset_fetch((0, -1, "", 3)),
        offset_fetch(error_code=-1),
        offset_fetch(error_code=9999),
    ],
)
def test_an_answer_about_nothing_asked_is_asked_again(response):
    """An empty answer never means that nothing is committed."""
    assert isinstance(read_offset_fetch(response, "g", "orders"), Retry)


def test_version_1_has_no_error_for_the_group():
    """Its response carries no such field."""
    response = SimpleNamespace(topics=[("orders", [(0, 12, "", 0)])])
    assert read_offset_fetch(response, "g", "orders") == Committed({0: 12}, {0: ""})


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
