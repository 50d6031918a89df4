"""Trace ids that were seen on a stream, each with the event time of the record that had it first.

A table of fixed size in which each trace id has one place and may be pushed out by another that has
the same: after as many new ids as there are places, 37 % of the former ones are left. Ids are told
apart by 64 bits that all of their digits go into.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from streamgauge.core.snapshot import SightingsView
from streamgauge.core.trace_context import VERSION_00_BYTES
from streamgauge.model import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

PLACES: Final = 1 << 18
"""4 MB for each stream that is asked."""

_WORDS_AT: Final = (3, 11, 19, 27)
"""Where the 32 digits of the trace id stand in a context, eight by eight."""
_words = Struct("<3x4Q").unpack_from
_FACTOR: Final = 0x9E3779B97F4A7C15
"""2**64 over the golden ratio, which spreads numbers that follow each other (Knuth, TAOCP 6.4)."""
_64_BITS: Final = (1 << 64) - 1

_Word = TypeVar("_Word", int, "NDArray[np.uint64]")


class FirstSightings:
    """The first sightings on one stream, in the order in which they were noted.

    Args:
        size: places in the table, a power of two.

    Raises:
        ValueError: if the size is none.
    """

    def __init__(self, size: int = PLACES) -> None:
        if size < 2 or size & (size - 1):
            raise ValueError(f"size is {size}: give a power of two")
        self.size = size
        self.asked = 0
        """Contexts that were looked for."""
        self.answered = 0
        """Those of them whose trace id was there."""
        self.evicted = 0
        """Trace ids that others have pushed out."""
        self._shift = 64 - (size.bit_length() - 1)
        self._marks: NDArray[np.uint64] = np.zeros(0, dtype=np.uint64)
        self._event_ms: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        """UNKNOWN where nothing is."""

    @property
    def view(self) -> SightingsView:
        """What it has done since the process began."""
        return SightingsView(self.size, self.asked, self.answered, self.evicted)

    def note(self, contexts: Sequence[bytes | None], event_ms: NDArray[np.int64]) -> None:
        """Remember the trace ids that are not there yet, as if row by row.

        Args:
            contexts: n contexts of 55 bytes, None where a record has none.
            event_ms: int64[n], event time or UNKNOWN; a record without one is no sighting.
        """
        rows, marks = _marks_of(contexts)
        event_ms = event_ms[rows]
        known = event_ms != UNKNOWN
        if not known.all():
            marks, event_ms = marks[known], event_ms[known]
        count = len(marks)
        if not count:
            return
        if not len(self._marks):
            self._marks = np.zeros(self.size, dtype=np.uint64)
            self._event_ms = np.full(self.size, UNKNOWN, dtype=np.int64)
        # by place, then by row: keys are all different, and sorting them is faster than argsort
        row_bits = count.bit_length()
        keys = (marks >> self._shift).astype(np.int64) << row_bits | np.arange(count)
        keys.sort()
        order, places = keys & ((1 << row_bits) - 1), keys >> row_bits
        marks = marks[order]
        # what follows itself at its place changes nothing
        first = _differs(places)
        begins = np.flatnonzero(first | _differs(marks))
        first, places, marks = first[begins], places[begins], marks[begins]
        free = first & (self._event_ms[places] == UNKNOWN)
        came = ~first | free | (self._marks[places] != marks)
        self.evicted += int(np.count_nonzero(came & ~free))
        places = places[came]  # of those that share one, the last is assigned last
        self._marks[places] = marks[came]
        self._event_ms[places] = event_ms[order[begins[came]]]

    def find(self, contexts: Sequence[bytes | None]) -> NDArray[np.int64]:
        """Event times of the first sightings, int64[n], UNKNOWN where there is none.

        Args:
            contexts: n contexts of 55 bytes, None where a record has none.
        """
        found = np.full(len(contexts), UNKNOWN, dtype=np.int64)
        rows, marks = _marks_of(contexts)
        self.asked += len(marks)
        if len(self._marks):
            places = marks >> self._shift
            found[rows] = np.where(self._marks[places] == marks, self._event_ms[places], UNKNOWN)
            self.answered += int(np.count_nonzero(found != UNKNOWN))
        return found

    def find_one(self, context: bytes) -> int | None:
        """Event time of one first sighting, as `find` says it; None where there is none."""
        self.asked += 1
        if not len(self._marks):
            return None
        mark = _mixed(_words(context))
        place = mark >> self._shift
        event_ms = int(self._event_ms[place])
        if event_ms == UNKNOWN or int(self._marks[place]) != mark:
            return None
        self.answered += 1
        return event_ms


def _marks_of(
    contexts: Sequence[bytes | None],
) -> tuple[NDArray[np.intp] | slice, NDArray[np.uint64]]:
    """The rows that have a context, and the marks of their trace ids."""
    given = [context for context in contexts if context is not None]
    rows: NDArray[np.intp] | slice = slice(None)
    if len(given) != len(contexts):
        rows = np.flatnonzero([context is not None for context in contexts])
    joined = b"".join(given)
    count = len(given)
    if not count:
        return rows, np.zeros(0, dtype=np.uint64)
    words = (np.ndarray(count, "<u8", joined, at, VERSION_00_BYTES) for at in _WORDS_AT)
    return rows, _mixed(words)


def _mixed(words: Iterable[_Word]) -> _Word:
    """64 bits of four words; two of them that differ in one word only are never mixed alike."""
    first, *others = words
    mark = (first ^ first >> 32) * _FACTOR & _64_BITS
    for word in others:
        mark ^= word
        mark = (mark ^ mark >> 32) * _FACTOR & _64_BITS
    return mark ^ mark >> 32  # type: ignore[return-value] # numpy says nothing of a shift by int


def _differs(values: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Whether each is another than the one before it."""
    differs = np.ones(len(values), dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=differs[1:])
    return differs
