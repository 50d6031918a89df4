"""Where partitions begin, and when a topic is another one."""

from __future__ import annotations

from uuid import UUID

import pytest

from streamgauge.app.positions import Positions
from streamgauge.kafka.errors import BrokersUnavailableError

from .conftest import log, present
from .jumping import FIRST_ID, SECOND_ID, at_once


@pytest.mark.parametrize(
    ("before", "now", "another"),
    [
        (FIRST_ID, FIRST_ID, False),
        (FIRST_ID, SECOND_ID, True),
        (FIRST_ID, None, False),
        (None, SECOND_ID, False),
        (None, None, False),
    ],
)
@at_once
async def test_only_two_different_ids_mean_another_topic(before, now, another, context, cluster):
    """In a cluster that is being upgraded some brokers tell the id and some do not."""
    cluster.ends = log({0: 5})
    positions = Positions(context(), "orders", "latest")
    await positions.assign(present(0, topic_id=before))
    assert positions.is_another(present(0, topic_id=now)) is another


@at_once
async def test_an_id_once_told_is_kept(context, cluster):
    """An answer without id in between does not hide that the topic was recreated."""
    cluster.ends = log({0: 5})
    positions = Positions(context(), "orders", "latest")
    for state in (present(0), present(0, topic_id=None)):
        await positions.assign(state)
    assert positions.is_another(present(0, topic_id=UUID(int=3)))


@at_once
async def test_what_could_not_begin_is_missing_until_it_has(context, cluster):
    """Also when the question for its position failed."""
    made = context()
    positions = Positions(made, "orders", "earliest")
    cluster.ends = BrokersUnavailableError("away")
    with pytest.raises(BrokersUnavailableError):
        await positions.assign(present(0, 1))
    assert positions.missing == (0, 1)
    cluster.ends = log({0: 9}, {0: 4})
    assert await positions.assign(present(0, 1, leaderless=[1])) == {0: 4}
    assert positions.missing == (1,)
    cluster.ends = log({1: 9}, {1: 2})
    assert await positions.assign(present(0, 1)) == {1: 2}
    assert positions.missing == ()
    assert made.gauge.positions("orders") == {0: 4, 1: 2}


@at_once
async def test_what_is_known_is_not_asked_again(context, cluster):
    """A look at a topic that is the same costs one question."""
    cluster.ends = log({0: 9})
    positions = Positions(context(), "orders", "latest")
    await positions.assign(present(0))
    asked = len(cluster.asked)
    assert await positions.assign(present(0)) == {}
    assert len(cluster.asked) == asked
