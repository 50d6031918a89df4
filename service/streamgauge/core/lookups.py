"""Single records that were looked up in the log because the ledger does not know them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from streamgauge.core.ledger import FirstRecord

MOST: Final = 20_000
"""Answers that are remembered, some 4 MB; the one that was not asked for the longest goes first."""
COMPACTED_HOLDS_MS: Final = 50
"""So long an answer of a compacted topic holds, so that each poll asks: it may be gone since."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found at or after an offset."""

    record: FirstRecord | None
    """The first record; None if there was none up to `end`."""
    end: int
    """Where the log ended then."""
    found_ms: int


class Lookups:
    """Answers by partition and offset, of one topic in one life."""

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[int, int], Found] = OrderedDict()

    def note(self, partition: int, offset: int, found: Found) -> None:
        """Remember an answer."""
        self._found[partition, offset] = found
        self._found.move_to_end((partition, offset))
        while len(self._found) > MOST:
            self._found.popitem(last=False)

    def get(self, partition: int, offset: int, start: int | None, end: int) -> Found | None:
        """The answer of before if it still holds, None if it has to be asked for.

        Args:
            partition: number of the partition.
            offset: from where the first record is looked for.
            start: the log's start offset, None if unknown.
            end: the log's end offset.
        """
        key = (partition, offset)
        found = self._found.get(key)
        if found is None:
            return None
        if found.record is None:
            if end > found.end:
                return None  # what came since then may be records
        elif found.record.offset < (start or 0):
            return None  # deleted since then
        self._found.move_to_end(key)
        return found

    def forget(self) -> None:
        """The log is another one."""
        self._found.clear()
