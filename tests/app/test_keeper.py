"""Who holds the group counts; whoever does not stands by, and a refused group leaves memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from streamgauge.core.state.codec import encode
from streamgauge.kafka.answers import Forbidden, Retry
from streamgauge.kafka.errors import BrokersUnavailableError, GroupRefusedError, MembershipError
from streamgauge.kafka.slots import Fate, Slot

from .groups import GROUP
from .jumping import at_once, until
from .world import ORDERS


@at_once
async def test_first_positions_are_stored_before_anything_is_counted(world):
    """They are where the configuration says, and another process would begin there."""
    world.group.fates = [Fate.LATER, Fate.LATER]
    process = world.start()
    await until(lambda: process.gauge.positions("orders") == {0: 10}, 60.0)
    stored = world.group.state("orders")
    assert (stored.start_position, stored.position, stored.records) == (10, 10, 0)
    assert (stored.life, stored.writer) == (process.life, process.life)
    assert {state.position for state in world.commits("orders")[:-1]} <= {10}
    world.orders.append(5)
    await process.tells(5)
    assert world.group.state("orders").records == 5


@at_once
async def test_partition_that_appears_waits_for_its_assignment(world):
    """The member is made to look, and then stores where the partition begins."""
    process = await world.counting()
    world.orders.append(2)
    await process.tells(2)
    world.orders.logs[1] = [0, 3]
    world.group.partitions |= {("orders", 1)}
    await process.tells(5)
    assert process.keeper.restarts == 1
    assert world.group.state("orders", 1).records == 3


@at_once
async def test_partition_that_is_never_assigned_is_not_counted(world):
    """It is missing, and the others go on."""
    process = await world.counting()
    world.orders.logs[1] = [0, 3]
    world.orders.append(2)
    await process.tells(2)
    await asyncio.sleep(60)
    assert process.gauge.positions("orders").keys() == {0}
    blind = {each.what: each.reason for each in process.snapshot().blind}
    assert blind["topic orders"] == "no broker answers for partition 1"


@at_once
async def test_fenced_member_joins_anew_and_keeps_its_memory(world, lines):
    """If nobody else has written meanwhile, it was only frozen."""
    process = await world.counting()
    world.group.fates = [Fate.FENCED]
    world.orders.append(5)
    await process.tells(5)
    assert (process.membership.joined, process.keeper.restarts) == (2, 1)
    told = [line["event"] for line in lines]
    assert "state_not_stored" in told
    assert told.count("state_stored") == 1
    assert process.blind() is None
    assert process.snapshot().resumed == 0


@at_once
async def test_process_that_lost_its_place_goes_on_from_what_the_other_has_stored(world):
    """It forgets what it had counted, and its tails begin anew at the other's positions."""
    process = await world.counting("a")
    world.orders.append(5)
    await process.tells(5)
    world.group.fates = ["lost"]
    world.orders.append(4)
    await until(lambda: not world.group.fates, 60.0)
    stored = world.group.state("orders")
    other = replace(stored, writer="f" * 16, version=1, position=17, records=7)
    world.group.slots[ORDERS] = Slot("orders", 0, 17, encode(other).text)
    restarts = process.keeper.restarts
    await process.tells(9)
    assert process.keeper.restarts == restarts + 1
    assert world.group.state("orders").position == 19
    assert [tail.positions for tail in world.tails.started[-2:]]


@at_once
async def test_second_process_stands_by_and_takes_over(world, lines):
    """Nobody but the holder counts or tells, and then the other one goes on."""
    first = await world.counting("a")
    world.orders.append(5)
    await first.tells(5)
    second = world.start("b")
    await until(lambda: second.keeper.stands_by, 60.0)
    await asyncio.sleep(30)
    assert (second.gauge.positions("orders"), second.records) == ({}, 0)
    assert [line["group"] for line in lines if line["event"] == "state_held_elsewhere"] == [GROUP]
    await first.kill()
    world.orders.append(1)
    await second.tells(6)
    assert (second.keeper.stands_by, second.snapshot().life) == (False, first.life)


@at_once
async def test_holder_that_has_to_stand_by_counts_for_nobody(world):
    """When it holds again it goes on from what was stored in between."""
    first, second = await world.counting("a"), world.start("b")
    await until(lambda: second.keeper.stands_by, 60.0)
    world.orders.append(5)
    await first.tells(5)
    world.group.rebalance(second.membership)
    world.orders.append(3)
    await second.tells(8)
    assert (first.keeper.stands_by, first.records) == (True, 5)
    await second.kill()
    world.orders.append(1)
    await first.tells(9)
    assert first.snapshot().life == first.life


@at_once
async def test_holder_that_had_to_stand_by_follows_what_the_other_has_reported(world, lines):
    """Also if that one has stored nothing, so that what is in memory is still right."""
    first, second = await world.counting("a"), world.start("b")
    await until(lambda: second.keeper.stands_by, 60.0)
    world.orders.append(5)
    await first.tells(5)
    world.group.rebalance(second.membership)
    await until(lambda: first.keeper.stands_by and not second.keeper.stands_by, 60.0)
    assert world.group.state("orders").writer == first.life
    await second.kill()
    world.orders.append(1)
    await first.tells(6)
    assert (first.snapshot().resumed, first.snapshot().life) == (1, first.life)
    assert [line["event"] for line in lines].count("state_restored") == 1
    world.group.fates = [Fate.FENCED]
    world.orders.append(1)
    await first.tells(7)
    assert first.snapshot().resumed == 1


