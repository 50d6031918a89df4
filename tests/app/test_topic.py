"""Tailing one topic through all that can happen to it: every record once, and nothing unsaid."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from streamgauge.app.topic import Follower, TopicWatch
from streamgauge.core.columns import RecordReader
from streamgauge.core.event_time import RecordRule
from streamgauge.kafka.answers import Forbidden
from streamgauge.kafka.errors import BrokersUnavailableError, TailStalledError
from streamgauge.kafka.fetching import TailSettings

from .jumping import SECOND_ID, at_once, until
from .tails import FakeTails, FakeTopic, FakeTopicCluster
from .world import do_nothing


class Story:
    """A topic `orders`, a watch that follows it, and what became of its records."""

    def __init__(self, context, topic, start_from="latest"):
        self.topic = topic
        self.tails = FakeTails(orders=topic)
        self.cluster = FakeTopicCluster(self.tails)
        made = context(dead_letters=(), start_tail=self.tails.start)
        self.context = replace(made, cluster=self.cluster)
        self.gauge = self.context.gauge
        self.waiting, self.assigned = [], []
        follower = Follower(
            folded=lambda *_: None,
            assigned=self.assigned.append,
            waiting=lambda _, reason: self.waiting.append(reason),
            before_poll=do_nothing,
        )
        reader = RecordReader([RecordRule()])
        settings = TailSettings(topic="orders")
        self._watch = TopicWatch(self.context, reader, settings, start_from, follower)
        self.task = asyncio.create_task(self._watch.run())

    def snapshot(self):
        """What the gauge says now."""
        return self.gauge.tick(self.context.now_ms()).snapshot

    @property
    def records(self):
        """Records counted."""
        return self.snapshot().totals.records

    def blind(self):
        """Why the topic cannot be vouched for; None if it can."""
        return next((b.reason for b in self.snapshot().blind if b.what == "topic orders"), None)

    async def seen(self):
        """Wait until everything is seen."""
        await until(lambda: self.blind() is None)

    async def counted(self, records):
        """Wait until so many records are counted, and make sure that it stays at that."""
        await until(lambda: self.records >= records)
        await asyncio.sleep(30)
        assert self.records == records


@pytest.fixture
def story(context):
    """Begins stories inside a test's own loop; each is cancelled with the loop."""
    return lambda topic, **options: Story(context, topic, **options)


@at_once
async def test_latest_counts_from_the_end_at_the_first_sight(story, lines):
    """What was written before is not counted; a partition added later is, from its beginning."""
    topic = FakeTopic(p0=(0, 100), p1=(50, 70))
    told = story(topic)
    await told.seen()
    topic.append(5)
    topic.logs[2] = [0, 4]
    await told.counted(9)
    assert [line["positions"] for line in lines if "positions" in line] == [{0: 100, 1: 70}, {2: 0}]
    assert told.assigned == ["orders", "orders"]
    assert len(told.tails.started) == 1


@at_once
async def test_a_topic_that_was_absent_is_counted_from_its_first_record(story, events):
    """A dead letter topic is often created by its first dead letter."""
    topic = FakeTopic(p0=(0, 0))
    topic.exists = False
    told = story(topic)
    await until(lambda: told.blind() and "does not exist" in told.blind())
    topic.exists = True
    topic.append(3)
    await told.counted(3)
    assert events() == ["topic_absent", "partitions_assigned", "topic_seen"]
    assert "the gauge never creates a topic" in told.waiting[-1]


@at_once
async def test_a_stalled_tail_goes_on_where_the_gauge_has_counted_to(story, events):
    """Whatever it had read and not told is read again by the next one."""
    topic = FakeTopic(p0=(0, 0))
    told = story(topic)
    await told.seen()
    topic.append(8)
    await until(lambda: told.records > 0)
    told.tails.trouble.append(TailStalledError("nobody answers"))
    await told.counted(8)
    assert events()[1:] == ["tail_stalled", "kafka_recovered"]
    assert [tail.closed for tail in told.tails.started] == [True, False]


