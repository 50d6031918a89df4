"""Sends the story's orders and logs each one that the broker has acknowledged."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from aiokafka import AIOKafkaProducer

from streamgauge_demo.programs.journal import Journal, now_ms
from streamgauge_demo.programs.lifetime import until_stopped
from streamgauge_demo.programs.orders import Orders
from streamgauge_demo.programs.story import PAUSE_SECONDS, STORY
from streamgauge_demo.programs.topics import create_absent
from streamgauge_demo.programs.tracing import Tracing

if TYPE_CHECKING:
    from aiokafka.structs import RecordMetadata

    from streamgauge_demo.programs.orders import Order
    from streamgauge_demo.programs.story import Phase


@click.command()
@click.option("--bootstrap-servers", required=True)
@click.option("--topic", required=True)
@click.option("--dead-letters", help="Create this topic and TOPIC where they are absent.")
@click.option("--log", "log_path", required=True, help="File for the log; - for standard output.")
@click.option("--append-time", is_flag=True, help="The broker stamps the records of TOPIC.")
@click.option("--forever", is_flag=True, help="Tell the story again and again.")
def main(  # noqa: PLR0913 - one for each option
    bootstrap_servers: str,
    topic: str,
    dead_letters: str | None,
    log_path: str,
    *,
    append_time: bool,
    forever: bool,
) -> None:
    """Send the orders of the story to TOPIC until it has ended, or until SIGTERM."""
    if dead_letters is not None:
        create_absent(bootstrap_servers, topic, dead_letters)
    tracing = Tracing("orders-api")
    with Journal(log_path) as journal:
        story = Story(topic, journal, tracing, append_time=append_time)
        asyncio.run(until_stopped(_tell(story, bootstrap_servers, forever=forever)))
        tracing.close()
        journal.write("stopped")


async def _tell(story: Story, bootstrap_servers: str, *, forever: bool) -> None:
    # idempotence: a record whose acknowledgement was lost is in the topic once all the same
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, enable_idempotence=True)
    async with producer:
        story.journal.write("ready")
        await story.tell(producer)
        while forever:
            await story.tell(producer)


class Story:
    """Sends phase after phase, each at its own pace."""

    def __init__(
        self, topic: str, journal: Journal, tracing: Tracing, *, append_time: bool
    ) -> None:
        self._topic = topic
        self.journal = journal
        self._tracing = tracing
        self._append_time = append_time
        self._unacknowledged: set[asyncio.Future[RecordMetadata]] = set()

    async def tell(self, producer: AIOKafkaProducer) -> None:
        """Send all phases; each ends when all its orders are acknowledged.

        Raises:
            KafkaError: an order was not acknowledged.
        """
        orders = Orders()
        for phase in STORY:
            self.journal.write("phase_began", phase=phase.name)
            began = time.monotonic()
            for number, order in enumerate(orders.of(phase)):
                await asyncio.sleep(began + number / phase.per_second - time.monotonic())
                await self._send(producer, order, phase)
            await asyncio.gather(*self._unacknowledged)
            self.journal.write("phase_ended", phase=phase.name)
            await asyncio.sleep(PAUSE_SECONDS)
        self.journal.write("story_ended")

    async def _send(self, producer: AIOKafkaProducer, order: Order, phase: Phase) -> None:
        sent_ms = now_ms()
        event_ms = sent_ms - order.delay_ms
        headers = [("event-time", str(event_ms).encode()), ("content-type", b"application/json")]
        future = await producer.send(self._topic, key=order.key, value=order.value, headers=headers)
        written_by = self._tracing.last_sent
        said = {
            "phase": phase.name,
            "event_ms": event_ms,
            "sent_ms": sent_ms,
            "trace_id": f"{written_by.trace_id:032x}",
            "span_id": f"{written_by.span_id:016x}",
            "sampled": written_by.trace_flags.sampled,
            "doomed": order.doomed,
        }
        self._unacknowledged.add(future)
        future.add_done_callback(partial(self._acknowledged, said))

    def _acknowledged(self, said: dict[str, Any], future: asyncio.Future[RecordMetadata]) -> None:
        """Log the order; one that failed stays in the set, where `tell` finds its error."""
        if future.cancelled() or future.exception() is not None:
            return
        self._unacknowledged.discard(future)
        told = future.result()
        self.journal.write(
            "sent",
            partition=told.partition,
            offset=told.offset,
            append_ms=told.timestamp if self._append_time else None,
            **said,
        )


if __name__ == "__main__":
    main()
