"""A stream that comes at one rate, written by a thread."""  # noqa: INP001 - a part of scripts, not of a package

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final, Self

from confluent_kafka import Producer

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message

_EVERY_SECONDS: Final = 0.01
_VALUE: Final = b'{"order_id": "o-1", "note": "' + b"x" * 200 + b'"}'


class SteadyStream:
    """Writes from the beginning of the block to its end.

    Args:
        bootstrap_servers: where to.
        topic: which; its broker leaves the timestamps of the records as they are.
        rate: records per second.

    Attributes:
        acknowledged: how many are in the log by now.
    """

    def __init__(self, bootstrap_servers: str, topic: str, rate: int) -> None:
        self.acknowledged = 0
        self._topic = topic
        self._rate = rate
        self._producer = Producer(
            {"bootstrap.servers": bootstrap_servers, "linger.ms": 5, "log_level": 0}
        )
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Write no more, and wait until all is acknowledged; a second call does nothing."""
        self._over.set()
        self._thread.join()

    def _write(self) -> None:
        began, written = time.monotonic(), 0
        while not self._over.is_set():
            due = int((time.monotonic() - began) * self._rate)
            for number in range(written, due):
                self._producer.produce(
                    self._topic,
                    _VALUE,
                    b"%d" % number,
                    headers=[
                        ("event-time", b"%d" % (time.time_ns() // 1_000_000)),
                        ("traceparent", b"00-%032x-%016x-00" % (number + 1, number + 1)),
                    ],
                    on_delivery=self._note,
                )
            written = due
            self._producer.poll(_EVERY_SECONDS)
            time.sleep(_EVERY_SECONDS / 2)
        self._producer.flush(60)

    def _note(self, error: KafkaError | None, _: Message) -> None:
        self.acknowledged += error is None
