"""The records of a dead letter topic as columns, with what each says as a dead letter."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from streamgauge.core.columns import RecordReader
from streamgauge.core.dead_letters.dead_letter import Letter
from streamgauge.core.dead_letters.reading import read_dead_letter
from streamgauge.model import EVENT_TIME_SOURCES, UNKNOWN, EventTimeSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from streamgauge.core.dead_letters.rules import ReadingRules
    from streamgauge.core.event_time import EventTimeRule
    from streamgauge.core.first_sightings import FirstSightings
    from streamgauge.core.record_batches import RawBatch
    from streamgauge.model import Columns, Record

_RECORD = EVENT_TIME_SOURCES.index(EventTimeSource.RECORD)


class DeadLetterReader(RecordReader):
    """Reads the records of one dead letter topic, each by itself.

    Args:
        event_time_rules: of the stream: most programs copy the headers of the origin.
        rules: how the records say what became of them.
        sightings: as for `RecordReader`.
    """

    def __init__(
        self,
        event_time_rules: Sequence[EventTimeRule],
        rules: ReadingRules,
        sightings: Mapping[str, FirstSightings] | None = None,
    ) -> None:
        super().__init__(event_time_rules, sightings or {})
        self._reading = rules

    def read(  # noqa: PLR0913 - as the records of a stream are read
        self,
        topic: str,
        partition: int,
        records: Iterable[Record],
        *,
        next_offset: int,
        received_ms: int,
        live: bool,
    ) -> Columns:
        """Read the records of one partition from one poll, as `RecordReader.read` does."""
        known = list(records)
        columns = super().read(
            topic,
            partition,
            known,
            next_offset=next_offset,
            received_ms=received_ms,
            live=live,
        )
        letters = [self._letter(columns, row, record) for row, record in enumerate(known)]
        return replace(columns, letters=letters)

    def read_batches(  # noqa: PLR0913 - as above
        self,
        topic: str,  # noqa: ARG002 - as above
        partition: int,  # noqa: ARG002
        batches: Sequence[RawBatch],  # noqa: ARG002
        *,
        next_offset: int,  # noqa: ARG002
        received_ms: int,  # noqa: ARG002
        live: bool,  # noqa: ARG002
    ) -> Columns | None:
        """None: each dead letter is looked at by itself."""
        return None

    def _letter(self, columns: Columns, row: int, record: Record) -> Letter:
        said = read_dead_letter(record, columns.topic, self._reading)
        timestamp = record.timestamp
        event_ms: int | None = int(columns.event_ms[row])
        if columns.event_time_source[row] == _RECORD:
            event_ms = said.original_timestamp  # the record's own is not that of the event
        elif event_ms == UNKNOWN:
            event_ms = None
        return Letter(
            said=said,
            partition=columns.partition,
            offset=record.offset,
            timestamp_ms=None if timestamp is None or timestamp < 0 else timestamp,
            key_hash=hash(record.key) if record.key else None,
            event_ms=event_ms,
            context=columns.contexts[row],
        )
