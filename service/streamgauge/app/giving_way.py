"""How dead letters give way to the stream: nobody waits longer for it because many things die."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamgauge.core.gauge import StreamGauge

LETTER_SECONDS: Final = 80e-6
"""What a dead letter of some kilobytes takes to be read, judged and counted."""
SHARE: Final = 0.1
"""Of the time, at most, that dead letters take while the stream has to be caught up."""


class GivingWay:
    """Slows the reading of a stream's dead letter topics down while its own topic is behind."""

    def __init__(self, gauge: StreamGauge, now_ms: Callable[[], int]) -> None:
        self._gauge = gauge
        self._now_ms = now_ms
        self._letters = 0

    def read(self, letters: int) -> None:
        """So many dead letters were read."""
        self._letters += letters

    async def before_poll(self) -> None:
        """Wait until those that were read have taken no more than their share."""
        letters, self._letters = self._letters, 0
        if letters and self._gauge.is_behind(self._now_ms()):
            await asyncio.sleep(letters * LETTER_SECONDS * (1 / SHARE - 1))
