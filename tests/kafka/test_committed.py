"""What an answer about committed offsets means, whether it is about one group or about many."""

from types import SimpleNamespace

import pytest

from streamgauge.kafka.answers import Forbidden, Retry
from streamgauge.kafka.committed import Committed, read_offset_fetch, read_offsets_of_groups


def read_alone(code, rows, topic):
    """As version 3 tells it."""
    response = SimpleNamespace(topics=[(topic, rows)] if rows else [], error_code=code)
    return read_offset_fetch(response, "billing", "orders")


def read_among_others(code, rows, topic):
    """As version 8 tells it, beside a group that has no problem and one that is not told."""
    told = [(partition, offset, 7, text, error, {}) for partition, offset, text, error in rows]
    topics = [(topic, told, {})] if rows else []
    fine = [("orders", [(0, 3, -1, "", 0, {})], {})]
    groups = [("fine", fine, 0, {}), ("billing", topics, code, {})]
    names = ["billing", "fine", "untold"]
    answers = read_offsets_of_groups(SimpleNamespace(groups=groups), names, "orders")
    assert list(answers) == names
    assert answers["fine"] == Committed({0: 3}, {0: ""})
    assert answers["untold"] == Retry("group untold: empty answer")
    return answers["billing"]


@pytest.fixture(params=[read_alone, read_among_others])
def read(request):
    """Reads what was told of the group `billing`; a row is partition, offset, text and error."""

    def read_rows(*rows, error_code=0, topic="orders"):
        return request.param(error_code, list(rows), topic)

    return read_rows


@pytest.mark.parametrize("code", [14, 15, 16])
def test_a_coordinator_that_moves_says_nothing_of_the_group(read, code):
    """Whether it says so for the group or, as old brokers do, for a partition."""
    for answer in (read(error_code=code), read((0, 5, "", 0), (1, -1, "", code))):
        assert isinstance(answer, Retry)
        assert f"group billing: {code} " in answer.reason


def test_missing_rights_are_named_as_they_are_granted(read):
    """30 for the group, 29 for the topic."""
    assert read(error_code=30) == Forbidden("DESCRIBE on group billing")
    assert read((0, -1, "", 29), (1, -1, "", 29)) == Forbidden("DESCRIBE on topic orders")


def test_committed_offsets_and_their_text_are_read(read):
    """-1 is no commit; a trailing NUL is librdkafka's; null text is none."""
    answer = read((0, 12, "m\0", 0), (1, -1, "", 0), (2, 0, None, 0))
    assert answer == Committed({0: 12, 1: None, 2: 0}, {0: "m", 1: "", 2: ""})


def test_a_partition_with_another_error_is_unknown_not_uncommitted(read):
    """The others keep their values."""
    answer = read((0, 12, "", 0), (1, -1, "", 88))
    assert isinstance(answer, Committed)
    assert answer.offsets == {0: 12}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], {}),
        ([(0, 12, "", 0)], {"topic": "payments"}),
        ([(0, -1, "", 3)], {}),
        ([], {"error_code": -1}),
        ([], {"error_code": 9999}),
    ],
)
def test_an_answer_about_nothing_asked_is_asked_again(read, rows, told):
    """An empty answer never means that nothing is committed."""
    assert isinstance(read(*rows, **told), Retry)


def test_version_1_has_no_error_for_the_group():
    """Its response carries no such field."""
    response = SimpleNamespace(topics=[("orders", [(0, 12, "", 0)])])
    assert read_offset_fetch(response, "g", "orders") == Committed({0: 12}, {0: ""})
