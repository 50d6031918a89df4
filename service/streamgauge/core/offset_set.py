"""Which offsets of a span have a record: exact, and as small as it can be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray


class OffsetSet:
    """Nothing where no offset is without a record, else a bit for each offset or a list of them.

    Args:
        apart: unsigned[n], n > 0, ascending; how far each record lies from the first one.
    """

    __slots__ = ("_bits", "_count", "_list")

    def __init__(self, apart: NDArray[np.unsignedinteger[Any]]) -> None:
        self._count, span = len(apart), int(apart[-1]) + 1
        self._bits: NDArray[np.uint8] | None = None
        self._list: NDArray[np.unsignedinteger[Any]] | None = None
        if span == self._count:
            return
        if span <= 8 * apart.nbytes:
            present = np.zeros(span, dtype=np.bool_)
            present[apart] = True
            self._bits = np.packbits(present)
        else:
            self._list = apart.copy()

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return sum(each.nbytes for each in (self._bits, self._list) if each is not None)

    def rank(self, apart: int) -> int:
        """How many records lie before this distance, which is within the span."""
        if self._bits is not None:
            return int(np.count_nonzero(np.unpackbits(self._bits, count=apart)))
        if self._list is not None:
            return int(np.searchsorted(self._list, self._list.dtype.type(apart)))
        return apart

    def apart(self, rank: int) -> int:
        """The distance of the record of this rank."""
        if self._bits is not None:
            return int(np.flatnonzero(np.unpackbits(self._bits))[rank])
        return rank if self._list is None else int(self._list[rank])
