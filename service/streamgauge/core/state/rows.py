"""Rows of numbers as bytes: each number as wide as the widest of its row.

A row is one byte w and then w bytes per number, the low one first. How many numbers a row has is
known before it is read; where all are 0 then w is 0. A number that may be unknown is written as 0
for unknown and as one more than itself otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.state.errors import StateDamagedError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Writer(bytearray):
    """Bytes to which rows are added."""

    def row(self, numbers: Iterable[int]) -> None:
        """Add numbers that are not negative."""
        numbers = tuple(numbers)
        width = (max(numbers, default=0).bit_length() + 7) // 8
        self.append(width)
        for number in numbers:
            self += number.to_bytes(width, "little")

    def maybe_row(self, numbers: Iterable[int | None]) -> None:
        """Add numbers that may be unknown."""
        self.row(0 if number is None else number + 1 for number in numbers)


class Reader:
    """Takes them apart again. Each method raises StateDamagedError where bytes are missing."""

    __slots__ = ("_at", "_data", "_what")

    def __init__(self, data: bytes, what: str) -> None:
        self._data, self._at, self._what = data, 0, what

    def raw(self, size: int) -> bytes:
        """The next bytes as they are."""
        start, self._at = self._at, self._at + size
        if self._at > len(self._data):
            raise self.damaged(f"ends {self._at - len(self._data)} bytes too early")
        return self._data[start : self._at]

    def byte(self) -> int:
        """The next byte as a number."""
        if self.at_end:
            raise self.damaged("ends 1 bytes too early")
        self._at += 1
        return self._data[self._at - 1]

    def row(self, count: int) -> list[int]:
        """The next row, of so many numbers."""
        width = self.byte()
        if not width:
            return [0] * count
        data = self.raw(count * width)
        return [
            int.from_bytes(data[at : at + width], "little") for at in range(0, len(data), width)
        ]

    def maybe_row(self, count: int) -> list[int | None]:
        """The next row, of so many numbers that may be unknown."""
        return [number - 1 if number else None for number in self.row(count)]

    def rest(self) -> bytes:
        """All bytes that are left."""
        return self.raw(len(self._data) - self._at)

    @property
    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self._at == len(self._data)

    def damaged(self, why: str) -> StateDamagedError:
        """What to raise where the bytes cannot be right."""
        return StateDamagedError(f"{self._what} {why}")
