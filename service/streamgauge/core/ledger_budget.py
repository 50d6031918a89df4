"""The memory that all ledgers of a process share, and what its limits have cost so far."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from streamgauge.core.coarse_block import CoarseBlock

if TYPE_CHECKING:
    from streamgauge.core.exact_block import ExactBlock
    from streamgauge.core.ledger import Ledger

EXACT_RECORDS: Final = 1_000_000
"""Records of a process that are known exactly: 15 MB."""
COARSE_BLOCKS: Final = 16_384
"""Blocks of a process that are known within a bound: 8 million records in 15 MB."""


class LedgerBudget:
    """Where it does not do, the block that was not added to for the longest time becomes coarse.

    And of the coarse ones the oldest is dropped.

    Args:
        exact_records: records for which exact blocks have memory.
        coarse_blocks: coarse blocks; one whose offsets have gaps counts as two to four.
    """

    def __init__(
        self, exact_records: int = EXACT_RECORDS, coarse_blocks: int = COARSE_BLOCKS
    ) -> None:
        self._exact_records = exact_records
        self._coarse_blocks = coarse_blocks
        self._exact: OrderedDict[ExactBlock, Ledger] = OrderedDict()
        self._coarse: OrderedDict[CoarseBlock, Ledger] = OrderedDict()
        self.used_records = 0
        """Records for which exact blocks have memory at present."""
        self.used_blocks = 0
        """Coarse blocks at present, counted as the limit counts them."""
        self.dropped_records = 0
        """Records that the second limit has dropped in this process."""
        self.error_ms = 0
        """No event time that was read in this process is wrong by more than this."""

    def grew(self, ledger: Ledger, block: ExactBlock, more: int) -> None:
        """Something was added to a block, for which it took room for so many records more."""
        self.used_records += more
        self._exact[block] = ledger
        self._exact.move_to_end(block)
        while self.used_records > self._exact_records:
            oldest, owner = self._exact.popitem(last=False)
            self.used_records -= oldest.room
            coarse = owner.coarsen_oldest()
            self.used_blocks += coarse.room
            self._coarse[coarse] = owner
        while self.used_blocks > self._coarse_blocks:
            dropped, owner = self._coarse.popitem(last=False)
            self.used_blocks -= dropped.room
            self.dropped_records += owner.drop_oldest()

    def freed(self, block: ExactBlock | CoarseBlock) -> None:
        """The block is gone."""
        if isinstance(block, CoarseBlock):
            del self._coarse[block]
            self.used_blocks -= block.room
        else:
            del self._exact[block]
            self.used_records -= block.room

    def was_read(self, error_ms: int) -> None:
        """An event time was read that is wrong by this much at most."""
        self.error_ms = max(self.error_ms, error_ms)
