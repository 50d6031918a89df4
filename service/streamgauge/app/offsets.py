"""Asks for the committed offsets of a stream's groups, and then for the ends of its log."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from streamgauge.app.question import Question
from streamgauge.app.sight import Loss
from streamgauge.events import Event
from streamgauge.kafka.answers import Forbidden, Retry
from streamgauge.kafka.errors import KafkaAccessError
from streamgauge.model import CommittedOffsets, LogOffsets

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from streamgauge.app.context import StreamContext

    Answer = CommittedOffsets | Retry | Forbidden

ANSWER_SECONDS: Final = 5.0
"""An answer that takes longer does not count."""
BLIND_AFTER_SECONDS: Final = 5.0
"""Beyond the poll interval: a group without an answer for so long is out of sight."""
_LATE: Final = Retry(f"there was no answer within {ANSWER_SECONDS:g} s")


class OffsetsPoll:
    """Keeps a gauge informed of consumer groups. One missing answer never means "no commits"."""

    def __init__(self, context: StreamContext, interval_ms: int) -> None:
        self._gauge = context.gauge
        self._cluster = context.cluster
        self._isolation_level = context.isolation_level
        self._sight = context.sight
        self._topic = context.gauge.policy.topic
        self._interval_seconds = interval_ms / 1000
        self._committed: dict[str, Question[Answer]] = {}
        self._ends: Question[LogOffsets | Retry] = Question()
        self._answered_seconds: dict[str, float] = {}

    async def run(self) -> None:
        """Poll until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                begun = loop.time()
                await self.poll()
                spent = loop.time() - begun
                await asyncio.sleep(max(0.0, self._interval_seconds - spent))
        finally:
            self._ends.close()
            for question in self._committed.values():
                question.close()

    async def poll(self) -> None:
        """One round: committed offsets, and after them the ends of the log."""
        partitions = self._gauge.positions(self._topic)
        groups = self._gauge.watched
        if not partitions or not groups:
            return
        for group in groups:
            self._answered_seconds.setdefault(group, asyncio.get_running_loop().time())
        asked = await asyncio.gather(*(self._ask_group(group, partitions) for group in groups))
        answers = dict(zip(groups, asked, strict=True))
        committed = [each for each in asked if isinstance(each, CommittedOffsets)]
        log: LogOffsets | Retry = _LATE
        if committed:
            log = await self._ends.ask(lambda: self._log_offsets(partitions), ANSWER_SECONDS) or log
        if isinstance(log, LogOffsets):
            self._gauge.offsets(committed, log)
        self._judge_sight(answers, log)

    async def _ask_group(self, group: str, partitions: Collection[int]) -> Answer:
        async def ask() -> Answer:
            try:
                return await self._cluster.committed(group, self._topic, partitions)
            except KafkaAccessError as error:
                return Retry(str(error))

        question = self._committed.setdefault(group, Question())
        return await question.ask(ask, ANSWER_SECONDS) or _LATE

    async def _log_offsets(self, partitions: Collection[int]) -> LogOffsets | Retry:
        try:
            return await self._cluster.log_offsets(self._topic, partitions, self._isolation_level)
        except KafkaAccessError as error:
            return Retry(str(error))

    def _judge_sight(self, answers: Mapping[str, Answer], log: LogOffsets | Retry) -> None:
        """A group is seen only if the ends of the log were told after its committed offsets."""
        now_seconds = asyncio.get_running_loop().time()
        seen, forbidden, unanswered = [], [], []
        for group, answer in answers.items():
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
            unseen = now_seconds - self._answered_seconds[group]
            if unseen >= BLIND_AFTER_SECONDS + self._interval_seconds:
                unanswered.append(Loss(what, reason, unseen))
        self._sight.regained(seen)
        self._sight.lost(Event.GROUP_FORBIDDEN, forbidden)
        self._sight.lost(Event.GROUP_UNANSWERED, unanswered)
