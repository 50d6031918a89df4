"""Asks for the committed offsets of a stream's groups, and then for the ends of its log."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from streamgauge.app.first_unread import FirstUnread, chunks
from streamgauge.app.group_questions import ANSWER_SECONDS, GroupQuestions
from streamgauge.app.question import Question
from streamgauge.app.sight import Loss
from streamgauge.core.gauge import GRACE_MS
from streamgauge.events import Event
from streamgauge.kafka.answers import Forbidden, Retry
from streamgauge.kafka.errors import KafkaAccessError
from streamgauge.model import CommittedOffsets, LogOffsets

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from streamgauge.app.context import StreamContext
    from streamgauge.app.group_questions import Answer
    from streamgauge.app.refill import Refill
    from streamgauge.core.columns import RecordReader

BLIND_AFTER_SECONDS: Final = 5.0
"""Beyond the poll interval: a group without an answer for so long is out of sight."""
HASTE: Final = 0.8
"""Polls begin this share of the interval apart: then answers seldom lie further apart than it."""
TAIL_SECONDS: Final = 0.15
"""So long a poll waits for the tail to read what the ends say is there."""
NOT_FILLED_SECONDS: Final = 0.1
"""How often it is looked whether the ledger is filled."""
MOST_LATE_MS: Final = 1_000
"""A round that takes longer leaves some answers untold before the next ones are there."""
_LATE: Final = Retry(f"there was no answer within {ANSWER_SECONDS:g} s")
_NOT_TAILED: Final = Retry("the topic is not tailed yet")
_LOOK_SECONDS: Final = 0.01


class OffsetsPoll:
    """Keeps a gauge informed of consumer groups. One missing answer never means "no commits"."""

    def __init__(
        self,
        context: StreamContext,
        interval_ms: int,
        reader: RecordReader,
        refill: Refill,
        polled: Callable[[], None],
    ) -> None:
        self._context = context
        self._gauge = context.gauge
        self._cluster = context.cluster
        self._isolation_level = context.isolation_level
        self._sight = context.sight
        self._topic = context.gauge.policy.topic
        self._interval_seconds = interval_ms / 1000
        self._refill = refill
        self._polled = polled
        self._groups = GroupQuestions(context)
        self._ends: Question[LogOffsets | Retry] = Question()
        self._first_unread = FirstUnread(context, reader)
        self._answered_seconds: dict[str, float] = {}

    async def run(self) -> None:
        """Poll until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                begun = loop.time()
                await self.poll()
                if not self._refill.is_done:  # soon it will be
                    await asyncio.sleep(min(NOT_FILLED_SECONDS, self._interval_seconds))
                    continue
                spent = loop.time() - begun
                await asyncio.sleep(max(0.0, HASTE * self._interval_seconds - spent))
        finally:
            self._ends.close()
            self._groups.close()
            self._first_unread.close()

    async def poll(self) -> None:
        """One round: committed offsets, after them the ends of the log, and what lies between."""
        loop = asyncio.get_running_loop()
        partitions = self._gauge.positions(self._topic)
        groups = self._gauge.watched
        if not partitions or not groups:
            return
        begun = loop.time()
        answered = self._answered_seconds
        self._answered_seconds = {group: answered.get(group, begun) for group in groups}
        world = self._context.world
        if not self._refill.is_done:
            self._judge_sight(dict.fromkeys(groups, _NOT_TAILED), _NOT_TAILED)
            return
        answers = await self._groups.ask(groups, partitions)
        committed = [each for each in answers.values() if isinstance(each, CommittedOffsets)]
        log: LogOffsets | Retry = _LATE
        if committed:
            log = await self._ends.ask(lambda: self._log_offsets(partitions), ANSWER_SECONDS) or log
        if isinstance(log, LogOffsets):
            await self._tail_reads(log)
            await self._first_unread.look_up(committed, log)
            if world != self._context.world:
                return  # what was asked for belongs to what was before
            spent_ms = round((loop.time() - begun) * 1000)
            late_ms = min(max(GRACE_MS, spent_ms), MOST_LATE_MS)
            self._gauge.hold_answers(round(self._interval_seconds * 1000) + late_ms)
            watched = frozenset(self._gauge.watched)  # a group may be gone since it was asked for
            await self._take_in([each for each in committed if each.group in watched], log)
            self._polled()
        self._judge_sight(answers, log)

    async def _take_in(self, committed: Sequence[CommittedOffsets], log: LogOffsets) -> None:
        world = self._context.world
        for some in chunks(committed, len(log.end)):
            self._gauge.offsets(some, log)
            await asyncio.sleep(0)
            if world != self._context.world:
                return
        self._gauge.starts(log)

    async def _tail_reads(self, log: LogOffsets) -> None:
        """Wait a moment for what is in the log already: the tail knows more of it than offsets."""
        loop = asyncio.get_running_loop()
        until = loop.time() + TAIL_SECONDS
        while loop.time() < until:
            positions = self._gauge.positions(self._topic)
            if all(positions.get(p, end) >= end for p, end in log.end.items()):
                return
            await asyncio.sleep(_LOOK_SECONDS)

    async def _log_offsets(self, partitions: Collection[int]) -> LogOffsets | Retry:
        try:
            return await self._cluster.log_offsets(self._topic, partitions, self._isolation_level)
        except KafkaAccessError as error:
            return Retry(str(error))

    def _judge_sight(self, answers: Mapping[str, Answer], log: LogOffsets | Retry) -> None:
        """A group is seen only if the ends of the log were told after its committed offsets."""
        now_seconds = asyncio.get_running_loop().time()
        seen, forbidden, unanswered = [], [], []
        watched = frozenset(self._gauge.watched)
        for group, answer in answers.items():
            if group not in watched:
                continue
            what = f"group {group}"
            if isinstance(answer, Forbidden):
                forbidden.append(Loss(what, f"the right {answer.right} is missing; grant it"))
                continue
            if isinstance(answer, Retry):
                reason = f"its committed offsets are not told: {answer.reason}"
            elif isinstance(log, Retry):
                reason = f"the ends of the log are not told: {log.reason}"
            else:
                self._answered_seconds[group] = now_seconds
                seen.append(what)
                continue
            unseen = now_seconds - self._answered_seconds.get(group, now_seconds)
            if unseen >= BLIND_AFTER_SECONDS + self._interval_seconds:
                unanswered.append(Loss(what, reason, unseen))
        self._sight.regained(seen)
        self._sight.lost(Event.GROUP_FORBIDDEN, forbidden)
        self._sight.lost(Event.GROUP_UNANSWERED, unanswered)
