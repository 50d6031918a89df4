"""One stream at work: when it ticks, and what of it is an event."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType

import pytest

from streamgauge.app import stream
from streamgauge.app.sinks import Sinks
from streamgauge.app.stream import StreamSettings, StreamWatch
from streamgauge.core.checks.policy import Limit, Policy
from streamgauge.core.checks.registry import CHECKS
from streamgauge.core.checks.standing import Breach, Standing
from streamgauge.core.event_time import RecordRule
from streamgauge.core.keeping import planted
from streamgauge.core.state.codec import encode
from streamgauge.dagster.standings import LastStanding
from streamgauge.kafka.fetching import DEAD_LETTERS, STREAM
from streamgauge.kafka.slots import Slot
from streamgauge.model import Level
from streamgauge.web.server import WebServer

from .groups import GROUP, FakeGroup, FakeMembership, FakeSlots
from .jumping import START_MS, at_once, until
from .world import LETTERS, ORDERS

SETTINGS = StreamSettings("read_committed", "latest", [RecordRule()], STREAM, DEAD_LETTERS, 1000)
KEPT = replace(SETTINGS, state_group=GROUP)


class Published:
    """Keeps the snapshots it is told, with the time of each.

    Attributes:
        standings: what checks were told to say before.
        answers: set while it says so at once.
        withdrawn: how many snapshots there were whenever they were withdrawn.
    """

    def __init__(self, standings):
        self.snapshots = []
        self.standings = standings
        self.answers = asyncio.Event()
        self.answers.set()
        self.withdrawn = []

    def is_ahead(self, _stream, _life):
        """Nobody was told anything before."""
        return False

    async def last_standings(self, stream, checks):
        """Of those that are asked for."""
        assert stream == "shop"
        await self.answers.wait()
        return {check: self.standings[check] for check in checks if check in self.standings}

    async def last_positions(self, stream, assets):
        """Nobody was told any."""
        assert (stream, assets.keys()) == ("shop", {"orders", "dlq"})
        return {}

    def publish(self, snapshot):
        """Take one."""
        self.snapshots.append(snapshot)

    def withdraw(self, stream):
        """Tell no more of them."""
        assert stream == "shop"
        self.withdrawn.append(len(self.snapshots))


@pytest.fixture
def start(policy, cluster, lines):
    """Starts streams on a cluster without topics, and gives the task and what is published."""

    def start(*groups, settings=SETTINGS, standings=MappingProxyType({}), **changes):
        def now_ms():
            return START_MS + round((loop.time() - begun) * 1000)

        loop = asyncio.get_running_loop()
        begun = loop.time()
        web = WebServer("127.0.0.1", 0, streams=["shop"], sinks=lambda: (), now_ms=now_ms)
        published = Published(standings)
        sinks = Sinks(web, None, published)
        made = StreamWatch(policy(*groups, **changes), settings, cluster, sinks, now_ms)
        return asyncio.create_task(made.run()), published

    return start


@pytest.fixture
def watch(start):
    """Runs a stream on a cluster without topics for so long: `watch(seconds, "group")`."""

    async def run(seconds, *groups, **changes):
        task, published = start(*groups, **changes)
        await asyncio.sleep(seconds)
        return published.snapshots, await ended(task)

    return run


async def ended(task):
    """What came of a task that is cancelled now."""
    task.cancel()
    (outcome,) = await asyncio.gather(task, return_exceptions=True)
    return outcome


@pytest.fixture
def group(cluster, monkeypatch):
    """The group of a stream that keeps its state: 10 orders and 2 dead letters are stored."""
    made = FakeGroup(ORDERS, LETTERS)
    for place, counts in ((ORDERS, {"records": 10}), (LETTERS, {"dead_letters": 2})):
        store(made, place, **counts)
    cluster.slots = lambda: FakeSlots(made)
    monkeypatch.setattr(stream, "Membership", lambda *_: FakeMembership(made))
    return made


def store(group, place, writer="f", **counts):
    """Somebody stores these counts of a partition."""
    position = sum(counts.values())
    first = planted(None, ("e" * 16, START_MS - 60_000), 0, (writer * 16, position))
    state = replace(first, position=position, as_of_ms=START_MS - 1_000, **counts)
    group.slots[place] = Slot(*place, position, encode(state).text)


async def stand_by(group, published):
    """Let another process hold the group, from a moment when everything was told."""
    await until(lambda: published.snapshots, 60.0)
    other = FakeMembership(group)
    await other.join()
    group.rebalance(other)
    await until(lambda: published.withdrawn, 60.0)
    return other


def of(lines, event):
    """The lines of an event."""
    return [line for line in lines if line["event"] == event]


@at_once
async def test_it_ticks_every_second_after_a_first_look(watch):
    """Nothing is told while nothing can have been seen yet, but not for long."""
    snapshots, _ = await watch(20)
    times = [snapshot.as_of_ms - START_MS for snapshot in snapshots]
    assert 2_900 <= times[0] <= 3_200
    gaps = [after - before for before, after in pairwise(times)]
    assert len(times) >= 17
    assert max(gaps) <= 1_100


@at_once
async def test_a_window_is_cut_at_its_very_end(watch, lines):
    """Not at the next full second of the process."""
    await watch(200, window_ms=60_000)
    closed = [line["end_ms"] - START_MS for line in of(lines, "window_closed")]
    assert closed == [60_000, 120_000, 180_000]
    assert {line["records"] for line in of(lines, "window_closed")} == {0}


@at_once
async def test_only_changes_of_a_check_are_events(watch, lines):
    """One line for each change, with the level before; a pass from the start is none."""
    checks = {check.name: Policy() for check in CHECKS} | {"lag": Policy(warn=Limit(above=1))}
    await watch(60, "a", checks=checks)
    (line,) = of(lines, "check_changed")
    assert (line["check"], line["standing"], line["before"]) == ("lag__a", "unknown", None)
    assert (line["asset"], line["stream"]) == ("kafka/orders", "shop")


@pytest.mark.parametrize(("ago_ms", "goes_on"), [(1_000, True), (50_000, True), (70_000, False)])
@at_once
async def test_checks_go_on_from_what_they_said_a_moment_ago(watch, ago_ms, goes_on):
    """A failure that began before the restart is no new one; an old one has to show again."""
    told_ms = START_MS - ago_ms
    fail = Breach(told_ms - 5_000, told_ms, 3.0, counts=True)
    before = Standing(Level.FAIL, told_ms - 5_000, "too late", 4.0, 3.0, fail=fail)
    check = (("kafka", "orders"), "lag__a")
    checks = {"lag": Policy(fail=Limit(above=3), keep_failing_for_ms=90_000)}
    last = {check: LastStanding(before, told_ms)}
    snapshots, _ = await watch(10, "a", checks=checks, standings=last)
    (verdict,) = [each for each in snapshots[-1].verdicts if each.check == "lag__a"]
    expected = (Level.FAIL, told_ms - 5_000) if goes_on else (Level.UNKNOWN, verdict.since_ms)
    assert (verdict.level, verdict.since_ms) == expected
    assert (verdict.since_ms < START_MS) == goes_on


@at_once
async def test_without_groups_no_group_is_asked_for(watch, cluster):
    """It would cost requests and rights."""
    await watch(30)
    assert {question[0] for question in cluster.asked} == {"topic"}


@at_once
async def test_groups_are_listed_and_polled_once_there_are_positions(watch, cluster):
    """Here there are none, so only the listing is asked for."""
    await watch(30, "a-*")
    assert {question[0] for question in cluster.asked} == {"topic", "groups"}


@at_once
async def test_a_mistake_in_any_part_ends_the_stream(watch, cluster):
    """With the mistake as it was."""
    cluster.topics = {"dlq": LookupError("a mistake")}
    _, ended = await watch(10)
    assert isinstance(ended, ExceptionGroup)
    assert str(ended.exceptions[0]) == "a mistake"


@at_once
async def test_stream_that_stands_by_tells_nothing_and_withdraws_what_it_told(start, group):
    """Until it counts again, however long that is."""
    task, published = start(settings=KEPT)
    other = await stand_by(group, published)
    told = len(published.snapshots)
    await asyncio.sleep(300)
    assert (published.withdrawn, len(published.snapshots)) == ([told], told)
    await other.leave()
    await until(lambda: len(published.snapshots) > told + 3, 60.0)
    assert published.withdrawn == [told]
    await ended(task)


@pytest.mark.parametrize("stored", [False, True])
@at_once
async def test_stream_that_counts_again_follows_what_the_other_has_reported(start, group, stored):
    """Whether that one has stored more, or has only reported."""
    task, published = start(settings=KEPT)
    other = await stand_by(group, published)
    before = published.snapshots[-1]
    if stored:
        store(group, ORDERS, "d", records=15)
    await other.leave()
    await until(lambda: published.snapshots[-1] is not before, 60.0)
    after = published.snapshots[-1]
    assert (before.resumed, after.resumed, after.life) == (1, 2, before.life)
    assert (before.totals.records, after.totals.records) == (10, 15 if stored else 10)
    await ended(task)


@at_once
async def test_checks_go_on_from_what_the_other_has_told(start, group):
    """What this process said of them before it stood by is forgotten."""
    checks = {"lag": Policy(fail=Limit(above=3), keep_failing_for_ms=90_000)}
    task, published = start("a", settings=KEPT, checks=checks)
    other = await stand_by(group, published)
    before = level(published)
    told_ms = published.snapshots[-1].as_of_ms + 60_000
    await asyncio.sleep(60)
    fail = Breach(told_ms - 5_000, told_ms, 3.0, counts=True)
    standing = Standing(Level.FAIL, told_ms - 5_000, "too late", 4.0, 3.0, fail=fail)
    published.standings = {(("kafka", "orders"), "lag__a"): LastStanding(standing, told_ms)}
    told = len(published.snapshots)
    await other.leave()
    await until(lambda: len(published.snapshots) > told, 60.0)
    assert (before[0], level(published)) == (Level.UNKNOWN, (Level.FAIL, told_ms - 5_000))
    await ended(task)


def level(published):
    """Level of the lag of group `a` as it was told last, and since when."""
    (verdict,) = [each for each in published.snapshots[-1].verdicts if each.check == "lag__a"]
    return verdict.level, verdict.since_ms


@at_once
async def test_stream_that_stands_by_once_more_before_it_knew_its_checks_tells_nothing(
    start, group
):
    """It counted only for a moment, in which Dagster was asked."""
    task, published = start(settings=KEPT)
    other = await stand_by(group, published)
    told = len(published.snapshots)
    published.answers.clear()
    await other.leave()
    await asyncio.sleep(1.5)
    await other.join()
    group.rebalance(other)
    await asyncio.sleep(60)
    assert len(published.snapshots) == told
    published.answers.set()
    await other.leave()
    await until(lambda: len(published.snapshots) > told, 60.0)
    await ended(task)
