"""Filling the ledger after a start: from where, how far, and what happens if it cannot be."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from streamgauge.app import refill
from streamgauge.app.refill import Refill
from streamgauge.core.columns import RecordReader
from streamgauge.core.event_time import RecordRule
from streamgauge.kafka.answers import Forbidden, Retry
from streamgauge.kafka.errors import (
    BrokersUnavailableError,
    TailStalledError,
    UnexpectedAnswerError,
)
from streamgauge.kafka.fetching import TailSettings
from streamgauge.kafka.groups import Groups
from streamgauge.model import CommittedOffsets

from .conftest import Never, log
from .jumping import START_MS, at_once, until
from .tails import FakeTails, FakeTopic

POSITIONS = {0: 60, 1: 30}
AWAY = BrokersUnavailableError("away")


@pytest.fixture
def world(context, cluster):
    """Makes a refill of `orders` for these groups, whose tail has got to 60 and 30."""

    def make(*groups, starts=(0, 0)):
        tails = FakeTails(orders=FakeTopic(p0=(starts[0], 80), p1=(starts[1], 40)))
        made = replace(context(*groups), start_tail=tails.start)
        made.gauge.assigned("orders", POSITIONS)
        cluster.ends = log({0: 80, 1: 40}, dict(enumerate(starts)))
        filled = Refill(made, RecordReader([RecordRule()]), TailSettings(topic="orders"))
        filled.gauge, filled.tails = made.gauge, tails
        filled.known = lambda: made.gauge.tick(made.now_ms()).snapshot.ledger.exact_records
        return filled

    return make


def commits(group, offsets):
    """What a group has committed on `orders`."""
    return CommittedOffsets(group, "orders", offsets, START_MS)


@at_once
async def test_it_reads_from_the_slowest_group_up_to_the_position(world, cluster):
    """And counts none of it; what lies beyond the position is left to the tail."""
    cluster.commits = {"a": commits("a", {0: 20, 1: 30}), "b": commits("b", {0: 50, 1: 25})}
    filled = world("a", "b")
    assert not filled.is_done
    await filled.run()
    assert filled.is_done
    assert filled.known() == 40 + 5
    snapshot = filled.gauge.tick(START_MS).snapshot
    assert snapshot.totals.records == 0
    assert filled.gauge.positions("orders") == POSITIONS
    assert all(tail.closed for tail in filled.tails.started)


@at_once
async def test_lags_are_exact_by_it_and_the_groups_records_are_aged(world, cluster):
    """A group that is behind at the start is no exception."""
    cluster.commits = {"a": commits("a", {0: 20, 1: 30})}
    filled = world("a")
    await filled.run()
    ends = log(POSITIONS)
    filled.gauge.offsets([commits("a", {0: 20, 1: 30})], ends)
    view = filled.gauge.tick(START_MS).snapshot.groups["a"]
    assert (view.lag, view.time_lag_seconds, view.partitions[0].first_unread_offset) == (40, 0, 20)
    filled.gauge.offsets([commits("a", {0: 60, 1: 30})], ends)
    assert filled.gauge.tick(START_MS).snapshot.totals.groups["a"].aged.count == 40


@at_once
async def test_what_is_deleted_is_not_asked_for(world, cluster):
    """The log begins later."""
    cluster.commits = {"a": commits("a", {0: 20, 1: 10})}
    filled = world("a", starts=(45, 0))
    await filled.run()
    assert filled.known() == 15 + 20


@at_once
async def test_no_more_is_read_than_the_ledger_has_room_for(world, cluster, monkeypatch):
    """The newest records are the ones that are passed next by most groups."""
    monkeypatch.setattr(refill, "EXACT_RECORDS", 20)
    cluster.commits = {"a": commits("a", {0: 0, 1: 0})}
    filled = world("a")
    await filled.run()
    assert filled.known() == 20


@pytest.mark.parametrize(
    ("told", "seconds", "why"),
    [
        ({}, 0, "nobody has committed"),
        ({"a": Retry("15 COORDINATOR_NOT_AVAILABLE")}, 5, "the coordinator does not know"),
        ({"a": BrokersUnavailableError("away")}, 5, "the coordinator is away"),
        ({"a": Never}, 5, "nobody answers"),
        ({"a": Forbidden("DESCRIBE on group a")}, 0, "the right is missing"),
        ({"a": commits("a", {0: 60, 1: 35})}, 0, "the group is ahead of the tail"),
    ],
)
@at_once
async def test_without_it_counting_goes_on_from_the_position(told, seconds, why, world, cluster):
    """Nothing holds up the tail for long."""
    cluster.commits = told
    filled = world("a")
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await filled.run()
    assert (filled.is_done, filled.known()) == (True, 0), why
    assert loop.time() - begun == pytest.approx(seconds, abs=0.5)
    assert filled.tails.started == []
    assert len(asyncio.all_tasks()) == 1


@at_once
async def test_a_coordinator_that_is_loading_is_asked_again(world, cluster):
    """As it is when broker and gauge start together; a mute one holds up no other."""
    loading = Retry("14 COORDINATOR_LOAD_IN_PROGRESS")
    cluster.commits = {
        "a": [loading, loading, commits("a", {0: 20, 1: 30})],
        "b": commits("b", {0: 50, 1: 30}),
        "mute": Never,
    }
    filled = world("a", "b", "mute")
    await filled.run()
    assert filled.known() == 40


@at_once
async def test_brokers_that_are_away_leave_it_to_be_done(world, cluster):
    """The tail cannot read either; both are tried again."""
    cluster.commits = {"a": commits("a", {0: 20, 1: 30})}
    filled = world("a")
    cluster.ends = [BrokersUnavailableError("away"), cluster.ends]
    with pytest.raises(BrokersUnavailableError):
        await filled.run()
    assert not filled.is_done
    filled.tails.trouble.append(BrokersUnavailableError("away"))
    with pytest.raises(BrokersUnavailableError):
        await filled.run()
    assert not filled.is_done
    await filled.run()
    assert (filled.is_done, filled.known()) == (True, 40)
    assert all(tail.closed for tail in filled.tails.started)


@at_once
async def test_positions_that_jump_meanwhile_end_it(world, cluster):
    """What is read then is of no partition that there is."""
    cluster.commits = {"a": commits("a", {0: 20, 1: 10})}
    filled = world("a")
    running = asyncio.create_task(filled.run())
    await until(lambda: filled.tails.started)
    filled.gauge.begin_life_at("2" * 16, {("orders", 1): 5}, START_MS)
    await running
    assert not filled.is_done
    assert filled.gauge.positions("orders") == {1: 5}


@at_once
async def test_a_log_that_is_too_long_is_given_up(world, cluster, monkeypatch, events):
    """It is told, and the position is where knowledge begins."""
    monkeypatch.setattr(refill, "READ_SECONDS", 0.5)
    cluster.commits = {"a": commits("a", {0: 0, 1: 30})}
    filled = world("a")
    await filled.run()
    assert (filled.is_done, filled.known()) == (True, 0)
    assert events() == ["ledger_not_filled"]


@at_once
async def test_groups_that_a_pattern_will_find_count(world, cluster):
    """Their ages are to be exact too."""
    cluster.listing = Groups(frozenset({"b-1", "other"}), frozenset())
    cluster.commits = {"b-1": commits("b-1", {0: 50, 1: 30})}
    filled = world("b-*")
    await filled.run()
    assert filled.known() == 10


@at_once
async def test_it_is_done_once_for_each_life(world, cluster):
    """A new log is another one."""
    cluster.commits = {"a": commits("a", {0: 20, 1: 30})}
    filled = world("a")
    await filled.run()
    await filled.run()
    assert len(filled.tails.started) == 1
    filled.gauge.begin_life("2" * 16, "orders", START_MS)
    assert not filled.is_done


@pytest.mark.parametrize(
    "trouble", [UnexpectedAnswerError("broker 1: 35 UNSUPPORTED_VERSION"), AWAY, Never]
)
@at_once
async def test_a_broker_that_lists_no_groups_holds_up_nothing(trouble, world, cluster):
    """Some cannot; the groups that are named are known all the same."""
    cluster.listing = trouble
    cluster.commits = {"a": commits("a", {0: 20, 1: 30})}
    filled = world("a", "b-*")
    await filled.run()
    assert (filled.is_done, filled.known()) == (True, 40)


@at_once
async def test_what_cannot_be_read_again_is_given_up(world, cluster, events):
    """The tail begins later, and may be able to read that; so may ends that nobody understands."""
    cluster.commits = {"a": commits("a", {0: 20, 1: 30})}
    filled = world("a")
    filled.tails.trouble.append(TailStalledError("reading failed"))
    await filled.run()
    assert (filled.is_done, filled.known(), events()) == (True, 0, ["ledger_not_filled"])
    again = world("a")
    cluster.ends = UnexpectedAnswerError("broker 1: 87 INVALID_RECORD")
    await again.run()
    assert (again.is_done, again.known()) == (True, 0)
