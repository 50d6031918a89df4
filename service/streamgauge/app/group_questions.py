"""Asks for the committed offsets of many groups, so that a slow one holds up no other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from streamgauge.kafka.answers import Forbidden, Retry
from streamgauge.kafka.errors import KafkaAccessError
from streamgauge.model import CommittedOffsets

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from streamgauge.app.context import StreamContext

Answer: TypeAlias = CommittedOffsets | Retry | Forbidden

ANSWER_SECONDS: Final = 5.0
"""An answer that takes longer does not count."""
PROMPT_SECONDS: Final = 0.1
"""A round does not wait longer: later answers are taken in by the next one, with ends of its own.

The ends are asked for after it: the longer it is, the more records come in between.
"""
_LATE: Final = Retry(f"there was no answer within {ANSWER_SECONDS:g} s")


class _Open(NamedTuple):
    """A question that was asked."""

    begun_seconds: float
    world: object
    """An answer of another log, or of other positions, says nothing."""
    answer: asyncio.Task[Answer]


class GroupQuestions:
    """One open question for each group at most.

    A question without an answer is left to end by itself, because only its own time limit makes
    aiokafka renew the connection.
    """

    def __init__(self, context: StreamContext) -> None:
        self._context = context
        self._cluster = context.cluster
        self._topic = context.gauge.policy.topic
        self._open: dict[str, _Open] = {}

    async def ask(self, groups: Iterable[str], partitions: Collection[int]) -> dict[str, Answer]:
        """Ask of all that are not being asked of; give what has been answered since the last time.

        A group whose answer may still come is absent.

        Raises:
            Exception: whatever one of the questions has raised, but for brokers that are away.
        """
        answers = dict(self._answered())  # those that came after the round before
        now_seconds = asyncio.get_running_loop().time()
        asked = []
        for group in groups:
            if group not in self._open:
                asked.append(asyncio.create_task(self._committed(group, partitions)))
                self._open[group] = _Open(now_seconds, self._context.world, asked[-1])
        if asked:  # who was slow the last time is not waited for
            await asyncio.wait(asked, timeout=PROMPT_SECONDS)
        return answers | dict(self._answered())

    def _answered(self) -> Iterator[tuple[str, Answer]]:
        now_seconds = asyncio.get_running_loop().time()
        for group, question in list(self._open.items()):
            late = now_seconds - question.begun_seconds > ANSWER_SECONDS
            if question.answer.done():
                del self._open[group]
                answer = question.answer.result()
                if question.world == self._context.world:
                    yield group, _LATE if late else answer
            elif late:
                yield group, _LATE

    async def _committed(self, group: str, partitions: Collection[int]) -> Answer:
        try:
            return await self._cluster.committed(group, self._topic, partitions)
        except KafkaAccessError as error:
            return Retry(str(error))

    def close(self) -> None:
        """Ask no longer."""
        for question in self._open.values():
            question.answer.cancel()
