"""What is still in a compacted topic: nobody but the log itself knows what was compacted away."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, TopicPartition

from .record_of_truth import Span
from .world import finished

if TYPE_CHECKING:
    from .world import Topic, World

LOOK_EVERY_SECONDS = 0.25
READ_SECONDS = 20.0


async def watch_contents(world: World, topic: Topic) -> None:
    """Note what is compacted away, by reading the topic again and again until cancelled."""
    consumer = Consumer(
        {
            **world.config,
            "group.id": f"contents-of-{topic.name}",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 20,
        }
    )
    before = time.time()
    try:
        while True:
            begun = time.time()
            end = (await topic.ends())[0]
            kept = await finished(_contents, consumer, topic.name, end)
            topic.vanished({0: kept}, {0: end}, Span(before, time.time()))
            before = begun
            await asyncio.sleep(LOOK_EVERY_SECONDS)
    finally:
        await finished(consumer.close)


def _contents(consumer: Consumer, topic: str, end: int) -> set[int]:
    """The offsets before the end of the log that are there; the last one always is."""
    kept: set[int] = set()
    until = time.monotonic() + READ_SECONDS
    consumer.assign([TopicPartition(topic, 0, 0)])
    while end and end - 1 not in kept:
        if time.monotonic() > until:
            raise RuntimeError(f"{topic} could not be read to offset {end}")
        kept |= {each.offset() for each in consumer.consume(100, 0.05) if not each.error()}
    return kept
