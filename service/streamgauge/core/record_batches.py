"""Where the fields of all records of some batches lie, found for all of them at once.

A record is a chain of lengths, so that one loop has to walk from record to record; whatever lies
inside is found by arithmetic on columns, which costs a fraction of an object for each record.
Only what every client writes is understood. Anything else raises `IrregularError`, and whoever
asked reads record by record instead: `RecordReader.read` takes any bytes.

Source of the format: https://kafka.apache.org/documentation/#record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

MOST_HEADERS: Final = 64
"""Of a record."""
MOST_NAMES: Final = 16
"""Different names of headers at one place of the records."""
LONGEST_NAME: Final = 255
_PAD: Final = bytes(LONGEST_NAME + 16)
"""Behind the last record, so that no field is read beyond the end."""
_VARINT_BYTES: Final = 5

_BEYOND: Final = 1 << 40
_STEP: Final = [
    _BEYOND if byte & 1 else 1 + (byte >> 1) if byte < 0x80 else 2 + ((byte & 0x7F) >> 1)
    for byte in range(256)
]
"""From one record to the next, by the first byte of its length; beyond everything if negative."""
_AND_STEP: Final = [byte << 6 if byte < 0x80 else _BEYOND for byte in range(256)]
"""So much more by the second byte, if there is one; beyond everything where a third follows."""
_ZIGZAG: Final[NDArray[np.int64]] = np.array(
    [(byte >> 1) ^ -(byte & 1) for byte in range(0x80)], dtype=np.int64
)


class IrregularError(Exception):
    """The records are not what every client writes."""


class RawBatch(NamedTuple):
    """One record batch of the present format, decompressed and not parsed."""

    base_offset: int
    first_ms: int
    """Timestamp from which its records count theirs."""
    append_ms: int | None
    """The append time of all its records; None where the records say their own timestamps."""
    record_count: int
    body: bytes
    """Its records."""


@dataclass(frozen=True, slots=True)
class Field:
    """One header, as the records have it at the same place."""

    name: str
    rows: NDArray[np.intp]
    """Records that have it there, ascending."""
    at: NDArray[np.int64]
    """Where its values begin."""
    size: NDArray[np.int64]
    """Bytes of the values, -1 for null."""


@dataclass(frozen=True, slots=True)
class Fields:
    """All records of some batches, as columns of equal length n."""

    text: bytes
    data: NDArray[np.uint8]
    """The same."""
    offsets: NDArray[np.int64]
    timestamps: NDArray[np.int64]
    key_at: NDArray[np.int64]
    key_size: NDArray[np.int64]
    """-1 for null."""
    value_at: NDArray[np.int64]
    value_size: NDArray[np.int64]
    """-1 for null."""
    headers: list[Field]
    """In the order of the records."""

    def texts(self, at: NDArray[np.int64], size: int) -> NDArray[np.bytes_]:
        """As many bytes from each of these places on, less the zeros at their end."""
        return _windows(self.data, size)[at]

    def value(self, row: int) -> bytes | None:
        """The value of one record."""
        return self._cut(self.value_at[row], self.value_size[row])

    def key(self, row: int) -> bytes | None:
        """The key of one record."""
        return self._cut(self.key_at[row], self.key_size[row])

    def headers_of(self, row: int) -> list[tuple[str, bytes | None]]:
        """Names and values of one record."""
        found = []
        for field in self.headers:
            place = int(np.searchsorted(field.rows, row))
            if place < len(field.rows) and field.rows[place] == row:
                found.append((field.name, self._cut(field.at[place], field.size[place])))
        return found

    def _cut(self, at: np.int64, size: np.int64) -> bytes | None:
        return None if size < 0 else self.text[int(at) : int(at) + int(size)]


def fields_of(batches: Sequence[RawBatch]) -> Fields:
    """Find the fields of all records of these batches.

    Raises:
        IrregularError: if they are not what every client writes.
    """
    if any(each.record_count < 0 or bool(each.record_count) != bool(each.body) for each in batches):
        raise IrregularError
    batches = [batch for batch in batches if batch.record_count]  # the log cleaner leaves others
    if not batches:
        raise IrregularError
    text = b"".join([*(batch.body for batch in batches), _PAD])
    end = len(text) - len(_PAD)
    counts = [batch.record_count for batch in batches]
    starts = _starts(text, sum(counts), end)
    first_rows = np.cumsum([0, *counts[:-1]])
    begins = np.cumsum([0, *(len(batch.body) for batch in batches[:-1])])
    if not np.array_equal(starts[first_rows], begins):
        raise IrregularError
    data = np.frombuffer(text, dtype=np.uint8)
    at = starts + 1 + (data[starts] > 0x7F)
    if bool(data[at].any()):  # attributes that no version of the format knows
        raise IrregularError
    at += 1
    delta_ms, at = _varints(data, at)
    delta, at = _varints(data, at)
    key_size, key_at = _varints(data, at)
    value_size, value_at = _varints(data, _behind(key_at, key_size, end))
    header_count, at = _varints(data, _behind(value_at, value_size, end))
    headers, at = _headers(data, text, header_count, at, end)
    if not np.array_equal(at[:-1], starts[1:]) or at[-1] != end:
        raise IrregularError
    stamps = [batch.first_ms if batch.append_ms is None else batch.append_ms for batch in batches]
    if any(batch.append_ms is not None for batch in batches):
        delta_ms[np.repeat([batch.append_ms is not None for batch in batches], counts)] = 0
    return Fields(
        text=text,
        data=data,
        offsets=np.repeat([batch.base_offset for batch in batches], counts) + delta,
        timestamps=np.repeat(stamps, counts) + delta_ms,
        key_at=key_at,
        key_size=key_size,
        value_at=value_at,
        value_size=value_size,
        headers=headers,
    )


def _starts(text: bytes, count: int, end: int) -> NDArray[np.int64]:
    """Where each record begins; those of more than 8 KB are not looked for."""
    starts: list[int] = []
    add, step, and_step = starts.append, _STEP, _AND_STEP
    at = 0
    try:
        for _ in range(min(count, end)):
            add(at)
            byte = text[at]
            if byte > 0x7F:
                at += step[byte] + and_step[text[at + 1]]
            else:
                at += step[byte]
    except IndexError:
        raise IrregularError from None
    if at != end or not starts:
        raise IrregularError
    return np.array(starts, dtype=np.int64)


def _headers(
    data: NDArray[np.uint8],
    text: bytes,
    count: NDArray[np.int64],
    at: NDArray[np.int64],
    end: int,
) -> tuple[list[Field], NDArray[np.int64]]:
    """All headers, and where the records end."""
    most = int(count.max())
    if most > MOST_HEADERS or int(count.min()) < 0:
        raise IrregularError
    found: list[Field] = []
    for place in range(most):
        rows = np.flatnonzero(count > place)
        every = len(rows) == len(count)
        name_size, name_at = _varints(data, at if every else at[rows])
        size, value_at = _varints(data, _behind(name_at, name_size, end))
        behind = _behind(value_at, size, end)
        if every:
            at = behind
        else:
            at[rows] = behind
        for name, which in _named(data, text, name_at, name_size):
            if which is None:
                found.append(Field(name, rows, value_at, size))
            else:
                found.append(Field(name, rows[which], value_at[which], size[which]))
    return found, at


def _named(
    data: NDArray[np.uint8], text: bytes, at: NDArray[np.int64], size: NDArray[np.int64]
) -> Iterator[tuple[str, NDArray[np.intp] | None]]:
    """Each name with the places that have it; None: all of them."""
    left: NDArray[np.intp] | None = None
    for _ in range(MOST_NAMES):
        first = 0 if left is None else int(left[0])
        first_at, first_size = int(at[first]), int(size[first])
        if not 0 < first_size <= LONGEST_NAME:
            raise IrregularError
        name = text[first_at : first_at + first_size]
        where, sizes = (at, size) if left is None else (at[left], size[left])
        same = (sizes == first_size) & _equal(data, where, name)
        try:
            decoded = name.decode()
        except UnicodeDecodeError:
            raise IrregularError from None
        if bool(same.all()):
            yield decoded, left
            return
        yield decoded, np.flatnonzero(same) if left is None else left[same]
        left = np.flatnonzero(~same) if left is None else left[~same]
    raise IrregularError


def _equal(data: NDArray[np.uint8], at: NDArray[np.int64], text: bytes) -> NDArray[np.bool_]:
    """Where this text stands, compared by whole words that may overlap."""
    size = len(text)
    word = next(each for each in (8, 4, 2, 1) if each <= size)
    words = np.ndarray((len(data) - word + 1,), dtype=f"<u{word}", buffer=data.data, strides=(1,))
    same = np.ones(len(at), dtype=np.bool_)
    for place in (*range(0, size - word, word), size - word):
        wanted = int.from_bytes(text[place : place + word], "little")
        same &= words[at + place] == words.dtype.type(wanted)
    return same


def _windows(data: NDArray[np.uint8], size: int) -> NDArray[np.bytes_]:
    """What stands in so many bytes from each place on; nothing is copied."""
    return np.ndarray((len(data) - size + 1,), dtype=f"S{size}", buffer=data.data, strides=(1,))


def _behind(at: NDArray[np.int64], size: NDArray[np.int64], end: int) -> NDArray[np.int64]:
    """Behind fields of these sizes, which lie before the end of all records."""
    least = int(size.min())
    if least < 0:
        size = np.maximum(size, 0)
    behind = at + size
    if least < -1 or int(behind.max()) > end:
        raise IrregularError
    return behind


def _varints(
    data: NDArray[np.uint8], at: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The zigzag varints at these places, and where they end."""
    byte = data[at]
    more = byte > 0x7F
    if not bool(more.any()):
        return _ZIGZAG[byte], at + 1
    value = (byte & 0x7F).astype(np.int64)
    behind = at + 1
    for shift in range(7, 7 * _VARINT_BYTES, 7):
        byte = data[behind]
        value += np.where(more, byte & 0x7F, 0).astype(np.int64) << shift
        behind += more
        more &= byte > 0x7F
        if not bool(more.any()):
            return (value >> 1) ^ -(value & 1), behind
    raise IrregularError
