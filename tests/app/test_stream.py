"""One stream at work: when it ticks, and what of it is an event."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from types import MappingProxyType

import pytest

from streamgauge.app.sinks import Sinks
from streamgauge.app.stream import StreamSettings, StreamWatch
from streamgauge.core.checks.policy import Limit, Policy
from streamgauge.core.checks.standing import Breach, Standing
from streamgauge.core.event_time import RecordRule
from streamgauge.dagster.standings import LastStanding
from streamgauge.kafka.fetching import DEAD_LETTERS, STREAM
from streamgauge.model import Level
from streamgauge.web.server import WebServer

from .jumping import START_MS, at_once

SETTINGS = StreamSettings("read_committed", "latest", [RecordRule()], STREAM, DEAD_LETTERS, 1000)


class Published:
    """Keeps the snapshots it is told, with the time of each.

    Attributes:
        standings: what checks were told to say before.
    """

    def __init__(self, standings):
        self.snapshots = []
        self.standings = standings

    def is_ahead(self, _stream, _life):
        """Nobody was told anything before."""
        return False

    async def last_standings(self, stream, checks):
        """Of those that are asked for."""
        assert stream == "shop"
        return {check: self.standings[check] for check in checks if check in self.standings}

    def publish(self, snapshot):
        """Take one."""
        self.snapshots.append(snapshot)


@pytest.fixture
def watch(policy, cluster, lines):
    """Runs a stream on a cluster without topics for so long: `watch(seconds, "group")`."""

    async def run(seconds, *groups, standings=MappingProxyType({}), **changes):
        def now_ms():
            return START_MS + round((loop.time() - begun) * 1000)

        loop = asyncio.get_running_loop()
        begun = loop.time()
        web = WebServer("127.0.0.1", 0, streams=["shop"], sinks=lambda: (), now_ms=now_ms)
        published = Published(standings)
        sinks = Sinks(web, None, published)
        made = StreamWatch(policy(*groups, **changes), SETTINGS, cluster, sinks, now_ms)
        task = asyncio.create_task(made.run())
        await asyncio.sleep(seconds)
        task.cancel()
        ended = await asyncio.gather(task, return_exceptions=True)
        return published.snapshots, ended[0]

    return run


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
    checks = {"fresh": Policy(), "no_dead_letters": Policy(), "arrival_age": Policy()}
    checks["lag"] = Policy(warn=Limit(above=1))
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
