"""A question to the brokers that is asked again and again, but never twice at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

AnswerT = TypeVar("AnswerT")


class Question(Generic[AnswerT]):
    """Waits for an answer for only so long, so that one mute broker does not hold up the others.

    A question without an answer is left to end by itself, because only its own time limit makes
    aiokafka renew the connection. Its answer, when it comes, is too old for anybody.
    """

    def __init__(self) -> None:
        self._open: asyncio.Task[AnswerT] | None = None

    async def ask(
        self, ask: Callable[[], Coroutine[Any, Any, AnswerT]], seconds: float
    ) -> AnswerT | None:
        """Ask, unless the question before is still open; None if there is no answer in time.

        Raises:
            Exception: whatever the question of now, or the one that was late, has raised.
        """
        if self._open is not None:
            if not self._open.done():
                return None
            late, self._open = self._open, None
            late.result()
        self._open = asyncio.create_task(ask())
        await asyncio.wait({self._open}, timeout=seconds)
        if not self._open.done():
            return None
        answered, self._open = self._open, None
        return answered.result()

    def close(self) -> None:
        """Ask no longer."""
        if self._open is not None:
            self._open.cancel()
