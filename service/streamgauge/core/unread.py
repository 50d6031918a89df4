"""What a consumer group has still to read of one partition: how much, and since when.

Ends that are older than the committed offsets would understate it: it is then unknown. Rules, of
which the first that applies answers:
1. Without a known end nothing is known.
2. Without a committed offset there is nothing to read where the log holds nothing; else nobody can
   know from where the group will read.
3. A committed offset or a start beyond the end does not fit this log (truncated, or written anew):
   nothing is known.
4. Below the start offset only what still exists counts. At the end nothing is left to read.
5. Where the ledger reaches from the first offset to the end, both lags are exact: control records
   and aborted data are no records. Of a topic that is compacted, or may be, the ledger does not see
   what is gone: both are upper bounds. If it is compacted, the time lag is exact as soon as the
   first record has been looked up, which is repeated as long as the group stands.
6. Elsewhere each offset outside of the ledger may be a record (an upper bound), and the first
   record is looked up. Until that is answered, the first record that the ledger knows gives a lower
   bound of the time lag: it came later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from streamgauge.core.lookups import COMPACTED_HOLDS_MS
from streamgauge.model import UNKNOWN, LagBound

if TYPE_CHECKING:
    from streamgauge.core.ledger import FirstRecord, Ledger
    from streamgauge.core.lookups import Found, Lookups


@dataclass(frozen=True, slots=True)
class Unread:
    """Of one group on one partition."""

    lag: int | None
    lag_bound: LagBound
    time_lag_seconds: float | None
    time_lag_bound: LagBound
    first_offset: int | None = None
    """Of the first record to be read; None where there is none, or it is not known."""
    look_up: int | None = None
    """Offset whose first record would tell more, None if it is not missed."""


NOTHING_KNOWN: Final = Unread(None, LagBound.UNKNOWN, None, LagBound.UNKNOWN)
NOTHING_LEFT: Final = Unread(0, LagBound.EXACT, 0.0, LagBound.EXACT)


@dataclass(frozen=True, slots=True)
class PartitionLog:
    """What is known of the log of one partition."""

    start: int | None
    end: int | None
    ledger: Ledger | None = None
    lookups: Lookups | None = None
    partition: int = 0
    is_compacted: bool | None = None
    """None: nobody has said so."""


def unread(committed: int | None, log: PartitionLog, at_ms: int) -> Unread:
    """What a group that has committed this offset has still to read, by the rules of this module.

    Args:
        committed: offset of the group, None if it has none.
        log: of the partition.
        at_ms: when the offset was answered: both lags are as of then.
    """
    start, end = log.start, log.end
    if end is None:
        return NOTHING_KNOWN
    if committed is None:
        return NOTHING_LEFT if start == end else NOTHING_KNOWN
    first = committed if start is None else max(start, committed)
    if first >= end:
        return NOTHING_LEFT if first == end else NOTHING_KNOWN
    if log.ledger is None:
        return Unread(end - first, LagBound.UPPER, None, LagBound.UNKNOWN)
    return _of_ledger(first, end, log.ledger, log, at_ms)


def _of_ledger(first: int, end: int, ledger: Ledger, log: PartitionLog, at_ms: int) -> Unread:
    """Rules 5 and 6."""
    if ledger.start <= first < ledger.end:
        record = ledger.first_record(first)
        if record is not None and record.offset < end:
            return _known(record, ledger.count(first, end), log, at_ms)
        if end <= ledger.end:
            return NOTHING_LEFT
        first = ledger.end
    return _looked_up(first, ledger, log, end, at_ms)


def _known(record: FirstRecord, lag: int, log: PartitionLog, at_ms: int) -> Unread:
    """Rule 5, and 6 as far as the tail has not read to the end."""
    if log.is_compacted:
        return _confirmed(record, lag, log, at_ms)
    ledger = log.ledger
    reaches = ledger is not None and log.end is not None and log.end <= ledger.end
    exact = reaches and log.is_compacted is False
    return Unread(
        lag,
        LagBound.EXACT if exact else LagBound.UPPER,
        _age_seconds(record, at_ms),
        _time_bound(record, certain=log.is_compacted is False),
        record.offset,
    )


def _confirmed(record: FirstRecord, lag: int, log: PartitionLog, at_ms: int) -> Unread:
    found = None
    if log.lookups is not None and log.end is not None:
        found = log.lookups.get(log.partition, record.offset, log.start, log.end)
    if found is None:
        seconds = _age_seconds(record, at_ms)
        bound = LagBound.UNKNOWN if seconds is None else LagBound.UPPER
        return Unread(lag, LagBound.UPPER, seconds, bound, record.offset, record.offset)
    if found.record is None:
        return NOTHING_LEFT
    seconds, bound = _age_seconds(found.record, at_ms), _time_bound(found.record)
    look_up = record.offset if _is_old(found, at_ms) else None
    return Unread(lag, LagBound.UPPER, seconds, bound, found.record.offset, look_up)


def _looked_up(first: int, ledger: Ledger, log: PartitionLog, end: int, at_ms: int) -> Unread:
    """Rule 6."""
    found = log.lookups and log.lookups.get(log.partition, first, log.start, end)
    if not found:
        seconds = _least_seconds(first, ledger, end, at_ms)
        bound = LagBound.UNKNOWN if seconds is None else LagBound.LOWER
        return Unread(ledger.count(first, end), LagBound.UPPER, seconds, bound, None, first)
    if found.record is None:
        return NOTHING_LEFT
    record = found.record
    again = log.is_compacted and _is_old(found, at_ms)
    return Unread(
        ledger.count(record.offset, end),
        LagBound.UPPER,
        _age_seconds(record, at_ms),
        _time_bound(record, certain=log.is_compacted is not None),
        record.offset,
        first if again else None,
    )


def _least_seconds(first: int, ledger: Ledger, end: int, at_ms: int) -> float | None:
    """Age of the first record that the ledger knows, at least, if it comes after this offset."""
    later = ledger.first_record(ledger.start) if first < ledger.start < end else None
    if later is None or later.event_ms == UNKNOWN:
        return None
    return max(0, at_ms - later.event_ms - later.error_ms) / 1000


def _is_old(found: Found, at_ms: int) -> bool:
    """Whether compaction may have removed since then what was found."""
    return not 0 <= at_ms - found.found_ms < COMPACTED_HOLDS_MS


def _age_seconds(record: FirstRecord, at_ms: int) -> float | None:
    """At most; None if the record says nothing of its event time. What lies ahead has age 0."""
    if record.event_ms == UNKNOWN:
        return None
    return max(0, at_ms - record.event_ms + record.error_ms) / 1000


def _time_bound(record: FirstRecord, *, certain: bool = True) -> LagBound:
    """How its age is to be read; of one that is not certain to be there it is the most."""
    if record.event_ms == UNKNOWN:
        return LagBound.UNKNOWN
    return LagBound.EXACT if certain and not record.error_ms else LagBound.UPPER
