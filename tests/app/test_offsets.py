"""Polling groups: what is asked in which order, and when a group is out of sight."""

from __future__ import annotations

import asyncio

import pytest

from streamgauge.app.group_questions import ANSWER_SECONDS
from streamgauge.app.offsets import OffsetsPoll
from streamgauge.core.columns import RecordReader
from streamgauge.core.event_time import RecordRule
from streamgauge.core.watched_groups import Retention
from streamgauge.kafka.answers import Forbidden, Retry
from streamgauge.kafka.errors import BrokersUnavailableError, UnexpectedAnswerError
from streamgauge.kafka.first_records import FirstRecordFound, NoRecord
from streamgauge.model import CommittedOffsets, LagBound

from .conftest import Never, log
from .jumping import START_MS, at_once, until

READER = RecordReader([RecordRule()])
AWAY = BrokersUnavailableError("broker 1 does not answer")


class Filled:
    """A ledger that is filled, or is not."""

    def __init__(self, *, is_done=True):
        self.is_done = is_done


def commits(group, offsets):
    """What a group has committed on `orders`."""
    return CommittedOffsets(group, "orders", offsets, START_MS)


@pytest.fixture
def poll(context, cluster):
    """Makes a poll of these groups on a topic of two partitions: `poll("a", "b").poll()`."""

    def make(*groups):
        made = context(*groups)
        made.gauge.assigned("orders", {0: 100, 1: 50})
        made.gauge.read_on(Retention(is_compacted=False))
        filled = Filled()
        poll = OffsetsPoll(made, 1000, READER, filled, lambda: poll.polled.append(made.now_ms()))
        poll.polled, poll.gauge, poll.filled = [], made.gauge, filled
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
    assert asked == ["committed", "committed", "ends", "first"]
    assert cluster.asked[2] == ("ends", "orders", (0, 1), "read_committed")
    assert (polled.view("a").lag, polled.view("b").lag) == (10, 0)
    assert polled.blind() == {}


@at_once
async def test_nothing_is_asked_before_the_topic_has_positions(context, cluster):
    """There is nothing to compare commits with; the group stays unknown."""
    made = context("a")
    await OffsetsPoll(made, 1000, READER, Filled(), lambda: None).poll()
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


@at_once
async def test_a_slow_group_holds_up_no_other_and_is_taken_in_later(poll, cluster):
    """Its answer came before the ends of the next round: it can be told with these."""
    gate = asyncio.Event()

    async def slow():
        await gate.wait()
        return commits("slow", {0: 97, 1: 50})

    cluster.commits = {"fine": commits("fine", {0: 99, 1: 50})}
    polled = poll("fine", "slow")
    answer = cluster.committed

    async def committed(group, topic, partitions):
        return await (slow() if group == "slow" else answer(group, topic, partitions))

    cluster.committed = committed
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await polled.poll()
    assert loop.time() - begun < 1
    assert (polled.view("fine").lag, polled.view("slow").lag) == (1, None)
    gate.set()
    await polled.poll()
    assert polled.view("slow").lag == 3


@at_once
async def test_a_record_that_the_ledger_does_not_know_is_looked_up_once(poll, cluster):
    """And the time lag is that of this record, as of the answer."""
    cluster.commits = {"a": commits("a", {0: 90, 1: 50}), "b": commits("b", {0: 90, 1: 40})}
    cluster.records = {
        (0, 90): FirstRecordFound(92, START_MS - 7_000),
        (1, 40): FirstRecordFound(40, START_MS - 2_000),
    }
    polled = poll("a", "b")
    await rounds(polled, 3)
    assert [asked for asked in cluster.asked if asked[0] == "first"] == [("first", {0: 90, 1: 40})]
    seen = polled.view("a")
    assert (seen.time_lag_seconds, seen.time_lag_bound) == (7.0, LagBound.EXACT)
    assert (seen.lag, seen.lag_bound) == (8, LagBound.UPPER)
    assert seen.partitions[0].first_unread_offset == 92
    assert polled.view("b").partitions[1].time_lag_seconds == 2.0


@at_once
async def test_what_cannot_be_looked_up_is_asked_for_again(poll, cluster):
    """Until then the time lag is not known."""
    cluster.commits = {"a": commits("a", {0: 90, 1: 50})}
    polled = poll("a")
    await rounds(polled, 2)
    assert (polled.view("a").time_lag_seconds, polled.view("a").lag) == (None, 10)
    cluster.records = {(0, 90): FirstRecordFound(90, START_MS - 1_000)}
    await rounds(polled, 1)
    assert polled.view("a").time_lag_seconds == 1.0


@at_once
async def test_where_nothing_is_left_but_control_records_nothing_is_to_be_read(poll, cluster):
    """A commit marker at the end is no lag."""
    cluster.commits = {"a": commits("a", {0: 99, 1: 50})}
    cluster.records = {(0, 99): NoRecord(100)}
    polled = poll("a")
    await polled.poll()
    assert (polled.view("a").lag, polled.view("a").time_lag_seconds) == (0, 0.0)


