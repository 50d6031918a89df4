"""Questions that are asked in the same turn of the event loop go out together."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from streamgauge.kafka.errors import BrokersUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Hashable, Mapping

KeyT = TypeVar("KeyT", bound="Hashable")
AnswerT = TypeVar("AnswerT")
_Waiting: TypeAlias = dict[str, list["asyncio.Future[AnswerT]"]]
"""Those who wait, by the name each asks about."""


class Gathering(Generic[KeyT, AnswerT]):
    """Answers questions about one name each by asking about many.

    What has been asked is asked to its end, also when nobody waits for it any more: only a
    request's own time limit makes aiokafka renew the connection.

    Args:
        ask: gives the answer for each name that is asked for under one key.
        most: how many names it is asked for at once, by key.
    """

    def __init__(
        self,
        ask: Callable[[KeyT, Collection[str]], Coroutine[Any, Any, Mapping[str, AnswerT]]],
        most: Callable[[KeyT], int],
    ) -> None:
        self._ask = ask
        self._most = most
        self._gathered: dict[KeyT, _Waiting[AnswerT]] = {}
        self._asking: set[asyncio.Task[Mapping[str, AnswerT]]] = set()

    async def ask(self, key: KeyT, name: str) -> AnswerT:
        """Ask about one name, together with whoever asks under the same key in this turn.

        Raises:
            Exception: what asking about many has raised.
        """
        loop = asyncio.get_running_loop()
        if key not in self._gathered:
            self._gathered[key] = {}
            loop.call_soon(self._begin, key)  # after everybody whose turn it is already
        answer: asyncio.Future[AnswerT] = loop.create_future()
        self._gathered[key].setdefault(name, []).append(answer)
        return await answer

    async def close(self) -> None:
        """Give up all that is being asked; whoever waits is told so."""
        await asyncio.sleep(0)  # what was gathered in this turn has begun then
        for task in self._asking:
            task.cancel()
        if self._asking:
            await asyncio.wait(self._asking)

    def _begin(self, key: KeyT) -> None:
        gathered = list(self._gathered.pop(key).items())
        most = self._most(key)
        for position in range(0, len(gathered), most):
            waiting = dict(gathered[position : position + most])
            task = asyncio.create_task(self._ask(key, waiting))
            self._asking.add(task)
            task.add_done_callback(partial(self._answered, waiting))

    def _answered(
        self, waiting: _Waiting[AnswerT], task: asyncio.Task[Mapping[str, AnswerT]]
    ) -> None:
        self._asking.discard(task)
        error: BaseException | None
        if task.cancelled():
            error = BrokersUnavailableError("the connections are being closed")
        else:
            error = task.exception()
        answers = {} if error is not None else task.result()
        for name, futures in waiting.items():
            for future in futures:
                if future.done():
                    continue  # nobody waits any more
                if name in answers:
                    future.set_result(answers[name])
                else:
                    future.set_exception(error or KeyError(name))
