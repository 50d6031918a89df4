"""Asks Kafka about topics, within a time limit and without changing anything.

Offsets of the log and of consumer groups are asked for, and single records are read for their
times. No group is joined, nothing is committed and no topic is created.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from streamgauge.app.settings import connection
from streamgauge.core.lag import group_of_log, is_pattern, matching
from streamgauge.kafka.answers import Absent, Forbidden, Retry
from streamgauge.kafka.cluster import Cluster
from streamgauge.kafka.errors import KafkaAccessError
from streamgauge.model import CommittedOffsets
from streamgauge_dagster.sensors.poll_times import newest_record_ms, time_lags
from streamgauge_dagster.sensors.polled import Found, Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamgauge.config.kafka import Kafka
    from streamgauge.kafka.answers import Present
    from streamgauge_dagster.sensors.polled import Answer, PolledTopic

TOPICS_AT_A_TIME: Final = 4
GROUPS_MAX: Final = 100
"""Consumer groups of one topic that are asked about; the others are counted as left out."""


def poll(
    kafka: Kafka,
    topics: Sequence[PolledTopic],
    known_ends: Mapping[str, Mapping[int, int]],
    seconds: float,
) -> dict[str, Answer]:
    """What is known of each topic, by asset.

    Args:
        kafka: the brokers, and how they are reached.
        topics: what is asked about.
        known_ends: end offsets of the last poll by asset and partition: where nothing was added
            since, no record is read.
        seconds: time limit of it all; closing connections may take a few more.
    """
    return asyncio.run(_poll(kafka, topics, known_ends, seconds))


async def _poll(
    kafka: Kafka,
    topics: Sequence[PolledTopic],
    known_ends: Mapping[str, Mapping[int, int]],
    seconds: float,
) -> dict[str, Answer]:
    late = Unknown(f"Kafka did not answer within {seconds:g} s")
    answers: dict[str, Answer] = dict.fromkeys((topic.name for topic in topics), late)
    turns = asyncio.Semaphore(TOPICS_AT_A_TIME)
    cluster = Cluster(connection(kafka))

    async def ask(topic: PolledTopic) -> None:
        async with turns:
            try:
                found = await _ask(cluster, topic, known_ends.get(topic.name, {}))
            except KafkaAccessError as error:
                found = Unknown(str(error))
            answers[topic.name] = found

    try:
        async with asyncio.timeout(seconds):
            await cluster.start()
            async with asyncio.TaskGroup() as asking:
                for topic in topics:
                    asking.create_task(ask(topic))
    except TimeoutError:
        pass
    except KafkaAccessError as error:
        answers = dict.fromkeys(answers, Unknown(str(error)))
    finally:
        await cluster.close()
    return answers


async def _ask(cluster: Cluster, topic: PolledTopic, known: Mapping[int, int]) -> Answer:
    state = await cluster.topic(topic.topic)
    if isinstance(state, Absent):
        return Unknown(f"there is no topic {topic.topic}")
    if isinstance(state, Forbidden):
        return Unknown(f"the right {state.right} is missing; grant it")
    names, left_out, trouble = await _group_names(cluster, topic)
    # committed offsets first: an end offset that is younger can only overstate the lag
    committed = await asyncio.gather(*(_committed(cluster, name, topic, state) for name in names))
    log = await cluster.log_offsets(topic.topic, state.partitions, topic.isolation_level)
    groups = {}
    for name, answer in zip(names, committed, strict=True):
        told = answer if isinstance(answer, CommittedOffsets) else None
        groups[name] = group_of_log(state.partitions, told, log)
        if isinstance(answer, Forbidden):
            trouble.append(f"the right {answer.right} is missing; grant it")
        elif isinstance(answer, Retry):
            trouble.append(answer.reason)
    moved = {p: end for p, end in log.end.items() if end > log.start.get(p, 0) != end}
    moved = {p: end for p, end in moved.items() if known.get(p) != end}
    return Found(
        topic_id=_topic_id(state),
        partitions=state.partitions,
        start=log.start,
        end=log.end,
        groups=groups,
        time_lag_seconds=await time_lags(cluster, topic, groups, log),
        newest_ms=await newest_record_ms(cluster, topic, moved, log) if moved else None,
        groups_left_out=left_out,
        trouble=tuple(trouble),
    )


async def _committed(
    cluster: Cluster, group: str, topic: PolledTopic, state: Present
) -> CommittedOffsets | Retry | Forbidden:
    try:
        return await cluster.committed(group, topic.topic, state.partitions)
    except KafkaAccessError as error:
        return Retry(f"group {group}: {error}")


async def _group_names(cluster: Cluster, topic: PolledTopic) -> tuple[list[str], int, list[str]]:
    """Consumer groups to ask about, how many there are more, and what is in the way."""
    names = {group for group in topic.groups if not is_pattern(group)}
    patterns = [group for group in topic.groups if is_pattern(group)]
    trouble, left_out = [], 0
    if patterns:
        why = "no broker lists any"
        try:
            listed = await cluster.groups()
        except KafkaAccessError as error:
            listed, why = None, str(error)
        if listed is None:
            left_out = len(patterns)
            trouble.append(f"the groups of {', '.join(patterns)} are unknown: {why}")
        else:
            names.update(*(matching(pattern, listed.followed) for pattern in patterns))
    ordered = sorted(names)
    return ordered[:GROUPS_MAX], left_out + max(0, len(ordered) - GROUPS_MAX), trouble


def _topic_id(state: Present) -> str | None:
    return None if state.topic_id is None else state.topic_id.hex
