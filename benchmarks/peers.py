"""Two programs that read a topic to its end as everybody writes them, each a process of its own.

Run by `against_peers.py`: `python benchmarks/peers.py confluent|naive BOOTSTRAP TOPIC RECORDS`.
"""  # noqa: INP001 - a part of scripts, not of a package

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    Headers = Sequence[tuple[str, bytes]]

PARTITIONS: Final = 8
DONE: Final = "done"


def read_with_confluent(bootstrap_servers: str, topic: str, records: int) -> None:
    """Take all records and their headers, and do nothing with them."""
    from confluent_kafka import (  # noqa: PLC0415 - each program pays for what it uses
        OFFSET_BEGINNING,
        Consumer,
        TopicPartition,
    )

    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "bench-confluent",
            "enable.auto.commit": False,
        }
    )
    consumer.assign([TopicPartition(topic, each, OFFSET_BEGINNING) for each in range(PARTITIONS)])
    if not records:
        consumer.consume(10_000, timeout=1.0)
    seen = 0
    while seen < records:
        for message in consumer.consume(10_000, timeout=1.0):
            if message.error():
                raise RuntimeError(message.error())
            message.headers()
            seen += 1
    wait_to_end()
    consumer.close()


async def read_naively(bootstrap_servers: str, topic: str, records: int) -> None:
    """Parse the trace context of each record and hand its age to a histogram of the SDK."""
    from aiokafka import AIOKafkaConsumer, TopicPartition  # noqa: PLC0415 - as above
    from header_getter import HeaderGetter  # noqa: PLC0415 - as above
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415 - as above
        OTLPMetricExporter,
    )
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 - as above
    from opentelemetry.sdk.metrics.export import (  # noqa: PLC0415 - as above
        PeriodicExportingMetricReader,
    )
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - as above
        TraceContextTextMapPropagator,
    )

    provider = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())])
    histogram = provider.get_meter("naive").create_histogram("event.age", "s")
    propagator, getter = TraceContextTextMapPropagator(), HeaderGetter()
    partitions = [TopicPartition(topic, each) for each in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False)
    await consumer.start()
    consumer.assign(partitions)
    await consumer.seek_to_beginning(*partitions)
    seen = 0
    if records:
        async for message in consumer:
            context = propagator.extract(message.headers, getter=getter)
            event_ms = int(dict(message.headers)["event-time"])
            attributes = {
                "messaging.system": "kafka",
                "messaging.destination.name": message.topic,
                "messaging.destination.partition.id": str(message.partition),
                "messaging.operation.name": "receive",
            }
            histogram.record(time.time() - event_ms / 1000, attributes, context=context)
            seen += 1
            if seen == records:
                break
    wait_to_end()
    await consumer.stop()
    provider.shutdown()


def wait_to_end() -> None:
    """Tell that all is read, and end when whoever started us has looked."""
    sys.stdout.write(f"{DONE}\n")
    sys.stdout.flush()
    sys.stdin.readline()


def main() -> None:
    """Read, as the arguments say."""
    which, bootstrap_servers, topic, records = sys.argv[1:]
    if which == "confluent":
        read_with_confluent(bootstrap_servers, topic, int(records))
    else:
        asyncio.run(read_naively(bootstrap_servers, topic, int(records)))


if __name__ == "__main__":
    main()