@at_once
async def test_another_topic_of_the_same_name_is_a_new_life(story, events):
    """Its records count from the first on, whatever the position was."""
    topic = FakeTopic(p0=(0, 0))
    told = story(topic)
    await told.seen()
    topic.append(7)
    await told.counted(7)
    topic.topic_id, topic.logs = SECOND_ID, {0: [0, 7], 1: [0, 2]}
    await told.counted(9)
    assert told.snapshot().life != "first-life"
    assert events()[1:] == ["topic_recreated", "partitions_assigned"]


@at_once
async def test_a_shorter_log_of_another_topic_is_not_taken_for_lost_records(story, events):
    """The position lies beyond the end; the topic id says why, before anything is counted."""
    topic = FakeTopic(p0=(0, 0))
    told = story(topic)
    await told.seen()
    topic.append(7)
    await told.counted(7)
    topic.topic_id, topic.logs = SECOND_ID, {0: [0, 3]}
    await told.counted(3)
    assert "log_truncated" not in events()
    assert events().count("topic_recreated") == 1


@at_once
async def test_a_truncated_log_is_a_new_life_from_its_end(story, events, lines):
    """The same topic has lost records: what comes now is counted, what was is no more."""
    topic = FakeTopic(p0=(0, 10), p1=(0, 5))
    told = story(topic)
    await told.seen()
    topic.append(6)
    topic.append(2, partition=1)
    await told.counted(8)
    topic.logs[0][1] = 12
    await until(lambda: told.records == 0)
    topic.append(4)
    await told.counted(4)
    (line,) = [line for line in lines if line["event"] == "log_truncated"]
    assert (line["positions"], line["end_offsets"]) == ({0: 16}, {0: 12})
    views = {view.partition: view.start_position for view in told.snapshot().partitions}
    assert views == {0: 12, 1: 7}
    assert len(told.tails.started) == 1


@at_once
async def test_records_deleted_under_the_gauge_are_counted_as_lost(story, lines):
    """Not as records; told with the place."""
    topic = FakeTopic(p0=(0, 0))
    told = story(topic)
    await told.seen()
    topic.logs[0] = [40, 45]
    await told.counted(5)
    assert told.snapshot().totals.lost == 40
    assert [
        (line["first_offset"], line["offsets"]) for line in lines if line["event"] == "records_lost"
    ] == [(0, 40)]


@at_once
async def test_a_partition_without_leader_blinds_and_holds_up_nobody(story, lines):
    """At the start: the others are counted; it begins at its end once somebody leads it."""
    topic = FakeTopic(p0=(0, 10), p1=(0, 20))
    topic.leaderless.add(1)
    told = story(topic)
    await until(lambda: told.blind() == "no broker answers for partition 1")
    topic.append(3)
    await told.counted(3)
    topic.leaderless.clear()
    await told.seen()
    topic.append(2, partition=1)
    await told.counted(5)
    assert [line["positions"] for line in lines if "positions" in line] == [{0: 10}, {1: 20}]


@at_once
async def test_a_topic_without_any_leader_is_waited_for(story):
    """No tail of nothing is begun."""
    topic = FakeTopic(p0=(0, 10))
    topic.leaderless.add(0)
    told = story(topic)
    await until(lambda: told.blind() == "no broker answers for partition 0")
    assert told.tails.started == []
    topic.leaderless.clear()
    await told.seen()


@at_once
async def test_a_new_partition_that_nobody_answers_for_is_told(story, events):
    """The tail of the others goes on; when it answers, it counts from its beginning."""
    topic = FakeTopic(p0=(0, 0))
    told = story(topic)
    await told.seen()
    topic.logs[1] = [0, 6]
    topic.leaderless.add(1)
    await until(lambda: told.blind() == "no broker answers for partition 1")
    topic.append(2)
    await told.counted(2)
    topic.leaderless.clear()
    await told.counted(8)
    assert told.blind() is None
    assert events()[1:] == ["kafka_unreachable", "partitions_assigned", "kafka_recovered"]
    assert len(told.tails.started) == 1


