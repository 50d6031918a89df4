"""A producer that keeps its own log: the truth that everything told is held against."""

from __future__ import annotations

import itertools
import random
import time
from dataclasses import dataclass, field

from confluent_kafka import Producer


@dataclass
class Truth:
    """What the producer knows it has written, kept by the producer alone."""

    records: list[dict] = field(default_factory=list)

    def by_partition(self) -> dict[int, int]:
        """Number of records by partition."""
        counts: dict[int, int] = {}
        for record in self.records:
            counts[record["partition"]] = counts.get(record["partition"], 0) + 1
        return counts


def _trace(rng: random.Random, *, sampled: bool) -> tuple[str, str, str]:
    trace_id, span_id = f"{rng.getrandbits(128) or 1:032x}", f"{rng.getrandbits(64) or 1:016x}"
    return trace_id, span_id, f"00-{trace_id}-{span_id}-{'03' if sampled else '02'}"


class Truthful:
    """A producer that logs what it was acknowledged: partition, offset, event time, trace."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._producer = Producer(
            {"bootstrap.servers": bootstrap_servers, "linger.ms": 2, "log_level": 0}
        )
        self._numbers = itertools.count()
        self._rng = random.Random(7)  # noqa: S311 - a repeatable scenario, not a secret

    def send(
        self,
        topic,
        count,
        *,
        age_ms=lambda _: 0,
        traced_every=5,
        partition=None,
        value=lambda _: b"{}",
        in_header=True,
    ):
        """Write records whose event time lies `age_ms(i)` before now; returns their truth.

        The event time stands in a header, unless told otherwise, and is given to `value`.
        """
        truth = Truth()
        for index in range(count):
            number = next(self._numbers)
            event_ms = time.time_ns() // 1_000_000 - age_ms(index)
            sampled = traced_every and index % traced_every == 0
            trace_id, span_id, traceparent = _trace(self._rng, sampled=sampled)
            entry = {"event_ms": event_ms, "trace_id": trace_id, "span_id": span_id,
                     "sampled": bool(sampled), "number": number}  # fmt: skip

            def acknowledged(error, message, entry=entry):
                assert error is None, error
                entry["partition"], entry["offset"] = message.partition(), message.offset()
                entry["timestamp_ms"] = message.timestamp()[1]
                truth.records.append(entry)

            options = {} if partition is None else {"partition": partition}
            headers = [("event-time", str(event_ms).encode())] if in_header else []
            if traced_every:
                headers.append(("traceparent", traceparent.encode()))
            self._producer.produce(
                topic, key=str(number).encode(), value=value(event_ms), headers=headers,
                on_delivery=acknowledged, **options,
            )  # fmt: skip
            self._producer.poll(0)
        assert self._producer.flush(30) == 0
        assert len(truth.records) == count
        return truth
