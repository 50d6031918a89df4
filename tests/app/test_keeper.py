"""State that is kept in the group's slots: nothing is told before it stands there."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest
import structlog

from streamgauge.app.context import StreamContext
from streamgauge.app.keeper import BYTES_PER_SECOND, LEAST_SECONDS, MOST_SECONDS, Keeper
from streamgauge.app.sight import Sight
from streamgauge.app.topic import Follower, TopicWatch
from streamgauge.core.columns import RecordReader
from streamgauge.core.event_time import RecordRule
from streamgauge.core.gauge import StreamGauge
from streamgauge.core.keeping import planted
from streamgauge.core.state.codec import encode
from streamgauge.kafka.answers import Forbidden, Retry
from streamgauge.kafka.errors import BrokersUnavailableError, GroupRefusedError, MembershipError
from streamgauge.kafka.fetching import TailSettings
from streamgauge.kafka.slots import Fate, Slot
from streamgauge.model import CommittedOffsets

from .conftest import SECOND_ID, START_MS, at_once, until
from .groups import GROUP, FakeGroup, FakeMembership, FakeSlots
from .tails import FakeTails, FakeTopic, FakeTopicCluster

ORDERS, LETTERS = ("orders", 0), ("dlq", 0)


class Process:
    """One process that counts `orders` and `dlq`, until it is killed."""

    def __init__(self, world, name, start_from):
        self._world = world
        self.life = name * 16
        self.gauge = StreamGauge(world.policy, self.life, world.now_ms(), kept=True)
        self.told = []
        """Times at which a dead letter was stored."""
        self.membership = FakeMembership(world.group)
        self.slots = FakeSlots(world.group)
        logger = structlog.get_logger()
        context = StreamContext(
            gauge=self.gauge,
            cluster=FakeTopicCluster(world.tails),
            isolation_level="read_committed",
            sight=Sight(self.gauge, logger, world.now_ms, lambda: None),
            log=logger,
            now_ms=world.now_ms,
            start_tail=world.tails.start,
        )
        self.keeper = Keeper(context, self.membership, self.slots, self.life, self._last_told)
        context = replace(context, keeper=self.keeper)
        reader = RecordReader([RecordRule()])
        follower = Follower(self._folded, lambda _: None, lambda *_: None)
        watches = [
            TopicWatch(context, reader, TailSettings(topic=topic), start_from, follower)
            for topic in ("orders", "dlq")
        ]
        works = (self.keeper.run(), *(watch.run() for watch in watches))
        self.tasks = [asyncio.create_task(work) for work in works]

    async def _last_told(self):
        await asyncio.sleep(0.01)
        return self._world.last_told

    def _folded(self, columns, ages):
        if ages is None and len(columns.offsets):
            self.keeper.wake(lambda: self.told.append(asyncio.get_running_loop().time()))

    async def end(self):
        """Stop counting, as the service does before it stores for the last time."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def kill(self):
        """Be gone at once; after a while the group knows."""
        await self.end()
        self._world.group.depart(self.membership)

    def snapshot(self):
        """What the gauge says now."""
        for task in self.tasks:
            if task.done() and not task.cancelled():
                task.result()
        return self.gauge.tick(self._world.now_ms()).snapshot

    @property
    def records(self):
        """Records as they are told."""
        return self.snapshot().totals.records

    @property
    def dead_letters(self):
        """Dead letters as they are told."""
        return self.snapshot().totals.dead_letters

    async def tells(self, records):
        """Wait until so many records are told."""
        await until(lambda: self.records == records, 60.0)

    def blind(self):
        """Why nothing can be stored; None if it can."""
        return next((b.reason for b in self.snapshot().blind if b.what == "stored state"), None)


