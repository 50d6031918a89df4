"""One consumer of the orders: processes them one by one, and gives up what it cannot process."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from opentelemetry import context, propagate

from streamgauge_demo.programs.dead_letters import ATTEMPTS, Failure, json_envelope, spring
from streamgauge_demo.programs.journal import Journal, now_ms
from streamgauge_demo.programs.lifetime import until_stopped
from streamgauge_demo.programs.orders import UNKNOWN_ITEM
from streamgauge_demo.programs.tracing import Tracing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiokafka import ConsumerRecord, TopicPartition

    from streamgauge_demo.programs.dead_letters import DeadLetter

    Order: TypeAlias = dict[str, Any]
    Record: TypeAlias = ConsumerRecord[bytes, bytes]

_COMMIT_EVERY_SECONDS: Final = 0.3
_POLL_MS: Final = 200
_POLL_RECORDS: Final = 20


class OrderError(Exception):
    """An order that cannot be processed, however often it is tried.

    Args:
        error_class: as Java names it, with its package.
        message: for people.
    """

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.message = message


async def _fulfill(order: Order) -> None:
    """Take the item from the shelf.

    Raises:
        OrderError: there is no such item.
    """
    if order["item"] == UNKNOWN_ITEM:
        raise OrderError("com.example.fulfillment.UnknownItemException", f"no {order['item']}")


async def _bill(order: Order) -> None:
    """Wait for the payment provider.

    Raises:
        OrderError: it takes no negative amounts.
    """
    await asyncio.sleep(order["paymentSeconds"])
    if order["amount"] < 0:
        raise OrderError("com.example.billing.InvalidAmountException", "amount below zero")


@dataclass(frozen=True, slots=True)
class Service:
    """What a consumer does with an order, and how it writes the ones that it gives up."""

    process: Callable[[Order], Awaitable[None]]
    dead_letter: Callable[[Record, Failure], DeadLetter]


SERVICES: Final = {
    "fulfillment": Service(_fulfill, spring),
    "billing": Service(_bill, json_envelope),
}


@dataclass(frozen=True, slots=True)
class Duty:
    """A service, the consumer group it works as, and the topic for what it gives up."""

    service: Service
    group: str
    dead_letters: str


@click.command()
@click.option("--bootstrap-servers", required=True)
@click.option("--topic", required=True)
@click.option("--dead-letters", required=True, help="Topic for what cannot be processed.")
@click.option("--service", required=True, type=click.Choice(sorted(SERVICES)))
@click.option("--group", help="Consumer group; the name of the service without it.")
@click.option("--log", "log_path", required=True, help="File for the log; - for standard output.")
def main(  # noqa: PLR0913, PLR0917 - one for each option
    bootstrap_servers: str,
    topic: str,
    dead_letters: str,
    service: str,
    group: str | None,
    log_path: str,
) -> None:
    """Process the orders of TOPIC until SIGTERM."""
    duty = Duty(SERVICES[service], group or service, dead_letters)
    tracing = Tracing(f"{service}-service")
    with Journal(log_path) as journal:
        asyncio.run(until_stopped(_work(bootstrap_servers, topic, duty, journal, tracing)))
        tracing.close()
        journal.write("stopped")


async def _work(
    bootstrap_servers: str, topic: str, duty: Duty, journal: Journal, tracing: Tracing
) -> None:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap_servers,
        group_id=duty.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, enable_idempotence=True)
    async with producer, consumer:
        worker = Worker(consumer, producer, duty, journal, tracing)
        try:
            await worker.work()
        finally:
            await worker.commit()


class Worker:
    """Takes orders one after the other and commits what is done three times a second."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        producer: AIOKafkaProducer,
        duty: Duty,
        journal: Journal,
        tracing: Tracing,
    ) -> None:
        self._consumer = consumer
        self._producer = producer
        self._duty = duty
        self._journal = journal
        self._tracing = tracing
        self._done: dict[TopicPartition, int] = {}
        self._committed_seconds = time.monotonic()

    async def work(self) -> None:
        """Process until cancelled.

        Raises:
            KafkaError: a dead letter was not acknowledged, or a commit was refused.
        """
        self._journal.write("ready")
        while True:
            polled = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_POLL_RECORDS)
            for partition, records in polled.items():
                for record in records:
                    await self._process(record)
                    self._done[partition] = record.offset + 1
                    await self._commit_if_due()
            await self._commit_if_due()

    async def commit(self) -> None:
        """Commit what is done, and log that from when to when the commit may have taken effect."""
        self._committed_seconds = time.monotonic()
        if not self._done:
            return
        done, self._done = self._done, {}
        began_ms = now_ms()
        await self._consumer.commit(done)
        offsets = {str(partition.partition): offset for partition, offset in done.items()}
        self._journal.write("committed", began_ms=began_ms, offsets=offsets)

    async def _commit_if_due(self) -> None:
        if time.monotonic() - self._committed_seconds >= _COMMIT_EVERY_SECONDS:
            await self.commit()

    async def _process(self, record: Record) -> None:
        order = json.loads(record.value or b"null")
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._duty.service.process(order)
            except OrderError as error:
                if attempt == ATTEMPTS:
                    await self._give_up(record, error)
            else:
                return

    async def _give_up(self, record: Record, error: OrderError) -> None:
        """Send the dead letter in the order's own trace."""
        failure = Failure(error.error_class, error.message, self._duty.group, now_ms())
        letter = self._duty.service.dead_letter(record, failure)
        carrier = {name: value.decode() for name, value in record.headers if value is not None}
        sent_ms = now_ms()
        token = context.attach(propagate.extract(carrier))
        try:
            future = await self._producer.send(
                self._duty.dead_letters, key=letter.key, value=letter.value, headers=letter.headers
            )
        finally:
            context.detach(token)
        written_by = self._tracing.last_sent
        told = await future
        self._journal.write(
            "dead",
            sent_ms=sent_ms,
            partition=told.partition,
            offset=told.offset,
            origin_partition=record.partition,
            origin_offset=record.offset,
            trace_id=f"{written_by.trace_id:032x}",
            span_id=f"{written_by.span_id:016x}",
            sampled=written_by.trace_flags.sampled,
        )


if __name__ == "__main__":
    main()