@at_once
async def test_a_poll_of_another_log_is_not_taken_in(poll, cluster):
    """Its offsets say nothing about the new one."""
    cluster.commits = {"a": commits("a", {0: 90, 1: 50})}
    polled = poll("a")
    begin = polled.gauge.begin_life

    ends = cluster.log_offsets

    async def log_offsets(*asked):
        begin("2" * 16, "orders", START_MS)
        polled.gauge.assigned("orders", {0: 0, 1: 0})
        cluster.log_offsets = ends
        return await ends(*asked)

    cluster.log_offsets = log_offsets
    await polled.poll()
    assert polled.polled == []
    assert polled.view("a").as_of_ms is None
    await polled.poll()
    assert polled.view("a").as_of_ms == START_MS


@at_once
async def test_nobody_is_judged_by_a_ledger_that_is_not_filled(poll, cluster, lines):
    """What was passed could not be counted; if that lasts, the group is out of sight."""
    cluster.commits = {"a": commits("a", {0: 90, 1: 50})}
    polled = poll("a")
    polled.filled.is_done = False
    await rounds(polled, 8)
    assert cluster.asked == []
    assert polled.blind() == {
        "a": "its committed offsets are not told: the topic is not tailed yet"
    }
    polled.filled.is_done = True
    await rounds(polled, 1)
    assert (polled.blind(), polled.view("a").lag) == ({}, 10)


@at_once
async def test_every_round_that_was_answered_is_told(poll, cluster):
    """At once: what waits for the next tick is older then."""
    cluster.commits = {"a": [commits("a", {0: 100, 1: 50}), AWAY, commits("a", {0: 100, 1: 50})]}
    polled = poll("a")
    await rounds(polled, 3)
    assert len(polled.polled) == 2


@at_once
async def test_an_answer_that_came_late_belongs_to_the_log_it_was_asked_of(poll, cluster):
    """In a new life it says nothing."""
    gate, answer = asyncio.Event(), cluster.committed

    async def committed(*asked):
        await gate.wait()
        return await answer(*asked)

    cluster.commits = {"a": commits("a", {0: 90, 1: 50})}
    cluster.committed = committed
    polled = poll("a")
    await polled.poll()
    polled.gauge.begin_life("2" * 16, "orders", START_MS)
    polled.gauge.assigned("orders", {0: 0, 1: 0})
    cluster.commits = {"a": commits("a", {0: None, 1: None})}
    gate.set()
    await rounds(polled, 2)
    assert polled.view("a").partitions[0].committed_offset is None


@at_once
async def test_a_group_that_always_takes_its_time_is_asked_in_every_round(poll, cluster):
    """Its answers are as far apart as those of the others."""
    answer, asked = cluster.committed, []

    async def committed(*what):
        asked.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.3)
        return await answer(*what)

    cluster.commits = {"a": commits("a", {0: 90, 1: 50})}
    cluster.committed = committed
    polled = poll("a")
    await rounds(polled, 10)
    assert len(asked) == 10
    assert len(polled.polled) == 9


@at_once
async def test_many_rows_are_taken_in_bit_by_bit(poll, cluster, monkeypatch):
    """Others of the loop have their turn in between."""
    monkeypatch.setattr("streamgauge.app.first_unread.ROWS_AT_ONCE", 4)
    groups = [f"g{number}" for number in range(20)]
    cluster.commits = {group: commits(group, {0: 90, 1: 50}) for group in groups}
    polled, taken = poll(*groups), []
    offsets = polled.gauge.offsets

    def count(committed, log):
        taken.append(len(committed))
        offsets(committed, log)

    polled.gauge.offsets = count
    await polled.poll()
    assert taken == [2] * 10
    assert {polled.view(group).lag for group in groups} == {10}


@at_once
async def test_more_offsets_than_can_be_looked_up_have_their_turn(poll, cluster, monkeypatch):
    """None waits for ever behind those that are farthest behind."""
    monkeypatch.setattr("streamgauge.app.first_unread.ROUNDS", 2)
    groups = [f"g{number}" for number in range(6)]
    polled = poll(*groups)
    for turn in range(6):
        cluster.commits = {
            group: commits(group, {0: 10 * number + turn, 1: 50})
            for number, group in enumerate(groups)
        }
        await polled.poll()
    asked = [each[1][0] for each in cluster.asked if each[0] == "first"]
    assert {offset // 10 for offset in asked} == set(range(6))


@at_once
async def test_a_group_that_is_gone_is_missed_by_nobody(poll, cluster, lines):
    """Though a question about it is still open, or is answered then."""
    for answer in (Never, Forbidden("DESCRIBE on group gone"), commits("gone", {0: 90, 1: 50})):
        cluster.commits = {"a": commits("a", {0: 90, 1: 50}), "gone": answer}
        polled = poll("a", "gone")
        asked = cluster.committed

        async def committed(group, topic, partitions, polled=polled, asked=asked):
            if group == "gone":
                polled.gauge.unwatch(["gone"])
            return await asked(group, topic, partitions)

        cluster.committed = committed
        await rounds(polled, 9)
        cluster.committed = asked
        assert polled.blind() == {}
        assert lines == []
        assert "gone" not in polled.gauge.tick(START_MS).snapshot.groups


@at_once
async def test_a_mistake_in_a_search_ends_the_poll(poll, cluster):
    """It is no answer of a broker, and not to be missed."""
    cluster.commits = {"a": commits("a", {0: 90, 1: 50})}

    async def first_records(*asked):
        raise LookupError("a mistake")

    cluster.first_records = first_records
    with pytest.raises(LookupError, match="a mistake"):
        await rounds(poll("a"), 2)
