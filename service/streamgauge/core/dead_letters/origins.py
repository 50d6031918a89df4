"""Joins dead letters to the records that they came from, for the age at which those died.

Asked in this order: the ledger by address; the log by one fetch of that address; the first sighting
of the trace id; the dead letter itself, whose headers are most often copies of its origin's.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from streamgauge.core.snapshot import OriginsView
from streamgauge.model import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from streamgauge.core.dead_letters.dead_letter import Letter
    from streamgauge.core.first_sightings import FirstSightings
    from streamgauge.core.topic import Topic

MOST_AWAITED: Final = 1_000
"""Dead letters whose origin is looked for; of further ones only what is at hand is asked."""
TAIL_MS: Final = 1_500
"""For so long a dead letter waits for the stream's tail to read its origin."""
AWAIT_MS: Final = 10_000
"""For so long it waits for an answer at all."""


class Death(NamedTuple):
    """An age at death, to be counted on a partition of the dead letter topic."""

    partition: int
    age_ms: int
    append_to_death_ms: int | None


class _Awaited(NamedTuple):
    letter: Letter
    died_ms: int
    since_ms: int


class Origins:
    """The origins of one topic's dead letters.

    Args:
        topics: those that may be asked for single records.
        sightings: trace ids seen on the stream's topic; None if nobody remembers them.
    """

    def __init__(self, topics: Collection[str], sightings: FirstSightings | None) -> None:
        self._topics = frozenset(topics)
        self._sightings = sightings
        self._awaited: list[_Awaited] = []
        self._joined: Counter[str] = Counter()

    def forget(self) -> None:
        """What is awaited belongs to another life."""
        self._joined["unknown"] += len(self._awaited)
        self._awaited.clear()

    def join(self, died: Iterable[tuple[Letter, int]], stream: Topic, now_ms: int) -> list[Death]:
        """The ages that are known at once; others may come from `settle`.

        Args:
            died: dead letters, and when they arrived or UNKNOWN.
            stream: the stream's topic.
            now_ms: the time.
        """
        deaths = []
        for letter, died_ms in died:
            if died_ms == UNKNOWN:
                self._joined["unknown"] += 1
                continue
            death = self._in_ledger(letter, died_ms, stream)
            if death is None and self._may_wait(letter):
                self._awaited.append(_Awaited(letter, died_ms, now_ms))
                continue
            death = death or self._by_other_means(letter, died_ms)
            if death is not None:
                deaths.append(death)
        return deaths

    def settle(self, stream: Topic, now_ms: int) -> list[Death]:
        """The ages of those whose origin the tail has read by now, or that have waited too long."""
        deaths, still = [], []
        for each in self._awaited:
            death = self._in_ledger(each.letter, each.died_ms, stream)
            if death is None and abs(now_ms - each.since_ms) < AWAIT_MS:
                still.append(each)
                continue
            death = death or self._by_other_means(each.letter, each.died_ms)
            if death is not None:
                deaths.append(death)
        self._awaited = still
        return deaths

    def to_look_up(self, stream: Topic, now_ms: int) -> dict[str, dict[int, list[int]]]:
        """Offsets by topic and partition of single records that would tell an age."""
        wanted: dict[str, dict[int, set[int]]] = {}
        for letter, _, since_ms in self._awaited:
            topic, partition, offset = letter.said.origin
            if topic is None or partition is None or offset is None:
                continue
            waits = abs(now_ms - since_ms) < TAIL_MS
            if waits and topic == stream.name and self._is_ahead(partition, offset, stream):
                continue
            wanted.setdefault(topic, {}).setdefault(partition, set()).add(offset)
        return {
            topic: {number: sorted(offsets) for number, offsets in partitions.items()}
            for topic, partitions in wanted.items()
        }

    def found(self, topic: str, partition: int, offset: int, event_ms: int | None) -> list[Death]:
        """The log was asked for this record; None: it has no event time, or is not there."""
        deaths, still = [], []
        for each in self._awaited:
            if each.letter.said.origin != (topic, partition, offset):
                still.append(each)
                continue
            if event_ms is None:
                death = self._by_other_means(each.letter, each.died_ms)
            else:
                self._joined["by_fetch"] += 1
                death = Death(each.letter.partition, each.died_ms - event_ms, None)
            if death is not None:
                deaths.append(death)
        self._awaited = still
        return deaths

    @property
    def view(self) -> OriginsView:
        """How they were found."""
        return OriginsView(**self._joined, awaited=len(self._awaited))

    def _may_wait(self, letter: Letter) -> bool:
        origin = letter.said.origin
        return (
            origin.is_whole and origin.topic in self._topics and len(self._awaited) < MOST_AWAITED
        )

    @staticmethod
    def _is_ahead(partition: int, offset: int, stream: Topic) -> bool:
        return stream.has(partition) and offset >= stream.ledger_of(partition).end

    def _in_ledger(self, letter: Letter, died_ms: int, stream: Topic) -> Death | None:
        topic, partition, offset = letter.said.origin
        if topic != stream.name or partition is None or offset is None:
            return None
        if not stream.has(partition):
            return None
        for times in stream.ledger_of(partition).read(offset, offset + 1):
            event_ms, arrived_ms = int(times.event_ms[0]), int(times.arrived_ms[0])
            if event_ms == UNKNOWN:
                return None
            self._joined["by_address"] += 1
            waited_ms = None if arrived_ms == UNKNOWN else died_ms - arrived_ms
            return Death(letter.partition, died_ms - event_ms, waited_ms)
        return None

    def _by_other_means(self, letter: Letter, died_ms: int) -> Death | None:
        event_ms = None
        if letter.context is not None and self._sightings is not None:
            event_ms = self._sightings.find_one(letter.context)
        if event_ms is not None:
            self._joined["by_trace"] += 1
        elif letter.event_ms is not None:
            self._joined["by_letter"] += 1
            event_ms = letter.event_ms
        else:
            self._joined["unknown"] += 1
            return None
        return Death(letter.partition, died_ms - event_ms, None)
