"""Reading a batch to its end past records the fast parser gives up on, and counting what is lost.

aiokafka's parser stops a batch at the first record it cannot read, for example one whose header
name is not UTF-8, which other clients read without complaint. What lies behind it is read here,
record by record.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from aiokafka.errors import UnsupportedCodecError

from streamgauge.kafka.batch_header import BatchHeader, header_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamgauge.kafka.batches import Batch
    from streamgauge.model import Record


class Damage(StrEnum):
    """Why records cannot be read."""

    CHECKSUM = "checksum does not match"
    CODEC = "codec not installed"
    CORRUPT = "corrupt"


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Consecutive records of one batch that cannot be read; the position goes on after them."""

    partition: int
    damage: Damage
    offset: int
    """Where they begin."""
    records: int
    """How many, at least 1; never more than there are offsets in the batch from there on."""


class SalvagedRecord(NamedTuple):
    """One record, as aiokafka's record classes show it."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


def readable(batch: Batch, undecodable: list[Undecodable]) -> Iterator[Record]:
    """Yield every record of a batch that can be read, in order; never raises.

    Args:
        batch: A batch nobody has iterated over yet.
        undecodable: Gets an entry for what cannot be read.
    """
    if not batch.intact:
        undecodable.append(_rest_of(batch, batch.start, Damage.CHECKSUM))
        return
    record = None
    try:
        for record in batch:  # `yield from` would not say which record was the last
            yield record
    except UnsupportedCodecError:
        undecodable.append(_rest_of(batch, batch.start, Damage.CODEC))
    except Exception:  # noqa: BLE001 - whatever a parser throws at hostile bytes
        unread = batch.start if record is None else record.offset + 1
        yield from _salvaged(batch, unread, undecodable)


def _salvaged(batch: Batch, offset: int, undecodable: list[Undecodable]) -> Iterator[Record]:
    """Yield what can be read from an offset on."""
    try:
        header = header_of(batch)
        body = header.records()
    except Exception:  # noqa: BLE001 - as above
        undecodable.append(_rest_of(batch, offset, Damage.CORRUPT))
        return
    cursor = _Cursor(body)
    for _ in range(header.record_count):
        try:
            record_bytes = cursor.take(cursor.varint())
        except ValueError:  # where the next record begins is not known any more
            undecodable.append(_rest_of(batch, offset, Damage.CORRUPT))
            return
        try:
            record = _read_record(_Cursor(record_bytes), header)
        except ValueError:
            _add_one(undecodable, batch.partition, offset)
            offset += 1
            continue
        if record.offset >= offset:
            yield record
            offset = record.offset + 1


def _add_one(undecodable: list[Undecodable], partition: int, offset: int) -> None:
    """Add a corrupt record to the entry of its neighbour, if there is one."""
    if undecodable:
        last = undecodable[-1]
        if last == Undecodable(partition, Damage.CORRUPT, offset - last.records, last.records):
            undecodable[-1] = replace(last, records=last.records + 1)
            return
    undecodable.append(Undecodable(partition, Damage.CORRUPT, offset, 1))


def _rest_of(batch: Batch, offset: int, damage: Damage) -> Undecodable:
    offsets = batch.next_offset - offset
    try:
        records = min(header_of(batch).record_count, offsets)
    except ValueError:
        records = offsets
    return Undecodable(batch.partition, damage, offset, max(records, 1))


class _Cursor:
    """Reads forward through bytes; asking for more than there is raises ValueError."""

    __slots__ = ("_data", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, length: int) -> bytes:
        """Give the next bytes."""
        end = self._position + length
        if length < 0 or end > len(self._data):
            raise ValueError("the record ends before its contents")
        taken = self._data[self._position : end]
        self._position = end
        return taken

    def varint(self) -> int:
        """Give the next zigzag varint of at most 64 bits."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)
        raise ValueError("a varint does not end")

    @property
    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self._position == len(self._data)

    def nullable(self) -> bytes | None:
        """Give bytes behind their length, None where it is negative."""
        length = self.varint()
        return None if length < 0 else self.take(length)


def _read_record(cursor: _Cursor, header: BatchHeader) -> SalvagedRecord:
    """Read one record; raises ValueError where it is not what the format says."""
    cursor.take(1)  # record attributes, unused
    timestamp = header.first_timestamp + cursor.varint()
    record = SalvagedRecord(
        timestamp=header.greatest_timestamp if header.log_append_time else timestamp,
        timestamp_type=int(header.log_append_time),
        offset=header.base_offset + cursor.varint(),
        key=cursor.nullable(),
        value=cursor.nullable(),
        # a name that is not UTF-8 is read as Java clients read it
        headers=[
            (cursor.take(cursor.varint()).decode(errors="replace"), cursor.nullable())
            for _ in range(cursor.varint())
        ],
    )
    if not cursor.at_end:
        raise ValueError("the record goes on after its contents")
    return record