@pytest.mark.parametrize("refused", ["join", "read", "check"])
@at_once
async def test_refused_group_leaves_counts_in_memory(world, lines, refused):
    """The right is missing; nothing was stored before."""
    world.group.refusals = [GroupRefusedError("the right READ is missing")] * (refused == "join")
    world.group.reads = [Forbidden(f"READ on group {GROUP}")] * (refused == "read")
    process = world.start()
    if refused == "check":
        world.group.partitions = frozenset()
        process.membership.trouble = [GroupRefusedError("the right READ is missing")]
    await until(lambda: process.gauge.positions("orders") == {0: 10}, 60.0)
    world.orders.append(5)
    world.letters.append(1)
    await process.tells(5)
    await until(lambda: process.told, 60.0)
    assert (process.dead_letters, world.group.commits) == (1, [])
    (told,) = [line for line in lines if line["event"] == "state_not_kept"]
    assert "the right READ" in told["reason"]
    await process.end()
    await process.keeper.store_last(5.0)
    assert world.group.commits == []


@at_once
async def test_group_that_is_refused_later_is_trouble_and_no_new_life(world, lines):
    """What is stored can be gone on from once the right is granted again."""
    process = await world.counting()
    world.orders.append(5)
    await process.tells(5)
    world.group.refusals = [GroupRefusedError("the right READ is missing")] * 3
    process.membership.trouble = [GroupRefusedError("the right READ is missing")]
    world.orders.append(2)
    await until(process.blind, 60.0)
    assert process.blind() == "the right READ is missing"
    await process.tells(7)
    assert process.blind() is None
    assert "state_not_kept" not in [line["event"] for line in lines]


@at_once
async def test_group_that_cannot_be_read_is_asked_again(world, lines):
    """Nothing is counted until it is known what is stored."""
    world.group.reads = [Retry("15 COORDINATOR_NOT_AVAILABLE"), BrokersUnavailableError("away")]
    process = world.start()
    await until(lambda: not world.group.reads, 60.0)
    assert process.gauge.positions("orders") == {}
    await until(lambda: process.gauge.positions("orders") == {0: 10}, 60.0)
    told = [line["event"] for line in lines if line["event"].startswith("state_")]
    assert told == ["state_not_stored", "state_stored"]


@at_once
async def test_group_that_nobody_answers_for_is_joined_again(world):
    """Until somebody does."""
    world.group.refusals = [BrokersUnavailableError("away")] * 3
    process = world.start()
    await until(process.blind, 60.0)
    await until(lambda: process.gauge.positions("orders") == {0: 10}, 60.0)
    assert process.membership.joined == 1


def at_work(*processes):
    """Those that hold the group; which one that is, the order of joining decides."""
    return [each for each in processes if not each.keeper.stands_by]


@at_once
async def test_member_that_cannot_go_on_joins_anew(world):
    """Whatever is in its way, standing by or at work."""
    first = await world.counting("a")
    second = world.start("b")
    await until(lambda: second.keeper.stands_by, 60.0)
    second.membership.trouble = [MembershipError("group: unknown member")]
    await until(lambda: second.membership.joined == 2, 60.0)
    first.membership.trouble = [MembershipError("group: unknown member")]
    await until(lambda: first.membership.joined == 2, 60.0)
    world.orders.append(5)
    await until(lambda: [each.records for each in at_work(first, second)] == [5], 60.0)


@at_once
async def test_a_process_that_ends_stores_what_it_has_counted_and_leaves(world):
    """The next one does not count it again, and need not wait for a session to end."""
    process = await world.counting()
    world.orders.append(5)
    await until(lambda: process.gauge.positions("orders") == {0: 15}, 60.0)
    await process.end()
    assert process.records == 0
    await process.keeper.store_last(5.0)
    assert (process.records, world.group.state("orders").records) == (5, 5)
    assert (process.membership.identity, process.membership.is_in) == (None, False)


@at_once
async def test_last_store_keeps_to_its_time(world):
    """Whether the coordinator is mute or the commit is fenced."""
    process = await world.counting()
    world.orders.append(5)
    await process.tells(5)
    world.orders.append(1)
    await until(lambda: process.gauge.positions("orders") == {0: 16}, 60.0)
    await process.end()
    world.group.fates = ["mute"]
    begun = asyncio.get_running_loop().time()
    await process.keeper.store_last(5.0)
    assert asyncio.get_running_loop().time() - begun == pytest.approx(5.0, abs=0.5)
    assert process.records == 5


@at_once
async def test_group_without_coordinator_is_told(world):
    """The gauge counts nothing meanwhile, and says why."""
    world.group.leaderless = True
    process = world.start()
    await until(process.blind, 60.0)
    assert process.blind() == f"no broker has let the gauge into group {GROUP} for 15 s"
    world.group.leaderless = False
    world.group.rebalance()
    await until(lambda: process.gauge.positions("orders") == {0: 10}, 60.0)
    assert process.blind() is None
