"""Sampled records: those whose trace the producer keeps, picked as exemplars and for spans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from streamgauge.model import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from streamgauge.core.dead_letters.dead_letter import DeadLetter
    from streamgauge.core.totals import ArrivalAges
    from streamgauge.model import Columns


@dataclass(frozen=True, slots=True)
class TracedRecord:
    """One record with a trace context that says sampled."""

    topic: str
    partition: int
    offset: int
    trace_id: str
    """32 lower-case hex digits."""
    span_id: str
    """16 lower-case hex digits: the span that wrote the record."""
    flags: int
    """W3C trace flags, 0..255, bit 0 set."""
    tracestate: str | None
    append_ms: int | None
    """Append time where the topic says it, else None."""
    received_ms: int
    event_ms: int | None
    age_ms: int | None
    """Arrival age as it entered the histogram; None where it was not aged."""
    said: DeadLetter | None = None
    """What it says as a dead letter; None for a record of a stream."""


def exemplar_rows(columns: Columns, ages: ArrivalAges) -> dict[int, int]:
    """Age in ms by row, of the last sampled record in each histogram bucket that was touched."""
    candidates = np.flatnonzero(columns.sampled[ages.rows])[::-1]
    _, first = np.unique(ages.positions[candidates], return_index=True)
    return {int(ages.rows[i]): int(ages.ages_ms[i]) for i in candidates[first]}


def ages_of(ages: ArrivalAges, rows: Iterable[int]) -> dict[int, int]:
    """Age in ms by row, for those of the rows that were aged."""
    wanted = np.fromiter(rows, dtype=np.intp)
    found = np.flatnonzero(np.isin(ages.rows, wanted))
    return {int(ages.rows[i]): int(ages.ages_ms[i]) for i in found}


def shown_rows(columns: Columns) -> NDArray[np.intp]:
    """Rows of sampled records, without those that are being tried again: their fate is open."""
    rows = np.flatnonzero(columns.sampled)
    if not columns.letters:
        return rows
    dead = [row for row in rows.tolist() if not columns.letters[row].said.retrying]
    return np.array(dead, dtype=np.intp)


def spread(rows: NDArray[np.intp], limit: int) -> list[int]:
    """At most `limit` of these rows, spread evenly."""
    if len(rows) > limit:
        rows = rows[np.linspace(0, len(rows) - 1, limit).astype(np.intp)]
    return [int(row) for row in rows]


def traced_records(
    columns: Columns, rows: Iterable[int], ages_ms: dict[int, int]
) -> list[TracedRecord]:
    """The records of these rows, which must be sampled, with their arrival ages where known."""
    found = []
    for row in rows:
        context = columns.contexts[row]
        if context is None:
            raise ValueError(f"row {row} has no trace context")
        text = context.decode("ascii")
        found.append(
            TracedRecord(
                topic=columns.topic,
                partition=columns.partition,
                offset=int(columns.offsets[row]),
                trace_id=text[3:35],
                span_id=text[36:52],
                flags=int(text[53:55], 16),
                tracestate=columns.tracestates.get(row),
                append_ms=_known(columns.append_ms[row]),
                received_ms=columns.received_ms,
                event_ms=_known(columns.event_ms[row]),
                age_ms=ages_ms.get(row),
                said=columns.letters[row].said if columns.letters else None,
            )
        )
    return found


def _known(value: np.int64) -> int | None:
    return None if value == UNKNOWN else int(value)
