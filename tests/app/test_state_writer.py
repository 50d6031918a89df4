"""What is stored, how often, and what becomes of a commit; nothing is told before it is stored."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from streamgauge.app import keeper
from streamgauge.app.keeper import BYTES_PER_SECOND, LEAST_SECONDS, MOST_SECONDS, URGENT_SECONDS
from streamgauge.core.state.codec import encode
from streamgauge.core.state.limits import AGED_GROUPS, COUNTED_GROUPS
from streamgauge.kafka.slots import Fate
from streamgauge.model import CommittedOffsets

from .groups import GROUP
from .jumping import FAR_ENDS, at_once, until
from .world import LETTERS, ORDERS, World


@at_once
async def test_nothing_is_told_before_it_is_stored(world):
    """Whatever was counted."""
    process = await world.counting()
    world.group.fates = [Fate.LATER] * 5
    world.orders.append(5)
    await until(lambda: process.gauge.positions("orders") == {0: 15}, 60.0)
    while world.group.fates:
        assert process.records == 0
        await asyncio.sleep(0.2)
    await process.tells(5)


@pytest.mark.parametrize("fate", ["landed", "lost"])
@at_once
async def test_commit_of_unknown_fate_makes_a_new_member(world, fate):
    """Which keeps what it has in memory, for the slots tell whether the commit was stored."""
    process = await world.counting()
    world.group.fates = [fate]
    world.orders.append(5)
    await until(lambda: not world.group.fates, 60.0)
    restarts, joined = process.keeper.restarts, process.membership.joined
    versions = [state.version for state in world.commits("orders")]
    await process.tells(5)
    assert (process.membership.joined, process.keeper.restarts) == (joined + 1, restarts)
    assert len(world.tails.started) == 2
    assert [state.version for state in world.commits("orders")[: len(versions)]] == versions
    assert [world.group.land(*late) for late in world.group.late] == [False] * (fate == "lost")
    assert process.life == world.group.state("orders").life


@at_once
async def test_doubt_that_was_stored_is_not_stored_again(world):
    """The new member finds it in its slot, and tells it."""
    process = await world.counting()
    world.group.fates = ["landed"]
    world.orders.append(5)
    await process.tells(5)
    assert [state.records for state in world.commits("orders")] == [0, 5]


@at_once
async def test_service_that_keeps_no_text_leaves_counts_in_memory(world, lines):
    """Some answer well and store the offset alone; this is noticed at once."""
    world.group.keeps_text = False
    process = await world.counting()
    world.orders.append(5)
    await process.tells(5)
    (told,) = [line for line in lines if line["event"] == "state_not_kept"]
    assert "does not keep the text" in told["reason"]
    commits = len(world.group.commits)
    world.orders.append(5)
    await process.tells(10)
    assert len(world.group.commits) == commits


@at_once
async def test_slots_that_are_gone_when_they_are_read_back_are_no_service_that_keeps_no_text(
    world, lines
):
    """They were deleted, or the coordinator has lost them: what is counted is stored on."""
    world.group.reads = [{}, {}]
    process = await world.counting()
    world.orders.append(5)
    await process.tells(5)
    assert not world.group.reads
    assert "state_not_kept" not in [line["event"] for line in lines]
    assert world.group.state("orders").records == 5


@at_once
async def test_dead_letter_is_stored_at_once(world):
    """And told as soon as it is."""
    process = await world.counting()
    world.orders.append(1)
    await process.tells(1)
    loop, delays = asyncio.get_running_loop(), []
    for number in range(1, 9):
        await asyncio.sleep(0.37)
        world.letters.append(1)
        before = loop.time()
        await until(lambda number=number: len(process.told) >= number, 60.0)
        delays.append(process.told[-1].time - before)
        assert process.dead_letters == number
    assert max(delays) < 0.5


@at_once
async def test_state_is_stored_once_a_second_at_most_and_every_ten_at_least(world):
    """Also when nothing is counted, for its as-of time moves on."""
    process = await world.counting()
    for _ in range(100):
        world.orders.append(1)
        await asyncio.sleep(0.2)
    busy = [time for time, _, states in world.group.commits if ORDERS in states]
    assert 15 <= len(busy) <= 25
    await process.tells(100)
    await asyncio.sleep(10)
    commits = len(world.commits("orders"))
    await asyncio.sleep(100)
    assert 7 <= len(world.commits("orders")) - commits <= 11
    as_of_ms = world.group.state("orders").as_of_ms
    assert world.now_ms() - as_of_ms <= 1000 * (MOST_SECONDS + 2 * LEAST_SECONDS)


@at_once
async def test_large_states_are_stored_less_often(policy, lines):
    """What is written to Kafka is bounded, whatever the number of partitions."""
    world = World(policy(dead_letters=("dlq",)))
    many = range(400)
    world.orders.logs = {number: [0, 10] for number in many}
    world.group.partitions = frozenset({LETTERS, *(("orders", number) for number in many)})
    process = world.start()
    await until(lambda: len(process.gauge.positions("orders")) == len(many), 60.0)
    begun = len(world.group.commits)
    for _ in range(8):
        for number in many:
            world.orders.append(1, number)
        await asyncio.sleep(1.0)
    commits = world.group.commits[begun:]
    assert len(commits) >= 3
    for (before, _, states), (after, _, _) in pairwise(commits):
        written = sum(len(encode(state).text.encode()) for state in states.values())
        assert after - before >= LEAST_SECONDS + written / BYTES_PER_SECOND
    assert len(commits[-1][2]) == len(many)


@pytest.mark.parametrize("fate", [Fate.TOO_LARGE, Fate.FORBIDDEN, Fate.REQUEST_TOO_LARGE])
@at_once
async def test_commit_that_is_refused_is_told_and_tried_again(world, lines, fate):
    """The gauge is blind about its state meanwhile, and tells what was stored."""
    process = await world.counting()
    world.group.fates = [fate] * 3
    world.orders.append(5)
    await until(process.blind, 60.0)
    assert (process.blind(), process.records) == (f"a commit is {fate.value}: {fate.value}", 0)
    await process.tells(5)
    assert process.blind() is None
    assert process.membership.joined == 1


@pytest.mark.parametrize("fate", [Fate.ABSENT, Fate.REBALANCING, Fate.LATER])
@at_once
async def test_commit_that_has_to_wait_is_no_trouble(world, lines, fate):
    """It is asked again, under the same member id."""
    process = await world.counting()
    world.group.fates = [fate] * 3
    world.orders.append(5)
    await process.tells(5)
    assert (process.membership.joined, process.blind()) == (1, None)
    assert "state_not_stored" not in [line["event"] for line in lines]


@at_once
async def test_nothing_is_sent_after_a_commit_that_was_cut_off(world):
    """It may still land, and would then take the place of what came after it."""
    process = await world.counting()
    await asyncio.sleep(5)
    world.group.fates = ["mute"]
    world.orders.append(5)
    await until(lambda: not world.group.fates, 60.0)
    commits = len(world.group.commits)
    await process.end()
    await process.keeper.store_last(5.0)
    assert len(world.group.commits) == commits
    assert not process.membership.is_in


@at_once
async def test_first_position_of_unknown_fate_makes_a_new_member_too(world):
    """It may land late, and would take the place of the state that has grown meanwhile."""
    world.group.fates = ["lost", "lost"]
    process = world.start()
    await until(lambda: not world.group.fates, 60.0)
    world.orders.append(3)
    await until(lambda: ORDERS in world.group.slots and LETTERS in world.group.slots, 60.0)
    world.orders.append(5)
    await until(lambda: process.records >= 5, 60.0)
    assert [world.group.land(*late) for late in world.group.late] == [False, False]


@at_once
async def test_dead_letters_that_keep_coming_are_stored_with_a_pause(world):
    """Of the dead letters alone, each soon; the stream's counts keep their own pace."""
    process = await world.counting()
    await asyncio.sleep(2)
    begun = len(world.group.commits)
    for _ in range(100):
        world.orders.append(1)
        world.letters.append(1)
        await asyncio.sleep(0.05)
    await until(lambda: process.dead_letters == 100, 60.0)
    commits = world.group.commits[begun:]
    gaps = [
        after - before
        for (before, *_), (after, _, states) in pairwise(commits)
        if ORDERS not in states
    ]
    assert min(gaps) >= URGENT_SECONDS
    assert 5 <= len([states for *_, states in commits if ORDERS in states]) <= 9
    assert 15 <= len([states for *_, states in commits if ORDERS not in states]) <= 35


