"""Record batches instead of records from an aiokafka consumer: a third of the work per record.

`getmany()` of a consumer that was built with `key_deserializer=BATCHES` returns `Batch` objects,
and its `max_records` counts batches; assignment, seeking, retries and positions stay aiokafka's.
The seam is `PartitionRecords`, which is the same in every aiokafka since 0.7.2.
"""

from __future__ import annotations

import inspect
import struct
from typing import TYPE_CHECKING, Any, Final

import aiokafka.codec
from aiokafka.consumer import fetcher
from aiokafka.record.memory_records import MemoryRecords

if TYPE_CHECKING:
    from collections.abc import Iterator


_length = struct.Struct(">i").unpack_from
"""Of a batch behind this field, which follows its first offset."""


class _Batches:
    """Selects batches where a key deserializer is expected; it deserializes nothing."""

    def __call__(self, key: bytes | None) -> bytes | None:
        return key


BATCHES: Final = _Batches()


class Batch:
    """One record batch of a partition, still compressed, from the position on.

    Attributes:
        partition: Number of the partition.
        start: Records before this offset were asked for by nobody.
        raw: aiokafka's batch; iterating over it decompresses and parses, once.
        intact: False if the checksum was asked for and does not match.
        response: The bytes of the fetched partition that hold the batch, None if unknown.
        at: Where the batch begins in them.
    """

    __slots__ = ("at", "intact", "partition", "raw", "response", "start")

    def __init__(  # noqa: PLR0913 - what is known of it
        self,
        partition: int,
        start: int,
        raw: Any,  # noqa: ANN401 - untyped aiokafka
        *,
        intact: bool,
        response: bytes | None,
        at: int = 0,
    ) -> None:
        self.partition = partition
        self.start = start
        self.raw = raw
        self.intact = intact
        self.response = response
        self.at = at

    @property
    def next_offset(self) -> int:
        """Offset after the batch, also where its last records were compacted away."""
        return self.raw.next_offset  # type: ignore[no-any-return]  # untyped aiokafka

    def __iter__(self) -> Iterator[Any]:
        """Records of aiokafka's own classes; raises what aiokafka raises on a bad batch."""
        records: Iterator[Any] = iter(self.raw)
        if getattr(self.raw, "base_offset", -1) >= self.start:  # the oldest format has none
            return records
        return (record for record in records if record.offset >= self.start)


class _BatchRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # untyped aiokafka
    """aiokafka's reading of one fetched partition, stopping at batches."""

    def _unpack_records(self) -> Iterator[Batch]:
        response = getattr(self._records, "response", None)
        read_committed = self._isolation_level == fetcher.READ_COMMITTED
        at, behind = 0, 0
        while self._records.has_next():
            raw = self._records.next_batch()
            if response is not None:
                at, behind = behind, behind + 12 + _length(response, behind + 8)[0]
            # a damaged batch is handed out as such: raising here would drop what other
            # partitions brought in the same getmany()
            intact = not self._check_crcs or raw.validate_crc()
            if intact and read_committed and self._is_aborted(raw):
                self.next_fetch_offset = raw.next_offset
                continue
            start = self.next_fetch_offset
            self.next_fetch_offset = max(start, raw.next_offset)
            if raw.next_offset > start and not raw.is_control_batch:
                yield Batch(self._tp.partition, start, raw, intact=intact, response=response, at=at)

    def _is_aborted(self, raw: Any) -> bool:  # noqa: ANN401 - untyped aiokafka
        """Keep count of open aborted transactions, as `PartitionRecords` does."""
        if raw.producer_id is None:
            return False
        self._consume_aborted_up_to(raw.base_offset)
        if raw.is_control_batch and self._contains_abort_marker(raw):
            self._aborted_producers.discard(raw.producer_id)
        return raw.is_transactional and raw.producer_id in self._aborted_producers


class _KeptRecords(MemoryRecords):  # type: ignore[misc]  # untyped aiokafka
    """aiokafka's cut of a response into batches, which keeps the response at hand."""

    def __init__(self, response: bytes) -> None:
        super().__init__(response)
        self.response = response


_PARAMETERS = [
    "self",
    "tp",
    "records",
    "aborted_transactions",
    "fetch_offset",
    "key_deserializer",
    "value_deserializer",
    "check_crcs",
    "isolation_level",
]
_METHODS = ("_unpack_records", "_consume_aborted_up_to", "_contains_abort_marker", "__next__")
_plain_records = fetcher.PartitionRecords


def enable_batches() -> bool:
    """Teach aiokafka to hand out batches where they are asked for; again changes nothing.

    Returns:
        False if the installed aiokafka lacks the seam: consumers then return records whatever
        their key deserializer is.
    """
    if fetcher.PartitionRecords is _batches_or_records:
        return True
    if not _has_seam():
        return False
    fetcher.PartitionRecords = _batches_or_records
    fetcher.MemoryRecords = _KeptRecords
    return True


def _has_seam() -> bool:
    parameters = list(inspect.signature(_plain_records.__init__).parameters)
    return (
        parameters == _PARAMETERS
        and all(hasattr(_plain_records, name) for name in _METHODS)
        and fetcher.PartitionRecords is _plain_records
        and fetcher.MemoryRecords is MemoryRecords
    )


def _batches_or_records(tp: Any, records: Any, aborted: Any, offset: int, *rest: Any) -> Any:  # noqa: ANN401 - untyped aiokafka
    key_deserializer, value_deserializer, check_crcs, isolation_level = rest
    if isinstance(key_deserializer, _Batches):
        return _BatchRecords(tp, records, aborted, offset, None, None, check_crcs, isolation_level)
    return _plain_records(
        tp,
        records,
        aborted,
        offset,
        key_deserializer,
        value_deserializer,
        check_crcs,
        isolation_level,
    )


def client_problems() -> list[str]:
    """What the installed aiokafka lacks for reading every record at full speed, one line each."""
    problems = []
    if MemoryRecords.__module__.rpartition(".")[0].split(".")[-1] != "_crecords":
        problems.append(
            "aiokafka's C extension is absent (there is no wheel for this platform): records are "
            "parsed several times slower"
        )
    problems += [
        f"records compressed with {codec} cannot be read: install cramjam"
        for codec in ("snappy", "lz4", "zstd")
        if not getattr(aiokafka.codec, f"has_{codec}")()
    ]
    if not enable_batches():
        problems.append(
            f"aiokafka {aiokafka.__version__} has no seam for reading batches: records are read "
            "one by one, several times slower"
        )
    return problems
