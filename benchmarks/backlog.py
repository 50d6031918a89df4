"""A backlog as a plain librdkafka producer leaves it: 330 bytes and three headers a record."""  # noqa: INP001 - a part of scripts, not of a package

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from confluent_kafka import Producer

if TYPE_CHECKING:
    from streamgauge_demo.parts.broker_contract import Broker

PARTITIONS: Final = 8
RECORD_BYTES: Final = 330
"""Of key, value, and names and values of the headers."""
LINGER_MS: Final = 20
SAMPLED: Final = 0.1
"""Share of the trace contexts that say sampled."""
APPEND_TIME: Final = {"message.timestamp.type": "LogAppendTime"}
_MEDIAN_MS, _SPREAD = 80, 0.6
"""Of the ages, which are lognormal."""
_DIFFERENT: Final = 20_000
"""Records after which ids and values come again; no compression looks back so far."""
_FLUSH_SECONDS: Final = 120

Header = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Backlog:
    """What lies in a topic."""

    topic: str
    records: int
    records_per_batch: float
    """On average of what the producer tells twice a second; 0 where it told nothing."""


class BacklogWriter:
    """Fills topics of one broker.

    Args:
        broker: where.
        compression: what librdkafka calls `compression.type`.
    """

    def __init__(self, broker: Broker, compression: str) -> None:
        self._broker = broker
        self._compression = compression
        chance = random.Random(7)  # noqa: S311 - the same records in each run
        self._records = [_record(chance) for _ in range(_DIFFERENT)]
        self._ages_ms = [int(chance.lognormvariate(0, _SPREAD) * _MEDIAN_MS) for _ in range(997)]
        self._batches = self._in_batches = 0

    def write(self, topic: str, records: int) -> Backlog:
        """Create a topic with append times and fill it as fast as one process can.

        Raises:
            RuntimeError: not all records were acknowledged.
        """
        self._broker.create_topic(topic, PARTITIONS, APPEND_TIME)
        self._batches = self._in_batches = 0
        producer = Producer(
            {
                "bootstrap.servers": self._broker.bootstrap_servers,
                "linger.ms": LINGER_MS,
                "compression.type": self._compression,
                "statistics.interval.ms": 500,
                "stats_cb": self._note_statistics,
            }
        )
        for number in range(records):
            key, value, headers = self._records[number % _DIFFERENT]
            event_ms = time.time_ns() // 1_000_000 - self._ages_ms[number % 997]
            while True:
                try:
                    producer.produce(topic, value, key, headers=[*headers, _event_time(event_ms)])
                except BufferError:
                    producer.poll(0.01)
                else:
                    break
        left = producer.flush(_FLUSH_SECONDS)
        if left:
            raise RuntimeError(f"{left} of {records} records of {topic} were not acknowledged")
        return Backlog(topic, records, self._in_batches / max(1, self._batches))

    def _note_statistics(self, text: str) -> None:
        for topic in json.loads(text)["topics"].values():
            self._batches += topic["batchcnt"]["cnt"]
            self._in_batches += topic["batchcnt"]["sum"]


def _record(chance: random.Random) -> tuple[bytes, bytes, list[Header]]:
    key = b"%07d" % chance.randrange(10**7)
    digits = b"%048x" % chance.getrandbits(192)
    flags = b"01" if chance.random() < SAMPLED else b"00"
    headers = [
        ("traceparent", b"00-%b-%b-%b" % (digits[:32], digits[32:], flags)),
        ("content-type", b"application/json"),
    ]
    taken = len(key) + sum(len(name) + len(each) for name, each in [*headers, _event_time(10**12)])
    order = {
        "order_id": f"{chance.getrandbits(128):032x}",
        "customer": chance.randrange(10**7),
        "currency": chance.choice(("EUR", "USD", "CHF", "JPY")),
        "total": round(chance.uniform(1, 900), 2),
        "items": [{"sku": chance.randrange(10**6), "n": chance.randrange(1, 9)} for _ in range(2)],
    }
    value = json.dumps(order)[:-1]
    pad = RECORD_BYTES - taken - len(value) - len(', "note": ""}')
    note = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz ", k=pad))
    return key, f'{value}, "note": "{note}"}}'.encode(), headers


def _event_time(ms: int) -> Header:
    return "event-time", b"%d" % ms
