"""Finds the consumer groups that patterns mean, as far as they commit on the stream's topic."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from streamgauge.app.sight import Loss
from streamgauge.core.lag import is_pattern, matching
from streamgauge.events import Event, write
from streamgauge.kafka.errors import KafkaAccessError
from streamgauge.model import CommittedOffsets

if TYPE_CHECKING:
    from collections.abc import Collection

    from streamgauge.app.context import StreamContext
    from streamgauge.kafka.groups import Groups

LIST_EVERY_SECONDS: Final = 10.0
"""How often the groups of the cluster are listed."""
BLIND_AFTER_SECONDS: Final = 15.0
"""Without a listing for so long, what patterns mean is out of sight."""
GROUPS_MAX: Final = 1_000
"""Consumer groups that one stream follows at most."""
ROWS_MAX: Final = 100_000
"""Groups times partitions, beyond the first hundred groups."""
ASKED_MAX: Final = 200
"""Groups asked after one listing at most; the others have their turn after the next ones."""
ASKED_AT_ONCE: Final = 8


class GroupSearch:
    """Lets a gauge watch the groups that its patterns mean, once they have committed something.

    The groups of a cluster may be many more than those of the topic, so they are asked in turn,
    those first that were never asked.
    """

    def __init__(self, context: StreamContext) -> None:
        self._gauge = context.gauge
        self._cluster = context.cluster
        self._sight = context.sight
        self._log = context.log
        self._now_ms = context.now_ms
        self._topic = context.gauge.policy.topic
        self._patterns = [group for group in context.gauge.policy.groups if is_pattern(group)]
        self._whats = [f"group {pattern}" for pattern in self._patterns]
        for what in self._whats:
            self._gauge.blinded(what, "no broker has listed any group yet", context.now_ms())
        self._listed_seconds: float | None = None
        self._asked_seconds: dict[str, float] = {}
        self._told_unsupported: set[str] = set()
        self._found: set[str] = set()
        """Groups that are watched because a pattern means them."""
        self._told_beyond = False

    async def run(self) -> None:
        """Search until cancelled."""
        while True:
            await self.search()
            await asyncio.sleep(LIST_EVERY_SECONDS)

    async def search(self) -> None:
        """List the groups once, and ask some of those that are not watched yet."""
        groups = await self._list()
        partitions = self._gauge.positions(self._topic)
        if groups is None or not partitions:
            return
        self._tell_unsupported(groups)
        self._gauge.members_live(groups.occupied, self._now_ms())
        await self._let_go(groups, partitions)
        turn = self._next_turn(groups)
        for position in range(0, len(turn), ASKED_AT_ONCE):
            some = turn[position : position + ASKED_AT_ONCE]
            now_seconds = asyncio.get_running_loop().time()
            self._asked_seconds |= dict.fromkeys(some, now_seconds)
            asked = (self._has_committed(group, partitions) for group in some)
            answers = dict(zip(some, await asyncio.gather(*asked), strict=True))
            self._watch([group for group, yes in answers.items() if yes], len(partitions))
            if self._told_beyond or None in answers.values():
                return  # no room, or a broker in trouble: then the next listing goes on

    async def _list(self) -> Groups | None:
        now_seconds = asyncio.get_running_loop().time()
        if self._listed_seconds is None:
            self._listed_seconds = now_seconds
        try:
            groups = await self._cluster.groups()
        except KafkaAccessError as error:
            unseen = now_seconds - self._listed_seconds
            if unseen >= BLIND_AFTER_SECONDS:
                reason = f"groups are not listed: {error}"
                losses = [Loss(what, reason, unseen) for what in self._whats]
                self._sight.lost(Event.GROUP_UNANSWERED, losses)
            return None
        self._listed_seconds = now_seconds
        if groups is not None:
            self._sight.regained(self._whats)
        return groups

    def _tell_unsupported(self, groups: Groups) -> None:
        meant = {
            group
            for configured in self._gauge.policy.groups
            for group in matching(configured, groups.unsupported)
        }
        for group in sorted(meant - self._told_unsupported):
            write(self._log, Event.GROUP_UNSUPPORTED, group=group)
        self._told_unsupported |= meant

    async def _let_go(self, groups: Groups, partitions: Collection[int]) -> None:
        """Found groups that are no longer there: a listing believes that only after a minute.

        A group that may not be described is not listed either: it stays, and out of sight.
        """
        gone = []
        for group in sorted(self._found.difference(groups.followed)):
            if await self._committed_nothing(group, partitions):
                gone.append(group)
                write(self._log, Event.GROUP_GONE, group=group)
        if gone:
            self._gauge.unwatch(gone)
            self._sight.forget([f"group {group}" for group in gone])
            self._found.difference_update(gone)
            self._told_beyond = False

    def _next_turn(self, groups: Groups) -> list[str]:
        """Those that patterns mean and nobody watches, the longest not asked first."""
        if self._told_beyond:
            return []
        meant = {group for each in self._patterns for group in matching(each, groups.followed)}
        self._asked_seconds = {
            group: self._asked_seconds.get(group, 0.0)
            for group in sorted(meant.difference(self._gauge.watched))
        }
        return sorted(self._asked_seconds, key=self._asked_seconds.__getitem__)[:ASKED_MAX]

    async def _committed_nothing(self, group: str, partitions: Collection[int]) -> bool:
        """Whether its coordinator says so; no answer, or a refusal, says nothing."""
        with contextlib.suppress(KafkaAccessError):
            answer = await self._cluster.committed(group, self._topic, partitions)
            if isinstance(answer, CommittedOffsets):
                return all(offset is None for offset in answer.offsets.values())
        return False

    async def _has_committed(self, group: str, partitions: Collection[int]) -> bool | None:
        """None if no broker could be asked."""
        try:
            answer = await self._cluster.committed(group, self._topic, partitions)
        except KafkaAccessError:
            return None
        if not isinstance(answer, CommittedOffsets):
            return False
        return any(offset is not None for offset in answer.offsets.values())

    def _watch(self, found: list[str], partitions: int) -> None:
        limit = min(GROUPS_MAX, max(100, ROWS_MAX // partitions))
        room = max(0, limit - len(self._gauge.watched))
        self._found.update(set(found[:room]).difference(self._gauge.watched))
        self._gauge.watch(found[:room])
        if found[room:]:
            self._told_beyond = True
            write(self._log, Event.GROUPS_BEYOND_LIMIT, limit=limit, group=found[room])
