"""Polling groups: what is asked in which order, and when a group is out of sight."""

from __future__ import annotations

import asyncio

import pytest

from streamgauge.app.offsets import ANSWER_SECONDS, OffsetsPoll
from streamgauge.kafka.answers import Forbidden, Retry
from streamgauge.kafka.errors import BrokersUnavailableError, UnexpectedAnswerError
from streamgauge.model import CommittedOffsets

from .conftest import Never, log
from .jumping import START_MS, at_once, until

AWAY = BrokersUnavailableError("broker 1 does not answer")


def commits(group, offsets):
    """What a group has committed on `orders`."""
    return CommittedOffsets(group, "orders", offsets, START_MS)


@pytest.fixture
def poll(context, cluster):
    """Makes a poll of these groups on a topic of two partitions: `poll("a", "b").poll()`."""

    def make(*groups):
        made = context(*groups)
        made.gauge.assigned("orders", {0: 0, 1: 0})
        poll = OffsetsPoll(made, 1000)
        poll.view = lambda group: made.gauge.tick(START_MS).snapshot.groups[group]
        poll.blind = lambda: {
            blind.what.removeprefix("group "): blind.reason
            for blind in made.gauge.tick(made.now_ms()).snapshot.blind
            if blind.what.startswith("group ")
        }
        return poll

    cluster.ends = log({0: 100, 1: 50})
    return make


async def rounds(poll, count):
    """So many polls, a second apart."""
    for _ in range(count):
        await poll.poll()
        await asyncio.sleep(1)


@at_once
async def test_ends_are_asked_after_all_commits(poll, cluster):
    """The other way round a lag could be understated, even to a false zero."""
    cluster.commits = {"a": commits("a", {0: 90, 1: 50}), "b": commits("b", {0: 100, 1: 50})}
    polled = poll("a", "b")
    await polled.poll()
    asked = [question[0] for question in cluster.asked]
    assert asked == ["committed", "committed", "ends"]
    assert cluster.asked[-1] == ("ends", "orders", (0, 1), "read_committed")
    assert (polled.view("a").lag, polled.view("b").lag) == (10, 0)
    assert polled.blind() == {}


@at_once
async def test_nothing_is_asked_before_the_topic_has_positions(context, cluster):
    """There is nothing to compare commits with; the group stays unknown."""
    made = context("a")
    await OffsetsPoll(made, 1000).poll()
    assert cluster.asked == []
    assert any(blind.what == "group a" for blind in made.gauge.tick(START_MS).snapshot.blind)


@at_once
async def test_one_missing_answer_changes_nothing(poll, cluster, lines):
    """The last answer stands for some seconds; then the group is out of sight, told once."""
    cluster.commits = {"a": [commits("a", {0: 90, 1: 50}), Retry("15 COORDINATOR_NOT_AVAILABLE")]}
    polled = poll("a")
    await rounds(polled, 5)
    assert (polled.view("a").lag, polled.blind(), lines) == (10, {}, [])
    await rounds(polled, 5)
    reason = "its committed offsets are not told: 15 COORDINATOR_NOT_AVAILABLE"
    assert polled.blind() == {"a": reason}
    assert [(line["event"], line["reason"]) for line in lines] == [("group_unanswered", reason)]
    cluster.commits = {"a": commits("a", {0: 100, 1: 50})}
    await rounds(polled, 1)
    assert (polled.view("a").lag, polled.blind(), lines[-1]["event"]) == (0, {}, "group_seen")


@at_once
async def test_without_the_ends_a_group_is_not_seen(poll, cluster, lines):
    """Commits alone tell no lag: the last lag stands, then it is unknown."""
    cluster.commits = {"a": [commits("a", {0: 90, 1: 50}), commits("a", {0: 100, 1: 50})]}
    cluster.ends = [log({0: 100, 1: 50}), AWAY]
    polled = poll("a")
    await rounds(polled, 3)
    assert (polled.view("a").lag, polled.blind()) == (10, {})
    await rounds(polled, 8)
    assert polled.blind() == {"a": "the ends of the log are not told: broker 1 does not answer"}
    assert [line["event"] for line in lines] == ["group_unanswered"]


