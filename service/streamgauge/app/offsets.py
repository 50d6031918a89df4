"""Asks for the committed offsets of a stream's groups, and then for the ends of its log."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from streamgauge.core.lag import is_pattern, matching
from streamgauge.events import Event, write
from streamgauge.kafka.answers import Forbidden, Retry
from streamgauge.kafka.errors import KafkaAccessError
from streamgauge.model import CommittedOffsets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamgauge.app.context import StreamContext

GROUPS_MAX: Final = 100
"""Consumer groups that one stream follows at most."""
LIST_EVERY_MS: Final = 10_000
"""How often groups are listed to find those that patterns mean."""
BLIND_AFTER_MS: Final = 5_000
"""An unanswered group is out of sight after this time; until then its last answer stands."""
AT_ONCE: Final = 16
"""Groups asked for at the same time."""


class OffsetsPoll:
    """Keeps a gauge informed of consumer groups. One missing answer never means "no commits"."""

    def __init__(self, context: StreamContext, interval_ms: int) -> None:
        self._gauge = context.gauge
        self._cluster = context.cluster
        self._isolation_level = context.isolation_level
        self._sight = context.sight
        self._log = context.log
        self._now_ms = context.now_ms
        self._interval_ms = interval_ms
        self._patterns = [group for group in self._gauge.policy.groups if is_pattern(group)]
        self._listed_ms: int | None = None
        self._answered_ms: dict[str, int] = {}
        self._told_unsupported: set[str] = set()
        self._told_beyond: frozenset[str] = frozenset()
        self._begun_ms = context.now_ms()

    async def run(self) -> None:
        """Poll until cancelled."""
        if not self._gauge.policy.groups:
            return
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            await self.poll()
            spent = loop.time() - begun
            await asyncio.sleep(max(0.0, self._interval_ms / 1000 - spent))

    async def poll(self) -> None:
        """One round: groups found by patterns, committed offsets, then the ends of the log."""
        partitions = self._gauge.positions(self._gauge.policy.topic)
        if not partitions:
            return
        candidates = await self._candidates()
        slots = asyncio.Semaphore(AT_ONCE)

        async def ask(group: str) -> CommittedOffsets | None:
            async with slots:
                return await self._committed(group, partitions)

        answers = await asyncio.gather(*map(ask, [*self._gauge.watched, *candidates]))
        committed = [answer for answer in answers if answer is not None]
        self._follow(answer for answer in committed if answer.group in candidates)
        log = None
        try:
            log = await self._cluster.log_offsets(
                self._gauge.policy.topic, partitions, self._isolation_level
            )
        except KafkaAccessError:
            # the tail of the same topic tells that brokers are away; lag keeps its last answer
            committed = []
        watched = set(self._gauge.watched)
        self._gauge.offsets((answer for answer in committed if answer.group in watched), log)

    async def _committed(self, group: str, partitions: Iterable[int]) -> CommittedOffsets | None:
        try:
            answer = await self._cluster.committed(
                group, self._gauge.policy.topic, list(partitions)
            )
        except KafkaAccessError as error:
            answer = Retry(str(error))
        what = f"group {group}"
        if isinstance(answer, CommittedOffsets):
            self._answered_ms[group] = answer.seen_at_ms
            self._sight.regained(what)
            return answer
        if group not in self._gauge.watched:
            return None
        if isinstance(answer, Forbidden):
            reason = f"the right {answer.right} is missing; grant it"
            self._sight.lost(what, Event.GROUP_FORBIDDEN, reason)
        elif self._now_ms() - self._answered_ms.get(group, self._begun_ms) > BLIND_AFTER_MS:
            reason = f"its committed offsets are not told: {answer.reason}"
            self._sight.lost(what, Event.GROUP_UNANSWERED, reason)
        return None

    async def _candidates(self) -> list[str]:
        """Groups that a pattern means and that are not watched yet."""
        now_ms, before_ms = self._now_ms(), self._listed_ms
        just_listed = before_ms is not None and 0 <= now_ms - before_ms < LIST_EVERY_MS
        if not self._patterns or just_listed:
            return []
        self._listed_ms = now_ms
        try:
            groups = await self._cluster.groups()
        except KafkaAccessError:
            return []
        if groups is None:
            return []
        for pattern in self._patterns:
            for group in set(matching(pattern, groups.unsupported)) - self._told_unsupported:
                self._told_unsupported.add(group)
                write(self._log, Event.GROUP_UNSUPPORTED, group=group, pattern=pattern)
        found = {g for pattern in self._patterns for g in matching(pattern, groups.followed)}
        return sorted(found - set(self._gauge.watched))

    def _follow(self, answers: Iterable[CommittedOffsets]) -> None:
        """Watch those of the groups found that have committed on this topic."""
        found = [a.group for a in answers if any(o is not None for o in a.offsets.values())]
        room = max(0, GROUPS_MAX - len(self._gauge.watched))
        self._gauge.watch(found[:room])
        beyond = frozenset(found[room:])
        if beyond - self._told_beyond:
            write(self._log, Event.GROUPS_BEYOND_LIMIT, limit=GROUPS_MAX, left_out=len(beyond))
        self._told_beyond = beyond