class World:
    """Two topics, the gauge's group, and what Dagster was told."""

    def __init__(self, policy):
        self.policy = policy
        self.orders, self.letters = FakeTopic(p0=(0, 10)), FakeTopic(p0=(0, 0))
        self.tails = FakeTails(orders=self.orders, dlq=self.letters)
        self.group = FakeGroup(ORDERS, LETTERS)
        self.last_told = {}
        self.started = []

    def now_ms(self):
        """The loop's time."""
        return START_MS + round(asyncio.get_running_loop().time() * 1000)

    def start(self, name="a", start_from="latest"):
        """One more process, whose name is one hexadecimal digit."""
        self.started.append(Process(self, name, start_from))
        return self.started[-1]

    async def counting(self, name="a", start_from="latest"):
        """One more process, once its first positions are stored."""
        started = self.start(name, start_from)
        await until(lambda: len(started.gauge.positions("dlq")) == 1, 60.0)
        await until(lambda: len(started.gauge.positions("orders")) == 1, 60.0)
        return started

    def commits(self, topic):
        """States of the topic's partition 0 that were to be stored so far."""
        return [states[topic, 0] for _, _, states in self.group.commits if (topic, 0) in states]


@pytest.fixture
def world(policy, lines):
    """A world at rest: 10 orders and no dead letter."""
    return World(policy("g", dead_letters=("dlq",)))


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
    first = await world.counting("a")
    world.orders.append(5)
    await first.tells(5)
    await first.kill()
    world.orders.logs[1] = [0, 3]
    world.group.partitions |= {("orders", 1)}
    second = world.start("b")
    await second.tells(8)
    assert world.group.state("orders", 1).start_position == 0


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


@at_once
async def test_slots_that_cannot_be_read_are_told(world, lines):
    """And a new life begins where Dagster was told that the last one was."""
    world.group.slots[ORDERS] = Slot("orders", 0, 4, "not ours")
    world.last_told = {ORDERS: 6, LETTERS: 0}
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
    assert [line["event"] for line in lines].count("state_missing") == 1
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
    first = await world.counting("a")
    world.orders.append(5)
    await first.tells(5)
    await first.kill()
    world.orders.topic_id, world.orders.logs = SECOND_ID, {0: [0, 30]}
    second = world.start("b")
    await second.tells(30)
    assert second.snapshot().life not in {first.life, second.life}


@at_once
async def test_state_that_was_reset_is_no_life_to_go_on_with(world):
    """Reading begins where the configuration says, in a life of its own."""
    first = await world.counting("a")
    world.orders.append(5)
    await first.tells(5)
    await first.kill()
    for place, slot in list(world.group.slots.items()):
        mark = replace(planted(None, first.gauge.life, slot.offset, ("f" * 16, 1)), forgotten=True)
        world.group.slots[place] = Slot(*place, slot.offset, encode(mark).text)
    world.last_told = {ORDERS: 12}
    second = await world.counting("b", start_from="earliest")
    await second.tells(15)
    assert second.snapshot().life == second.life


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
        delays.append(process.told[-1] - before)
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
    await until(lambda: not second.keeper.stands_by, 60.0)
    await second.tells(5)
    assert first.keeper.stands_by


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
async def test_groups_commits_are_stored_with_the_counts(world):
    """The next process goes on from the highest commit it knows."""
    first = await world.counting("a")
    first.gauge.offsets([CommittedOffsets("g", "orders", {0: 4}, START_MS)], None)
    first.gauge.offsets([CommittedOffsets("g", "orders", {0: 9}, START_MS)], None)
    await until(lambda: "g" in first.snapshot().totals.groups, 60.0)
    assert first.snapshot().totals.groups["g"].committed == 5
    await first.kill()
    second = await world.counting("b")
    second.gauge.offsets([CommittedOffsets("g", "orders", {0: 10}, START_MS)], None)
    await until(lambda: second.snapshot().totals.groups["g"].committed == 6, 60.0)


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
    world.last_told = {ORDERS: 15, LETTERS: 2}
    second = await world.counting("b")
    await asyncio.sleep(5)
    assert second.snapshot().life != first.life