@at_once
async def test_storm_of_dead_letters_does_not_put_off_the_storing_of_the_rest(world, monkeypatch):
    """However much is written of them: everything is stored every ten seconds at least."""
    monkeypatch.setattr(keeper, "BYTES_PER_SECOND", 50)
    process = await world.counting()
    await asyncio.sleep(2)
    loop, begun = asyncio.get_running_loop(), len(world.group.commits)
    times = [loop.time()]
    for _ in range(300):
        world.orders.append(1)
        world.letters.append(1)
        await asyncio.sleep(0.2)
    commits = world.group.commits[begun:]
    letters = [states for *_, states in commits if ORDERS not in states]
    assert sum(len(encode(states[LETTERS]).text) for states in letters) > 50 * 60
    times += [time for time, _, states in commits if ORDERS in states]
    gaps = [after - before for before, after in pairwise([*times, loop.time()])]
    assert max(gaps) < MOST_SECONDS + LEAST_SECONDS
    assert process.dead_letters > 290


@at_once
async def test_dead_letter_that_comes_during_a_commit_is_told_when_its_own_is_stored(world):
    """Not a second later."""
    process = await world.counting()
    loop = asyncio.get_running_loop()
    for number in range(1, 30):
        await asyncio.sleep(0.31)
        world.letters.append(1)
        before = loop.time()
        await until(lambda number=number: process.dead_letters_told() >= number, 60.0)
        assert process.told[-1].time - before < 0.8