@at_once
async def test_a_silent_partition_is_out_of_sight_until_it_is_heard(story, events):
    """A new tail that has heard nothing yet withdraws nothing."""
    topic = FakeTopic(p0=(0, 0), p1=(0, 0))
    told = story(topic)
    await told.seen()
    told.tails.silent.add(1)
    await until(lambda: told.blind() == "no broker answers for partition 1")
    topic.append(5, partition=1)
    for _ in range(3):
        told.tails.trouble.append(TailStalledError("partition 1 is silent"))
        await asyncio.sleep(30)
        assert told.blind()
    assert "kafka_recovered" not in events()
    told.tails.silent.clear()
    await told.counted(5)
    assert events()[1] == "kafka_unreachable"
    assert events().count("kafka_recovered") == 1


@at_once
async def test_a_right_that_is_missing_is_missing_until_an_answer_comes(story, events):
    """A poll without the refusal is no answer: the loss is told once."""
    topic = FakeTopic(p0=(0, 0))
    told = story(topic)
    await told.seen()
    told.tails.silent.add(0)
    for _ in range(5):
        told.tails.notices.append(Forbidden("READ on topic orders"))
        await asyncio.sleep(1)
        assert told.blind() == "the right READ on topic orders is missing; grant it"
    told.tails.silent.clear()
    await told.seen()
    assert events()[1:] == ["topic_forbidden", "topic_seen"]


@at_once
async def test_brokers_away_at_the_start_are_waited_for(story, events):
    """Told with every sentence of the reason, on one line."""
    topic = FakeTopic(p0=(0, 9))
    told = story(topic)
    away = BrokersUnavailableError("nobody lets the gauge in", ["a: refused", "b: mute"])
    told.cluster.trouble += [away, away]
    await until(lambda: told.waiting)
    assert told.waiting[0] == "nobody lets the gauge in; a: refused; b: mute"
    await told.seen()
    assert events() == ["kafka_unreachable", "partitions_assigned", "kafka_recovered"]


@at_once
async def test_brokers_that_do_not_answer_a_look_change_nothing(story):
    """The tail hears for itself whether they are there."""
    topic = FakeTopic(p0=(0, 0))
    told = story(topic)
    await told.seen()
    told.cluster.trouble += [BrokersUnavailableError("away")] * 3
    topic.append(4)
    await told.counted(4)
    assert told.blind() is None
    assert len(told.tails.started) == 1


@at_once
async def test_a_mistake_in_a_look_does_not_pass_unseen(story):
    """It ends the watch, and with it the service."""
    told = story(FakeTopic(p0=(0, 0)))
    await told.seen()
    told.cluster.trouble.append(LookupError("a mistake"))
    with pytest.raises(LookupError, match="a mistake"):
        await asyncio.wait_for(told.task, 60)
    assert told.tails.started[0].closed


@at_once
async def test_a_cancelled_watch_has_counted_whole_polls_only(story):
    """What a poll had begun to read is not counted, and the position says so."""
    topic = FakeTopic(p0=(0, 0))
    told = story(topic)
    await told.seen()
    topic.append(50)
    await until(lambda: told.records > 5)
    told.task.cancel()
    await asyncio.gather(told.task, return_exceptions=True)
    (view,) = told.snapshot().partitions
    assert told.records == view.next_offset
    assert told.tails.started[0].closed


@pytest.mark.parametrize("seed", range(8))
@at_once
async def test_whatever_happens_every_record_counts_once(seed, story):
    """Records, stalls, silence, brokers away and new partitions, in any order."""
    rng = random.Random(seed)  # noqa: S311 - a repeatable story, not a secret
    topic = FakeTopic(p0=(0, 0))
    told = story(topic)
    await told.seen()
    written = 0
    for _ in range(150):
        await asyncio.sleep(rng.random() * 2)
        match rng.randrange(8):
            case 0:
                told.tails.trouble.append(TailStalledError("stalled"))
            case 1:
                told.cluster.trouble.append(BrokersUnavailableError("away"))
            case 2:
                told.tails.silent ^= {rng.randrange(len(topic.logs))}
            case 3 if len(topic.logs) < 5:
                count = rng.randrange(5)
                topic.logs[len(topic.logs)] = [0, count]
                written += count
            case _:
                count = rng.randrange(10)
                topic.append(count, rng.randrange(len(topic.logs)))
                written += count
    told.tails.silent.clear()
    await told.seen()
    await told.counted(written)
    assert told.snapshot().life == "first-life"
