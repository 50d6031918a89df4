"""What `streamgauge dead-letters` does: read a dead letter topic, and count by what has failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from streamgauge.app.letter_groups import LetterGroups
from streamgauge.core.dead_letters.dead_letter import Letter
from streamgauge.core.dead_letters.reading import read_dead_letter
from streamgauge.core.dead_letters.rules import ReadingRules
from streamgauge.kafka.log_reading import LogReading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamgauge.app.letter_groups import By
    from streamgauge.app.topic_rules import TopicRules
    from streamgauge.core.dead_letters.dead_letter import DeadLetter
    from streamgauge.kafka.connection import Connection
    from streamgauge.model import Record

MOST: Final = 1_000_000
"""Records that are read if nobody says."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in one dead letter topic."""

    topic: str
    servers: str
    """The brokers, as kcat wants them."""
    isolation_level: str
    since_ms: int | None
    """From when on it was read; None: from its beginning."""
    offsets: int
    """Offsets from then on; there are fewer records where compaction or transactions take some."""
    read_offsets: int
    """Of these, so many were read, the last ones."""
    undecodable: int
    dead: LetterGroups
    retrying: LetterGroups
    """Records that are being tried again, and not dead."""


async def look(  # noqa: PLR0913 - what is asked
    connection: Connection,
    topic: str,
    rules: TopicRules,
    *,
    since_ms: int | None = None,
    by: By = "cause",
    most: int = MOST,
) -> Findings:
    """Read a dead letter topic; needs the rights DESCRIBE and READ on it.

    Args:
        connection: how the brokers are reached.
        topic: the topic.
        rules: how its records are read.
        since_ms: reading begins at the first record that is stamped so or later; None: at the
            beginning.
        by: what the letters of a group have in common.
        most: so many offsets are read at most, the last ones.

    Raises:
        KafkaAccessError: if the topic does not exist, may not be read or nobody answers.
    """
    reading = rules.dead_letters or ReadingRules()
    dead, retrying = LetterGroups(by), LetterGroups(by)
    async with LogReading(connection, topic, rules.isolation_level) as log:
        begin = await log.positions("earliest" if since_ms is None else since_ms)
        end = await log.positions("latest")
        begin = {number: at for number, at in begin.items() if number in end}
        limited = last_offsets(begin, end, most)
        async for number, records in log.read(limited, end):
            for record in records:
                letter = _letter(read_dead_letter(record, topic, reading), number, record)
                (retrying if letter.said.retrying else dead).add(letter)
    return Findings(
        topic=topic,
        servers=",".join(connection.bootstrap_servers),
        isolation_level=rules.isolation_level,
        since_ms=since_ms,
        offsets=_sum(begin, end),
        read_offsets=_sum(limited, end),
        undecodable=sum(each.records for each in log.undecodable),
        dead=dead,
        retrying=retrying,
    )


def _letter(said: DeadLetter, partition: int, record: Record) -> Letter:
    stamped = record.timestamp is not None and record.timestamp >= 0
    return Letter(
        said=said,
        partition=partition,
        offset=record.offset,
        timestamp_ms=record.timestamp if stamped else None,
        key_hash=hash(record.key) if record.key else None,
        event_ms=None,
        context=None,
    )


def last_offsets(begin: Mapping[int, int], end: Mapping[int, int], most: int) -> dict[int, int]:
    """Where to begin so that no more than `most` offsets are read; long partitions lose most."""
    lengths = {number: max(end[number] - at, 0) for number, at in begin.items()}
    limited, room = {}, most
    for done, number in enumerate(sorted(begin, key=lambda each: lengths[each])):
        taken = min(lengths[number], room // (len(begin) - done))
        room -= taken
        limited[number] = end[number] - taken if taken else max(begin[number], end[number])
    return limited


def _sum(begin: Mapping[int, int], end: Mapping[int, int]) -> int:
    return sum(max(end[number] - at, 0) for number, at in begin.items())
