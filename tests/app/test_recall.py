"""Where counting goes on after a restart: in the same life, or in a new one that says why."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from streamgauge.core.keeping import planted
from streamgauge.core.state.codec import encode
from streamgauge.core.state.keys import topic_key
from streamgauge.core.taking_over import ToldPosition
from streamgauge.kafka.slots import Fate, Slot
from streamgauge.model import CommittedOffsets

from .groups import GROUP
from .jumping import FAR_ENDS, SECOND_ID, START_MS, at_once, until
from .world import LETTERS, ORDERS


@at_once
async def test_restarted_process_goes_on_where_the_killed_one_had_stored(world, lines):
    """What it had counted beyond is counted again, by the new one alone."""
    first = await world.counting("a")
    world.orders.append(5)
    world.letters.append(2)
    await first.tells(5)
    await until(lambda: first.dead_letters == 2, 60.0)
    world.group.fates = ["mute"]
    world.orders.append(4)
    await until(lambda: not world.group.fates, 60.0)
    await first.kill()
    world.orders.append(1)
    second = await world.counting("b")
    await second.tells(10)
    assert second.dead_letters == 2
    assert second.snapshot().life == first.life
    (told,) = [line for line in lines if line["event"] == "state_restored"]
    assert (told["records"], told["dead_letters"], told["partitions"]) == (5, 2, 2)
    assert (told["life"], told["group"]) == (first.life, GROUP)


@at_once
async def test_partition_that_came_in_between_is_read_from_its_beginning(world):
    """A topic of which there is a state had no such partition when it was stored."""
    await world.killed()
    world.orders.logs[1] = [0, 3]
    world.group.partitions |= {("orders", 1)}
    second = world.start("b")
    await second.tells(8)
    assert world.group.state("orders", 1).start_position == 0


@at_once
async def test_slots_that_cannot_be_read_are_told(world, lines):
    """And a new life begins where Dagster was told that the last one was."""
    world.group.slots[ORDERS] = Slot("orders", 0, 4, "not ours")
    world.last_told = {ORDERS: ToldPosition("e" * 16, 6), LETTERS: ToldPosition("e" * 16, 0)}
    process = world.start()
    await process.tells(4)
    (told,) = [line for line in lines if line["event"] == "state_unreadable"]
    assert (told["topic"], told["partition"], told["offset"]) == ("orders", 0, 4)
    assert told["reason"]
    (told,) = [line for line in lines if line["event"] == "state_missing"]
    assert told["positions"] == {"dlq-0": 0, "orders-0": 6}
    assert world.group.state("orders").start_position == 6


@at_once
async def test_state_that_is_gone_ends_the_life_where_it_was_stored(world, lines):
    """Somebody has deleted the group while the gauge was at work."""
    process = await world.counting()
    world.orders.append(5)
    await process.tells(5)
    world.group.slots.clear()
    world.group.fates = [Fate.FENCED]
    world.orders.append(3)
    await process.tells(3)
    assert process.snapshot().life != process.life
    (told,) = [line for line in lines if line["event"] == "state_missing"]
    assert told["reason"] == process.snapshot().life_reason == "the stored state was gone at work"
    stored = world.group.state("orders")
    assert (stored.start_position, stored.records) == (15, 3)
    assert stored.life == process.snapshot().life


@at_once
async def test_life_that_ends_with_a_recreated_topic_is_stored_anew(world):
    """Every partition begins at zero, that of the other topic at its position."""
    process = await world.counting()
    world.orders.append(5)
    world.letters.append(1)
    await process.tells(5)
    await until(lambda: process.dead_letters == 1, 60.0)
    world.orders.topic_id, world.orders.logs = SECOND_ID, {0: [0, 2]}
    await process.tells(2)
    assert process.snapshot().life != process.life
    assert process.dead_letters == 0
    await until(lambda: world.group.state("dlq").life == process.snapshot().life, 60.0)
    assert world.group.state("dlq").start_position == 1
    assert world.group.state("orders").topic_id == SECOND_ID


@at_once
async def test_topic_recreated_between_two_processes_is_another_life(world):
    """The state tells which topic was counted."""
    first = await world.killed()
    world.orders.topic_id, world.orders.logs = SECOND_ID, {0: [0, 30]}
    second = world.start("b")
    await second.tells(30)
    assert second.snapshot().life not in {first.life, second.life}


@at_once
async def test_state_that_was_reset_is_no_life_to_go_on_with(world):
    """Reading begins where the configuration says, in a life of its own."""
    first = await world.killed()
    for place, slot in list(world.group.slots.items()):
        mark = replace(planted(None, first.gauge.life, slot.offset, ("f" * 16, 1)), forgotten=True)
        world.group.slots[place] = Slot(*place, slot.offset, encode(mark).text)
    world.last_told = {ORDERS: ToldPosition(first.life, 12)}
    second = await world.counting("b", start_from="earliest")
    await second.tells(15)
    assert second.snapshot().life not in {first.life, second.life}


@at_once
async def test_groups_commits_are_stored_with_the_counts(world):
    """The next process goes on from the highest commit it knows."""
    first = await world.counting("a")
    first.gauge.offsets([CommittedOffsets("g", "orders", {0: 4}, START_MS)], FAR_ENDS)
    first.gauge.offsets([CommittedOffsets("g", "orders", {0: 9}, START_MS)], FAR_ENDS)
    await until(lambda: "g" in first.snapshot().totals.groups, 60.0)
    assert first.snapshot().totals.groups["g"].committed == 5
    await first.kill()
    second = await world.counting("b")
    second.gauge.offsets([CommittedOffsets("g", "orders", {0: 10}, START_MS)], FAR_ENDS)
    await until(lambda: second.snapshot().totals.groups["g"].committed == 6, 60.0)


@at_once
async def test_first_position_does_not_take_the_place_of_a_state(world):
    """A topic that is assigned late has one already: counting goes on from that."""
    first = await world.counting("a")
    world.letters.append(5)
    await until(lambda: first.dead_letters == 5, 60.0)
    await first.kill()
    world.group.partitions = frozenset({ORDERS})
    second = world.start("b")
    await until(lambda: second.gauge.positions("orders"), 60.0)
    world.group.partitions = frozenset({ORDERS, LETTERS})
    world.letters.append(1)
    await until(lambda: second.dead_letters == 6, 60.0)
    assert world.group.state("dlq").start_position == 0


@at_once
async def test_one_slot_that_cannot_be_read_ends_the_life(world):
    """Without its counts the totals of the life would shrink."""
    first = await world.counting("a")
    world.orders.append(5)
    world.letters.append(2)
    await first.tells(5)
    await until(lambda: first.dead_letters == 2, 60.0)
    await first.kill()
    world.group.slots[ORDERS] = Slot("orders", 0, 15, "not ours")
    world.last_told = {ORDERS: ToldPosition(first.life, 15)}
    second = await world.counting("b")
    await asyncio.sleep(5)
    assert second.snapshot().life != first.life


@at_once
async def test_a_state_of_another_role_is_not_gone_on_from(world):
    """What was counted of dead letters says nothing of a stream: another life begins."""
    first = await world.counting("a")
    world.letters.append(2)
    await until(lambda: first.dead_letters == 2, 60.0)
    await first.kill()
    letters = world.group.slots[LETTERS]
    world.group.slots[ORDERS] = Slot("orders", 0, letters.offset, letters.text)
    world.last_told = {ORDERS: ToldPosition(first.life, letters.offset)}
    second = await world.counting("b")
    await asyncio.sleep(5)
    assert second.snapshot().life != first.life


@at_once
async def test_dead_letter_topic_that_was_created_meanwhile_is_read_from_its_beginning(world):
    """Its first letter created it; nobody was there to see."""
    world.letters.exists = False
    world.group.partitions = frozenset({ORDERS})
    first = world.start("a")
    world.orders.append(5)
    await until(lambda: first.gauge.positions("orders"), 60.0)
    await asyncio.sleep(15)
    assert world.group.state("orders").absent_topics == (topic_key("dlq"),)
    await first.kill()
    world.letters.exists, world.letters.logs = True, {0: [0, 3]}
    world.group.partitions = frozenset({ORDERS, LETTERS})
    second = await world.counting("b")
    await until(lambda: second.dead_letters == 3, 60.0)
    assert second.snapshot().life == first.life
    await until(lambda: not world.group.state("orders").absent_topics, 60.0)


@at_once
async def test_dead_letter_topic_that_is_watched_from_now_on_begins_where_configured(world):
    """Its letters of before are not of this life."""
    world.letters.logs = {0: [0, 7]}
    world.group.partitions = frozenset({ORDERS})
    first = world.start("a")
    await until(lambda: ORDERS in world.group.slots, 60.0)
    await first.kill()
    world.group.partitions = frozenset({ORDERS, LETTERS})
    second = await world.counting("b")
    world.letters.append(1)
    await until(lambda: second.dead_letters == 1, 60.0)
    assert world.group.state("dlq").start_position == 7


@pytest.mark.parametrize("how", ["forgotten", "one unreadable"])
@at_once
async def test_new_life_begins_after_the_last_one_whatever_the_clocks_say(world, how):
    """Else the older one would be taken for the newer one at the next start."""
    ahead_ms = world.now_ms() + 3_600_000
    for place in (ORDERS, LETTERS):
        state = planted(None, ("e" * 16, ahead_ms), 0, ("f" * 16, 1))
        state = replace(state, forgotten=how == "forgotten")
        world.group.slots[place] = Slot(*place, 0, encode(state).text)
    if how != "forgotten":
        world.group.slots[LETTERS] = Slot(*LETTERS, 0, "not ours")
    process = await world.counting("a", start_from="earliest")
    await process.tells(10)
    stored = world.group.state("orders")
    assert (stored.life_start_ms, stored.life != "e" * 16) == (ahead_ms + 1, True)


@at_once
async def test_state_that_is_older_than_what_was_told_ends_the_life(world, lines):
    """A coordinator that has lost its last commits: else the totals of the life would step back."""
    first = await world.counting("a")
    world.orders.append(5)
    await first.tells(5)
    slot = world.group.slots[ORDERS]
    world.orders.append(3)
    await first.tells(8)
    await first.kill()
    world.group.slots[ORDERS] = slot
    world.last_told = {ORDERS: ToldPosition(first.life, 18)}
    second = await world.counting("b")
    await second.tells(3)
    assert second.snapshot().life != first.life
    assert [line["event"] for line in lines].count("state_missing") == 1


@at_once
async def test_life_of_which_more_was_told_than_is_stored_ends(world):
    """Dagster may say so only later: counting goes on at the stored positions, from zero."""
    process = await world.counting()
    world.orders.append(5)
    await process.tells(5)
    life = process.snapshot().life
    process.keeper.end_life()
    world.orders.append(2)
    await process.tells(2)
    assert process.snapshot().life != life
    await until(lambda: world.group.state("orders").life == process.snapshot().life, 60.0)


@at_once
async def test_life_that_ends_before_it_was_stored_loses_no_record(world):
    """Nothing was told of it: what it had counted is counted again in the next one."""
    process = await world.counting()
    world.orders.append(5)
    await process.tells(5)
    process.keeper.end_life()
    world.group.fates = [Fate.LATER] * 10
    world.orders.append(4)
    await until(lambda: process.gauge.positions("orders") == {0: 19}, 60.0)
    assert world.group.fates
    assert process.gauge.told_positions("orders") == {0: 15}
    process.keeper.end_life()
    await process.tells(4)
    assert world.group.state("orders").start_position == 15


@at_once
async def test_dagster_that_is_away_delays_no_start_that_can_do_without(world):
    """What stands in the slots is enough."""
    first = await world.killed()
    world.last_told = None
    second = await world.counting("b")
    world.orders.append(1)
    await second.tells(6)
    assert second.snapshot().life == first.life


async def losing(world, *, gone=False):
    """A process that was at work when the slot of `orders` was lost, and has to join anew.

    4 orders come while Dagster is asked where the last life had come to.
    """
    process = await world.counting("a")
    world.orders.append(5)
    await process.tells(5)
    world.answers.clear()
    asked = world.asked
    world.group.slots[ORDERS] = Slot("orders", 0, 15, "not ours")
    if gone:
        del world.group.slots[ORDERS]
    world.group.fates = [Fate.FENCED]
    world.orders.append(4)
    await until(lambda: world.asked > asked, 60.0)
    return process


@at_once
async def test_process_that_waits_for_an_answer_reads_on_from_its_positions(world):
    """Its tails begin anew once it is decided where, so that no record is lost in between."""
    process = await losing(world)
    tails = len(world.tails.started)
    restarts = process.keeper.restarts
    await asyncio.sleep(5)
    assert (process.gauge.positions("orders"), process.snapshot().life) == ({0: 19}, process.life)
    assert (len(world.tails.started), process.keeper.restarts) == (tails, restarts)
    world.last_told = {ORDERS: ToldPosition(process.life, 15)}
    world.answers.set()
    await process.tells(4)
    assert process.keeper.restarts == restarts + 1
    assert process.snapshot().life != process.life
    world.orders.append(2)
    await process.tells(6)
    assert world.group.state("orders").start_position == 15


@pytest.mark.parametrize("gone", [False, True])
@pytest.mark.parametrize("why", ["nobody answers", "another assignment", "a commit is fenced"])
@at_once
async def test_second_try_remembers_where_the_process_was(world, why, gone):
    """Nobody else knows it: neither a slot nor a report."""
    process = await losing(world, gone=gone)
    asked = world.asked
    if why == "nobody answers":
        world.last_told = None
    elif why == "another assignment":
        world.group.rebalance()
    else:
        world.group.fates = [Fate.FENCED] * 2
    world.answers.set()
    await until(lambda: world.asked > asked, 60.0)
    await process.tells(4)
    world.orders.append(2)
    await process.tells(6)
    assert process.snapshot().life != process.life
    assert world.group.state("orders").start_position == 15


@at_once
async def test_topic_that_is_gone_ends_one_life_and_no_other(world):
    """Nobody will ever store where it was in the next one."""
    process = await world.counting("a")
    world.orders.append(5)
    await process.tells(5)
    world.letters.exists = False
    world.group.partitions = frozenset({ORDERS})
    del world.group.slots[LETTERS]
    world.group.fates = [Fate.FENCED]
    world.orders.append(1)
    await process.tells(1)
    life = process.snapshot().life
    world.group.fates = ["lost"]
    world.orders.append(1)
    await until(lambda: not world.group.fates, 60.0)
    other = replace(world.group.state("orders"), writer="f" * 16, version=1)
    world.group.slots[ORDERS] = Slot("orders", 0, other.position, encode(other).text)
    await process.tells(2)
    assert life == process.snapshot().life != process.life


@pytest.mark.parametrize(
    ("start_from", "told", "start"),
    [("latest", None, 20), ("earliest", None, 3), ("latest", 12, 12), ("earliest", 12, 12)],
)
@at_once
async def test_partition_of_which_nobody_knows_begins_where_configured(
    world, start_from, told, start
):
    """Not at its beginning: unlike one that came meanwhile it was there, and counted, before."""
    life = "e" * 16
    for place, at in ((ORDERS, 15), (LETTERS, 0)):
        state = planted(None, (life, START_MS - 1_000), at, ("f" * 16, 1))
        world.group.slots[place] = Slot(*place, at, encode(state).text)
    world.group.slots["orders", 1] = Slot("orders", 1, 20, "not ours")
    world.orders.logs = {0: [0, 15], 1: [3, 20], 2: [0, 4]}
    world.group.partitions |= {("orders", 1), ("orders", 2)}
    world.last_told = {} if told is None else {("orders", 1): ToldPosition(life, told)}
    second = world.start("b", start_from)
    places = {0, 1, 2}
    await until(lambda: second.gauge.positions("orders").keys() == places, 60.0)
    await second.tells(20 - start + 4)
    begun = {number: world.group.state("orders", number).start_position for number in places}
    assert begun == {0: 15, 1: start, 2: 0}


@pytest.mark.parametrize("lost", ["at work", "at the start"])
@at_once
async def test_recreated_topic_is_read_from_its_beginning_though_its_slot_was_lost(world, lost):
    """Where it was before is of no interest any more."""
    if lost == "at work":
        process = await world.counting("a")
        world.orders.append(5)
        await process.tells(5)
        world.group.slots.clear()
        world.group.fates = [Fate.FENCED]
        world.orders.append(1)
        await process.tells(1)
    else:
        await world.killed()
        world.group.slots[ORDERS] = Slot("orders", 0, 15, "not ours")
        process = await world.counting("b")
        await until(lambda: world.group.state("orders").start_position == 15, 60.0)
    world.orders.topic_id, world.orders.logs = SECOND_ID, {0: [0, 7]}
    await process.tells(7)
    assert world.group.state("orders").start_position == 0