@at_once
async def test_a_mute_coordinator_holds_up_no_other_group(poll, cluster):
    """It costs the others one long round, and is itself out of sight soon."""
    cluster.commits = {"mute": Never, "fine": commits("fine", {0: 99, 1: 50})}
    polled = poll("mute", "fine")
    loop = asyncio.get_running_loop()
    await rounds(polled, 2)
    begun = loop.time()
    await rounds(polled, 5)
    assert loop.time() - begun < 5 + 1
    assert polled.view("fine").lag == 1
    answer = f"its committed offsets are not told: there was no answer within {ANSWER_SECONDS:g} s"
    assert polled.blind() == {"mute": answer}
    assert cluster.asked.count(("committed", "mute")) == 1


@at_once
async def test_mute_brokers_are_noticed_within_seconds(poll, cluster, lines):
    """Not after the time limit of a request, which may be minutes."""
    cluster.commits = {"a": [commits("a", {0: 90, 1: 50}), Never]}
    polled = poll("a")
    task = asyncio.create_task(polled.run())
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await until(lambda: lines)
    assert loop.time() - begun < 10
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1


@at_once
async def test_ends_of_an_earlier_round_are_never_used(poll, cluster):
    """They would be older than the commits of now."""
    cluster.commits = {"a": commits("a", {0: 100, 1: 50})}
    cluster.ends = [Never, log({0: 100, 1: 50})]
    polled = poll("a")
    await rounds(polled, 3)
    assert polled.view("a").lag is None
    assert "ends of the log" in polled.blind()["a"]


@at_once
async def test_a_missing_right_is_told_at_once_and_by_name(poll, cluster, lines):
    """Waiting does not help; the other group is not concerned."""
    cluster.commits = {
        "secret": Forbidden("DESCRIBE on group secret"),
        "fine": commits("fine", {0: 100, 1: 50}),
    }
    polled = poll("secret", "fine")
    await polled.poll()
    reason = "the right DESCRIBE on group secret is missing; grant it"
    assert polled.blind() == {"secret": reason}
    assert [(line["event"], line["reason"]) for line in lines] == [("group_forbidden", reason)]


@at_once
async def test_all_groups_of_brokers_that_are_away_are_one_line(poll, cluster, lines):
    """Each of them is blind, and nobody is paged a hundred times."""
    groups = [f"g{number}" for number in range(100)]
    cluster.commits = dict.fromkeys(groups, AWAY)
    polled = poll(*groups)
    await rounds(polled, 20)
    assert set(polled.blind()) == set(groups)
    assert [(line["event"], line["others"]) for line in lines] == [("group_unanswered", 99)]
    assert not [question for question in cluster.asked if question[0] == "ends"]


@at_once
async def test_an_answer_without_a_rule_is_a_missing_one(poll, cluster):
    """It is told with its error, and does not end the service."""
    cluster.commits = {"a": UnexpectedAnswerError("broker 1: 87 INVALID_RECORD")}
    polled = poll("a")
    await rounds(polled, 10)
    assert "87 INVALID_RECORD" in polled.blind()["a"]


@at_once
async def test_a_mistake_in_the_code_ends_the_poll(poll, cluster):
    """It is no answer of a broker."""
    cluster.commits = {"a": LookupError("a mistake")}
    with pytest.raises(LookupError, match="a mistake"):
        await poll("a").run()


@at_once
async def test_names_are_taken_as_they_are(poll, cluster):
    """Spaces, slashes, braces and other scripts are legal in the names of groups."""
    odd = ["a b/c", "{x}%s", "группа", 'q"uo\\te']
    cluster.commits = {name: commits(name, {0: 90, 1: 50}) for name in odd}
    polled = poll(*odd)
    await polled.poll()
    assert {polled.view(name).lag for name in odd} == {10}
