"""What a scenario is written with: topics, groups, time, and what is expected of the gauge."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from . import judge
from .gauge import PATIENCE_SECONDS, POLL_SECONDS, STATUS_FOR_SECONDS
from .members import Member

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from streamgauge_demo.parts.broker_java import JavaBroker

    from .gauge import Gauge
    from .record_of_truth import GroupHistory, Log, Span
    from .world import Group, Topic, World

TOLD_WITHIN_SECONDS = 3 * POLL_SECONDS + STATUS_FOR_SECONDS
SEEN_SECONDS = 20.0
SETTLE_SECONDS = 20.0
"""So long what was counted may need to be told: it is told when it is stored."""


@dataclass(frozen=True)
class Quiet:
    """For some time the group is to have one of these statuses."""

    start: float
    end: float
    allowed: frozenset[str]


@dataclass(frozen=True)
class Told:
    """Something happened to a group, and its status is to say so, and to go on saying so."""

    since: float
    until: float
    statuses: frozenset[str]
    within_seconds: float | None
    """None: how long it takes is told, but not judged."""
    says: tuple[str, ...]
    """Texts that the reason has to name."""


@dataclass(frozen=True)
class Foreseen:
    """A rate was constant, so that the forecast is known."""

    name: str
    since: float
    until: float
    limit: float | None


@dataclass(eq=False)
class Case:
    """A group as one stream of the gauge tells it, and what is expected of that."""

    stream: str
    history: GroupHistory
    log: Log
    """The topic, as it is at the end."""
    found_within_seconds: float = 0.0
    """How long after its first commit the gauge may need to know of it."""
    quiet: list[Quiet] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    foreseen: list[Foreseen] = field(default_factory=list)
    gaps: list[Span] = field(default_factory=list)
    """When the gauge could not see what the group passes."""

    def stays(self, start: float, end: float, *allowed: str) -> None:
        """Between two times it has no other status than these; without any, than OK."""
        self.quiet.append(Quiet(start, end, frozenset(allowed or {"OK"})))

    def tells(
        self,
        statuses: Collection[str],
        since: float,
        until: float,
        *,
        within_seconds: float | None = TOLD_WITHIN_SECONDS,
        says: tuple[str, ...] = (),
    ) -> None:
        """What happened at `since` is told within a limit, and from then until `until`."""
        self.told.append(Told(since, until, frozenset(statuses), within_seconds, says))

    def foresees(self, name: str, since: float, until: float, limit: float | None = None) -> None:
        """The forecast of this name is known while a rate is constant."""
        self.foreseen.append(Foreseen(name, since, until, limit))


class Stage:
    """Where one scenario plays: in its own topics and groups, beside all others.

    Attributes:
        world: the cluster, as clients see it.
        broker: its only node.
        streams: what the gauge has to watch, complete when the scenario awaits `begin`.
        cases: what is judged.
        away: when there was no broker: from its end until its next start, and until it answers.
        failed: why the scenario was not played to its end.
    """

    def __init__(self, name: str, world: World, broker: JavaBroker) -> None:
        self.name = name
        self.world = world
        self.broker = broker
        self.streams: dict[str, dict[str, Any]] = {}
        self.cases: list[Case] = []
        self.away: list[tuple[Span, float]] = []
        self.gauge: Gauge | None = None
        self.failed: Exception | None = None
        self.began = self.ended = 0.0
        self.prepared = asyncio.Event()
        self.raised = asyncio.Event()
        self._suffix = uuid4().hex[:6]

    def named(self, stem: str) -> str:
        """A name that no other scenario and no other run has."""
        return f"{stem}-{self.name}-{self._suffix}"

    async def topic(self, partitions: int = 1, *, compacted: bool = False, **config: str) -> Topic:
        """Create the scenario's topic; settings have `_` for `.`."""
        settings = {name.replace("_", "."): value for name, value in config.items()}
        name = self.named("topic")
        return await self.world.topic(name, partitions, settings, compacted=compacted)

    def group(self, stem: str = "group") -> Group:
        """A group without members."""
        return self.world.group(self.named(stem))

    def member(self, topic: Topic, stem: str = "members", protocol: str = "classic") -> Member:
        """A group with a member that lives."""
        return Member(self.world, self.named(stem), topic, protocol)

    def watch(
        self, topic: Topic, *groups: Group | Member, stream: str | None = None, **settings: object
    ) -> list[Case]:
        """Let the gauge watch groups, as one stream.

        Args:
            topic: what they read.
            groups: to be judged.
            stream: its name, if the scenario has several.
            settings: of the stream; None is the gauge's default.
        """
        name = stream or self.name
        own = {"topic": topic.name, "groups": [each.name for each in groups]}
        kept = {"state_group": f"streamgauge.{name}.{self._suffix}"}
        asset = {"asset_key": ["truth", name.replace("-", "_")]}
        judged = {"status_for": f"{STATUS_FOR_SECONDS:g}s"}
        entry = own | kept | asset | judged | settings
        self.streams[name] = {key: value for key, value in entry.items() if value is not None}
        cases = [Case(name, each.history, topic.log) for each in groups]
        self.cases += cases
        return cases

    async def begin(self) -> None:
        """Return when the gauge watches, and has seen the first commit of each group."""
        self.prepared.set()
        await self.raised.wait()
        self.began = time.time()
        for case in self.cases:
            if case.history.states:
                await self.seen(case)

    async def until(self, seconds: float) -> float:
        """Return so many seconds after the beginning, with the time."""
        await asyncio.sleep(max(0.0, self.began + seconds - time.time()))
        return time.time()

    async def every(self, seconds: float, until: float) -> AsyncIterator[float]:
        """Come by so often, until so many seconds after the beginning."""
        due = time.time()
        while due < self.began + until:
            await asyncio.sleep(max(0.0, due - time.time()))
            yield time.time()
            due += seconds

    async def produce(self, topic: Topic, per_second: float, until: float) -> None:
        """Write records at a rate, to all partitions in turn, until then."""
        turn = 0
        async for _ in self.every(1 / per_second, until):
            topic.send(partition=turn % topic.log.partitions)
            turn += 1
        await topic.flush()

    async def follow(
        self,
        topic: Topic,
        group: Group | Member,
        until: float,
        *,
        behind: int = 0,
        every: float = 0.25,
    ) -> None:
        """Let a group commit what is written until then, less some records."""
        async for _ in self.every(every, until):
            now = group.history.now
            ahead = {n: end - behind for n, end in topic.written.items()}
            moved = {n: end for n, end in ahead.items() if end > now.get(n, 0)}
            if moved:
                await group.commit(topic, moved)

    async def advance(
        self, topic: Topic, group: Group, per_second: float, until: float, every: float = 0.2
    ) -> None:
        """Let a group pass the records of partition 0 at a rate, not beyond the end, until then."""
        step = per_second * every
        reached = float(group.history.now[0])
        async for _ in self.every(every, until):
            reached = min(reached + step, topic.written[0])
            if int(reached) > group.history.now[0]:
                await group.commit(topic, {0: int(reached)})

    async def seen(self, case: Case) -> None:
        """Return when the gauge shows what a group has committed last."""
        until = time.monotonic() + SEEN_SECONDS
        while time.monotonic() < until:
            told = self.gauge.last.group(case.stream, case.history.name)
            parts = told.get("partitions", {})
            if all(
                parts.get(str(number), {}).get("committed_offset") == offset
                for number, offset in case.history.now.items()
            ):
                return
            await asyncio.sleep(0.05)
        raise RuntimeError(f"the gauge has not seen a commit of {case.history.name}")

    async def settle(self) -> None:
        """End the scenario, once everything that is to be counted is told or long overdue."""
        await asyncio.sleep(PATIENCE_SECONDS)
        until = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < until and not self._counted():
            await asyncio.sleep(0.5)
        self.ended = time.time()

    def _counted(self) -> bool:
        last = self.gauge.last
        return all(judge.is_counted(case, last) for case in self.cases)