@at_once
async def test_what_is_written_is_told(world):
    """How much, when last, and the largest state; nothing is left out of small ones."""
    process = await world.counting()
    for _ in range(90):
        world.orders.append(1)
        await asyncio.sleep(1)
    await process.tells(90)
    keeping = process.snapshot().keeping
    recent = [
        sum(len(encode(state).text.encode()) for state in states.values())
        for time, _, states in world.group.commits
        if time >= asyncio.get_running_loop().time() - 60
    ]
    assert keeping.bytes_per_second == pytest.approx(sum(recent) / 60, rel=0.1)
    assert keeping.stored_bytes > sum(recent)
    assert (keeping.group, keeping.reason, keeping.left_out) == (GROUP, None, {})
    assert 0 <= world.now_ms() - keeping.stored_ms < 12_000
    assert keeping.largest_units == len(world.group.slots[ORDERS].text)


@at_once
async def test_groups_that_a_state_has_no_place_for_are_told(world):
    """Their commits are counted in memory, and lost with it.

    One place with ages is kept for the group that the policy names.
    """
    process = await world.counting()
    names = [f"g{number}" for number in range(AGED_GROUPS + COUNTED_GROUPS + 4)]
    process.gauge.watch(names)
    for offset in (3, 5):
        process.gauge.offsets(
            [CommittedOffsets(n, "orders", {0: offset}, 0) for n in names], FAR_ENDS
        )
    await until(lambda: process.snapshot().keeping.left_out, 60.0)
    assert process.snapshot().keeping.left_out == {"groups": 5, "processed_ages": COUNTED_GROUPS}
