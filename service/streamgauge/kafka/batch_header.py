"""What stands before the records of a batch, read where aiokafka does not show it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from aiokafka.codec import gzip_decode, lz4_decode, snappy_decode, zstd_decode

from streamgauge.core.record_batches import RawBatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from streamgauge.kafka.batches import Batch

MOST_BYTES: Final = 16 * 1024 * 1024
"""Decompressed: all batches of a partition's poll lie in memory at once."""
FEWEST_RECORDS: Final = 256
"""Fewer are read faster one by one."""

_MAGIC: Final = 2
_CODEC_BITS: Final = 0x07
_LOG_APPEND_TIME_BIT: Final = 0x08
_DECODERS: Final[dict[int, Callable[[bytes], bytes]]] = {
    0: bytes,
    1: gzip_decode,
    2: snappy_decode,
    3: lz4_decode,
    4: zstd_decode,
}


class BatchHeader(NamedTuple):
    """A record batch up to its records: https://kafka.apache.org/documentation/#recordbatch."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    checksum: int
    attributes: int
    last_offset_delta: int
    first_timestamp: int
    greatest_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int
    body: bytes

    @property
    def log_append_time(self) -> bool:
        """Whether the greatest timestamp is the append time of all records."""
        return bool(self.attributes & _LOG_APPEND_TIME_BIT)

    def records(self) -> bytes:
        """The records, decompressed; raises whatever a codec throws at hostile bytes."""
        return _DECODERS[self.attributes & _CODEC_BITS](self.body)


_HEADER = struct.Struct(">qiibIhiqqqhii")
_OFFSET_AND_LENGTH = struct.Struct(">qi")


def header_of(batch: Batch) -> BatchHeader:
    """Find the batch in the response it came with.

    Raises:
        ValueError: If it is not there, or not in the record format of Kafka 0.11 and later.
    """
    response, position = batch.response or b"", batch.at
    while position + _HEADER.size <= len(response):
        base_offset, length = _OFFSET_AND_LENGTH.unpack_from(response, position)
        end = position + _OFFSET_AND_LENGTH.size + length
        fields = _HEADER.unpack_from(response, position)
        if end < position + _HEADER.size:
            break
        if base_offset + fields[6] + 1 == batch.next_offset and fields[3] == _MAGIC:
            return BatchHeader._make((*fields, response[position + _HEADER.size : end]))
        position = end
    raise ValueError("the batch is not in the response")


def raw_batches(batches: Sequence[Batch]) -> list[RawBatch] | None:
    """Decompress batches that can be read as a whole; None where they cannot, or not with gain."""
    if not all(batch.intact for batch in batches):
        return None
    try:
        headers = [header_of(batch) for batch in batches]
        if sum(header.record_count for header in headers) < FEWEST_RECORDS:
            return None
        if any(h.base_offset < b.start for h, b in zip(headers, batches, strict=True)):
            return None  # its first records were asked for by nobody
        return _decompressed(headers)
    except Exception:  # noqa: BLE001 - whatever a codec throws at hostile bytes
        return None


def _decompressed(headers: Iterable[BatchHeader]) -> list[RawBatch] | None:
    whole, size = [], 0
    for header in headers:
        body = header.records()
        size += len(body)
        if size > MOST_BYTES:
            return None
        whole.append(
            RawBatch(
                base_offset=header.base_offset,
                first_ms=header.first_timestamp,
                append_ms=header.greatest_timestamp if header.log_append_time else None,
                record_count=header.record_count,
                body=body,
            )
        )
    return whole
