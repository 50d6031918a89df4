"""Sends the story's orders and logs each one that the broker has acknowledged."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

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

_LOG_APPEND_TIME: Final = 1


@click.command()
@click.option("--bootstrap-servers", required=True)
@click.option("--topic", required=True)
@click.option("--dead-letters", help="Create this topic and TOPIC where they are absent.")
@click.option("--log", "log_path", required=True, help="File for the log; - for standard output.")
@click.option("--forever", is_flag=True, help="Tell the story again and again.")
def main(
    bootstrap_servers: str, topic: str, dead_letters: str | None, log_path: str, *, forever: bool
) -> None:
    """Send the orders of the story to TOPIC until it has ended, or until SIGTERM."""
    if dead_letters is not None:
        create_absent(bootstrap_servers, topic, dead_letters)
    tracing = Tracing("orders-api")
    with Journal(log_path) as journal:
        work = _tell(bootstrap_servers, topic, journal, tracing, forever=forever)
        asyncio.run(until_stopped(work))
        tracing.close()
        journal.write("stopped")


async def _tell(
    bootstrap_servers: str, topic: str, journal: Journal, tracing: Tracing, *, forever: bool
) -> None:
    # idempotence: a record whose acknowledgement was lost is in the topic once all the same
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, enable_idempotence=True)
    async with producer:
        journal.write("ready")
        story = Story(producer, topic, journal, tracing)
        await story.tell()
        while forever:
            await story.tell()


class Story:
    """Sends phase after phase, each at its own pace."""

    def __init__(
        self, producer: AIOKafkaProducer, topic: str, journal: Journal, tracing: Tracing
    ) -> None:
        self._producer = producer
        self._topic = topic
        self._journal = journal
        self._tracing = tracing
        self._unacknowledged: set[asyncio.Future[RecordMetadata]] = set()

    async def tell(self) -> None:
        """Send all phases; each ends when all its orders are acknowledged.

        Raises:
            KafkaError: an order was not acknowledged.
        """
        orders = Orders()
        for phase in STORY:
            self._journal.write("phase_began", phase=phase.name)
            began = time.monotonic()
            for number, order in enumerate(orders.of(phase)):
                await asyncio.sleep(began + number / phase.per_second - time.monotonic())
                await self._send(order, phase)
            await asyncio.gather(*self._unacknowledged)
            self._journal.write("phase_ended", phase=phase.name)
            await asyncio.sleep(PAUSE_SECONDS)
        self._journal.write("story_ended")

    async def _send(self, order: Order, phase: Phase) -> None:
        sent_ms = now_ms()
        event_ms = sent_ms - order.delay_ms
        headers = [("event-time", str(event_ms).encode()), ("content-type", b"application/json")]
        future = await self._producer.send(
            self._topic, key=order.key, value=order.value, headers=headers
        )
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
        exact = told.timestamp_type == _LOG_APPEND_TIME
        self._journal.write(
            "sent",
            partition=told.partition,
            offset=told.offset,
            append_ms=told.timestamp if exact else None,
            **said,
        )


if __name__ == "__main__":
    main()
