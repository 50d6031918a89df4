"""A process that appends very many dead letters as fast as one producer can."""  # noqa: INP001 - a part of scripts, not of a package

from __future__ import annotations

import multiprocessing
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from confluent_kafka import Producer

from streamgauge_demo.parts.recorded_letters import recorded_letters

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from confluent_kafka import KafkaError, Message

LETTERS: Final = Path(__file__).parents[1] / "tests" / "data" / "dead-letters"
_FLUSH_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Burst:
    """What is to be appended.

    Attributes:
        topic: where the dead letters go.
        about: the topic whose records failed.
        partitions: of that topic.
        offset: of the first of these records, on each of them.
    """

    topic: str
    about: str
    partitions: int
    offset: int


@dataclass(frozen=True, slots=True)
class Appended:
    """What was acknowledged."""

    letters: int
    size: int
    """Bytes of keys, values and headers."""
    began_seconds: float
    """Of the monotonic clock, which all processes share."""
    ended_seconds: float

    @property
    def seconds(self) -> float:
        """From the first one that was sent to the last one that was acknowledged."""
        return self.ended_seconds - self.began_seconds


class BurstWriter:
    """The process; it prepares a burst when it is told of one, and waits until it may go.

    Args:
        bootstrap_servers: where to.
        count: dead letters of a burst; the recorded ones come in turns.
        folder: of the recorded ones.
    """

    def __init__(self, bootstrap_servers: str, count: int, folder: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        self._process = context.Process(
            target=_write, args=(bootstrap_servers, count, folder, there), daemon=True
        )

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()

    def prepare(self, burst: Burst) -> None:
        """Return when it needs no more than a word."""
        self._here.send(burst)
        self._here.recv()

    def go(self) -> None:
        """Append what was prepared; it does not wait for the end."""
        self._here.send(None)

    def appended(self) -> Appended:
        """Wait for the end."""
        appended: Appended = self._here.recv()
        return appended


def _write(bootstrap_servers: str, count: int, folder: Path, pipe: Connection) -> None:
    letters = recorded_letters(folder)
    producer = Producer({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    acknowledged = 0

    def note(error: KafkaError | None, _: Message) -> None:
        nonlocal acknowledged
        acknowledged += error is None

    while True:
        burst: Burst = pipe.recv()
        prepared = [
            letters[number % len(letters)].about(
                burst.about, number % burst.partitions, burst.offset + number // burst.partitions
            )
            for number in range(count)
        ]
        pipe.send(None)
        pipe.recv()
        acknowledged, began = 0, time.monotonic()
        for each in prepared:
            headers: list[tuple[str, str | bytes | None]] = list(each.headers)
            producer.produce(burst.topic, each.value, each.key, headers=headers, on_delivery=note)
            producer.poll(0)
        producer.flush(_FLUSH_SECONDS)
        size = sum(each.size for each in prepared)
        pipe.send(Appended(acknowledged, size, began, time.monotonic()))
