"""Membership and slots against a real coordinator: what is stored, what is fenced, what is read."""

import asyncio
from dataclasses import replace

import pytest

from streamgauge.kafka.connection import Connection
from streamgauge.kafka.errors import BrokersUnavailableError, MembershipError
from streamgauge.kafka.membership import Membership
from streamgauge.kafka.slots import Fate, Slot, Slots
from streamgauge.kafka.wire import Wire

pytestmark = pytest.mark.real_broker

PATIENCE_SECONDS = 20


@pytest.fixture
async def slots(connection):
    """The slots of all groups of the run's broker."""
    wire = Wire(connection)
    yield Slots(wire)
    await wire.close()


@pytest.fixture
async def join(connection):
    """What joins a group and gives the membership with its identity."""
    joined = []

    async def join(group, topics):
        membership = Membership(connection, group, topics)
        joined.append(membership)
        await membership.join()
        async with asyncio.timeout(PATIENCE_SECONDS):
            return membership, await membership.assigned()

    yield join
    for membership in joined:
        await membership.leave()


@pytest.fixture
def topic(create_topic, topic_name):
    """A topic with three partitions."""
    name = topic_name("orders")
    create_topic(name, 3)
    return name


def fates(answers):
    """The fates by partition."""
    return {partition: answer.fate for (_, partition), answer in answers.items()}


async def identity_but(membership, old):
    """The membership's identity once it is another one."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while membership.identity in {None, old}:
            await asyncio.sleep(0.05)
    return membership.identity


async def test_what_a_member_commits_is_read_back(join, slots, topic, topic_name):
    """Every partition of the topic is the only member's; what was never committed is absent."""
    group = topic_name("streamgauge")
    _, identity = await join(group, [topic])
    places = {(topic, partition) for partition in range(3)}
    assert identity.partitions == places
    assert await slots.read(identity, places) == {}
    written = Slot(topic, 1, 17, "\u3400 text of 15 bits a unit \ubfff")
    assert fates(await slots.commit(identity, [written])) == {1: Fate.STORED}
    assert await slots.read(identity, places) == {(topic, 1): written}


async def test_a_successor_fences_and_sees_what_was_committed_before(
    join, slots, topic, topic_name
):
    """The old identity of a member that was left behind cannot overwrite its successor's slot."""
    group = topic_name("streamgauge")
    first, before = await join(group, [topic])
    assert fates(await slots.commit(before, [Slot(topic, 0, 5, "first")])) == {0: Fate.STORED}
    await first.leave()
    _, after = await join(group, [topic])
    (slot,) = (await slots.read(after, [(topic, 0)])).values()
    assert (slot.offset, slot.text) == (5, "first")
    assert fates(await slots.commit(after, [replace(slot, offset=6)])) == {0: Fate.STORED}
    assert fates(await slots.commit(before, [Slot(topic, 0, 99, "zombie")])) == {0: Fate.FENCED}
    (kept,) = (await slots.read(after, [(topic, 0)])).values()
    assert (kept.offset, kept.text) == (6, "first")


async def test_one_member_holds_everything_and_another_stands_by(join, slots, topic, topic_name):
    """Whoever comes changes the generation, not the holder; it takes over when that one leaves."""
    group = topic_name("streamgauge")
    first, old = await join(group, [topic])
    second, waiting = await join(group, [topic])
    new = await identity_but(first, old)
    assert new.generation > old.generation
    assert (new.holds, new.partitions) == (True, old.partitions)
    assert (waiting.holds, waiting.partitions) == (False, frozenset())
    assert fates(await slots.commit(old, [Slot(topic, 0, 1, "late")])) == {0: Fate.FENCED}
    assert fates(await slots.commit(new, [Slot(topic, 0, 2, "kept")])) == {0: Fate.STORED}
    await first.leave()
    heir = await identity_but(second, waiting)
    assert (heir.holds, heir.partitions) == (True, old.partitions)
    (slot,) = (await slots.read(heir, [(topic, 0)])).values()
    assert (slot.offset, slot.text) == (2, "kept")


async def test_a_slot_that_is_refused_does_not_take_the_others_with_it(
    join, slots, topic, topic_name
):
    """Too long a text, and a partition that does not exist."""
    _, identity = await join(topic_name("streamgauge"), [topic])
    answers = await slots.commit(
        identity,
        [Slot(topic, 0, 1, "x" * 4096), Slot(topic, 1, 1, "x" * 4097), Slot(topic, 9, 1, "")],
    )
    assert fates(answers) == {0: Fate.STORED, 1: Fate.TOO_LARGE, 9: Fate.ABSENT}


async def test_more_than_one_request_holds_is_split(join, slots, create_topic, topic_name):
    """100 slots of 12 KB each are 1.2 MB; a request may have 0.9 MB."""
    topic = topic_name("wide")
    create_topic(topic, 100)
    _, identity = await join(topic_name("streamgauge"), [topic])
    text = "\u4e00" * 4096
    answers = await slots.commit(identity, [Slot(topic, p, p, text) for p in range(100)])
    assert set(fates(answers).values()) == {Fate.STORED}
    stored = await slots.read(identity, identity.partitions)
    assert {slot.offset for slot in stored.values()} == set(range(100))
    assert {slot.text for slot in stored.values()} == {text}


async def test_a_commit_that_is_not_answered_is_in_doubt(join, topic, topic_name, mute_port):
    """Nobody knows whether it was stored, so nobody says that it was not."""
    _, identity = await join(topic_name("streamgauge"), [topic])
    wire = Wire(Connection(bootstrap_servers=(f"127.0.0.1:{mute_port}",), request_timeout_ms=500))
    answers = await Slots(wire).commit(identity, [Slot(topic, 0, 1, "")])
    assert fates(answers) == {0: Fate.IN_DOUBT}
    await wire.close()


async def test_who_has_left_is_no_member(join, topic, topic_name):
    """It has no identity, and says so to whoever waits for one."""
    membership, _ = await join(topic_name("streamgauge"), [topic])
    await membership.leave()
    assert membership.identity is None
    with pytest.raises(MembershipError, match="was left"):
        await membership.assigned()


async def test_a_broker_that_is_away_is_told(closed_port):
    """In words, within seconds."""
    connection = Connection(bootstrap_servers=(f"127.0.0.1:{closed_port}",))
    membership = Membership(connection, "streamgauge.orders", ["orders"])
    with pytest.raises(BrokersUnavailableError, match=r"group streamgauge\.orders"):
        await membership.join()
