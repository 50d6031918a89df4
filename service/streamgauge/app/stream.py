"""One stream at work: its topics are tailed, its groups polled, and every tick is told."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import structlog

from streamgauge.app.context import StreamContext, new_life
from streamgauge.app.giving_way import GivingWay
from streamgauge.app.keeper import Keeper
from streamgauge.app.lasting import lasting
from streamgauge.app.letter_origins import LetterOrigins
from streamgauge.app.offsets import OffsetsPoll
from streamgauge.app.refill import Refill
from streamgauge.app.retention import RetentionWatch
from streamgauge.app.search import GroupSearch
from streamgauge.app.sight import Sight
from streamgauge.app.topic import Follower, TopicWatch
from streamgauge.core.columns import RecordReader
from streamgauge.core.dead_letters.letters import DeadLetterReader
from streamgauge.core.dead_letters.rules import ReadingRules
from streamgauge.core.gauge import StreamGauge
from streamgauge.events import Event, write
from streamgauge.kafka.fetching import TailSettings
from streamgauge.kafka.membership import Membership
from streamgauge.model import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from streamgauge.app.sinks import Sinks
    from streamgauge.core.event_time import EventTimeRule
    from streamgauge.core.first_sightings import FirstSightings
    from streamgauge.core.gauge import StreamPolicy
    from streamgauge.core.ledger import LedgerBudget
    from streamgauge.core.snapshot import Verdict
    from streamgauge.core.taking_over import ToldPosition
    from streamgauge.core.totals import ArrivalAges
    from streamgauge.dagster.standings import LastStanding
    from streamgauge.kafka.cluster import Cluster, IsolationLevel
    from streamgauge.kafka.fetching import Fetching
    from streamgauge.kafka.start import StartFrom
    from streamgauge.model import Columns

TICK_MS: Final = 1_000
"""Checks are judged and snapshots told this often, and at once after a dead letter."""
LOOK_FIRST_SECONDS: Final = 3.0
"""At most so long after the start nothing is told yet, because nothing is seen yet."""
JOIN_FIRST_SECONDS: Final = 9.0
"""Before that the group is joined: a process that was killed holds it until its session ends."""
LEAST_TICK_SECONDS: Final = 0.05
"""So often at most, however many dead letters come."""
RESUME_SECONDS: Final = 3.0
"""How long the last standings of the checks are waited for."""
RESUME_WITHIN_MS: Final = 60_000
"""For so long nobody may have judged, if a standing is to go on as if it had not been broken."""
STALLED_AFTER_SECONDS: Final = 15.0
"""Beyond the wait of a fetch: a tail that nobody has answered for so long is built anew."""


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How a stream is read."""

    isolation_level: IsolationLevel
    start_from: StartFrom
    event_time: Sequence[EventTimeRule]
    fetching: Fetching
    dead_letter_fetching: Fetching
    poll_interval_ms: int
    state_group: str | None = None
    """Consumer group whose commits keep the state; None keeps it in memory alone."""
    dead_letters: Mapping[str, ReadingRules] = field(default_factory=dict)
    """How the records of the dead letter topics are read, by topic."""
    sightings: Mapping[str, FirstSightings] = field(default_factory=dict)
    """Trace ids that were seen first on other streams, by stream."""
    own_sightings: FirstSightings | None = None
    """Remembers those of this stream; None if nobody asks for them."""
    ledger_budget: LedgerBudget | None = None
    """Room for event times that all streams of the process share; None gives it room of its own."""


class StreamWatch:
    """One stream, from its first assignment to its last tick."""

    def __init__(
        self,
        policy: StreamPolicy,
        settings: StreamSettings,
        cluster: Cluster,
        sinks: Sinks,
        now_ms: Callable[[], int],
    ) -> None:
        self._policy = policy
        self._sinks = sinks
        self._now_ms = now_ms
        self._log = structlog.get_logger("streamgauge.app").bind(stream=policy.name)
        kept = settings.state_group is not None
        self._gauge = StreamGauge(
            policy,
            new_life(),
            now_ms(),
            kept=kept,
            budget=settings.ledger_budget,
            sightings=settings.own_sightings,
        )
        self._wake = asyncio.Event()
        self._ticked = False
        self._giving_way = GivingWay(self._gauge, now_ms)
        context = StreamContext(
            gauge=self._gauge,
            cluster=cluster,
            isolation_level=settings.isolation_level,
            sight=Sight(self._gauge, self._log, now_ms, self._wake.set),
            log=self._log,
            now_ms=now_ms,
        )
        self._keeper = self._keeper_of(settings.state_group, context)
        context = replace(context, keeper=self._keeper)
        reader = RecordReader(settings.event_time, settings.sightings)
        readers = dict.fromkeys([policy.topic], reader) | {
            each.topic: DeadLetterReader(
                settings.event_time,
                settings.dead_letters.get(each.topic, ReadingRules()),
                settings.sightings,
            )
            for each in policy.dead_letters
        }
        refill = Refill(context, reader, _tail_settings(policy.topic, settings, settings.fetching))
        fetching = {policy.topic: settings.fetching} | {
            each.topic: settings.dead_letter_fetching for each in policy.dead_letters
        }
        self._topics = {
            topic: TopicWatch(
                context,
                readers[topic],
                _tail_settings(topic, settings, how),
                settings.start_from,
                Follower(
                    self._folded,
                    self._assigned,
                    self._waiting,
                    refill.run if topic == policy.topic else self._giving_way.before_poll,
                ),
            )
            for topic, how in fetching.items()
        }
        self._offsets = OffsetsPoll(
            context, settings.poll_interval_ms, reader, refill, self._wake.set
        )
        self._search = GroupSearch(context)
        self._origins = LetterOrigins(context, reader)
        self._retention = RetentionWatch(context)
        self._levels: dict[tuple[tuple[str, ...], str], Level] = {}

    def _keeper_of(self, group: str | None, context: StreamContext) -> Keeper | None:
        if group is None:
            return None
        topics = (self._policy.topic, *(each.topic for each in self._policy.dead_letters))
        membership = Membership(context.cluster.connection, group, topics)
        slots = context.cluster.slots()
        return Keeper(context, membership, slots, new_life(), self._last_told)

    async def _last_told(self) -> Mapping[tuple[str, int], ToldPosition] | None:
        """The positions of the last report of each topic that Dagster has; None if it is away."""
        assets = {self._policy.topic: self._policy.asset_key} | {
            each.topic: each.asset_key for each in self._policy.dead_letters
        }
        return await self._sinks.last_positions(self._policy.name, assets)

    async def run(self) -> None:
        """Watch until cancelled."""
        works = {"ticking": self._keep_ticking()}
        if self._keeper is not None:
            works["keeping state"] = self._keeper.run()
        for topic, watch in self._topics.items():
            works[f"tailing {topic}"] = watch.run()
        if self._policy.groups:
            works |= {
                "polling groups": self._offsets.run(),
                "finding groups": self._search.run(),
                "learning retention": self._retention.run(),
            }
        if self._policy.dead_letters:
            works["looking for origins"] = self._origins.run()
        async with asyncio.TaskGroup() as tasks:
            for name, work in works.items():
                tasks.create_task(lasting(f"{name} of stream {self._policy.name}", work))

    async def store_last(self, seconds: float) -> None:
        """Store what was counted last, within this time; call it when nothing is counted more."""
        if self._keeper is not None:
            await self._keeper.store_last(seconds)

    def tell_last(self) -> None:
        """Tell the sinks once more, unless nothing was told yet: a start alone is no alarm."""
        if self._ticked and not self._stands_by:
            self._tick()

    @property
    def _stands_by(self) -> bool:
        """Whether another process counts."""
        return self._keeper is not None and self._keeper.stands_by

    def _tick(self) -> None:
        """Judge the checks, cut a window if it has ended, and tell the sinks."""
        self._ticked = True
        life, _ = self._gauge.life
        if self._keeper is not None and self._sinks.is_ahead(self._policy.name, life):
            self._keeper.end_life()
        told = self._gauge.tick(self._now_ms())
        for verdict in told.changed:
            self._tell(verdict)
        if told.window is not None:
            write(
                self._log,
                Event.WINDOW_CLOSED,
                start_ms=told.window.start_ms,
                end_ms=told.window.end_ms,
                records=told.window.totals.records,
                dead_letters=told.window.totals.dead_letters,
            )
        self._sinks.publish(told.snapshot)

    def _tell(self, verdict: Verdict) -> None:
        """A check that passes from the beginning is no event."""
        key = (verdict.asset_key, verdict.check)
        before, self._levels[key] = self._levels.get(key), verdict.level
        if before is None and verdict.level is Level.PASS:
            return
        write(
            self._log,
            Event.CHECK_CHANGED,
            check=verdict.check,
            asset="/".join(verdict.asset_key),
            standing=verdict.level.value,
            before=before and before.value,
            reason=verdict.reason,
        )

    async def _keep_ticking(self) -> None:
        loop = asyncio.get_running_loop()
        await self._look_first()
        while True:
            if await self._stood_by() or not self._ticked:
                await self._resume_checks()
                if self._stands_by:
                    continue  # it has counted for a moment only
            self._wake.clear()
            self._tick()
            ticked = loop.time()
            until_window_ms = self._gauge.next_window_end_ms - self._now_ms()
            holds_ms = self._gauge.answers_hold_ms(self._now_ms())
            pause_ms = min(TICK_MS, max(1, until_window_ms), holds_ms)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_ms / 1000):
                    await self._wake.wait()
                    await asyncio.sleep(LEAST_TICK_SECONDS - (loop.time() - ticked))

    async def _stood_by(self) -> bool:
        """While another process counts this one is ready, and tells nothing; whether one did."""
        if self._keeper is None or not self._stands_by:
            return False
        self._sinks.web.set_ready(self._policy.name)
        self._sinks.withdraw(self._policy.name)
        await self._keeper.may_count()
        self._gauge.forget_checks()
        return True

    async def _resume_checks(self) -> None:
        """Judge on from what was told before, if it was told a moment ago: no alarm begins anew.

        What lies further back is not known to have lasted, so that it is judged anew.
        """
        last: Mapping[tuple[tuple[str, ...], str], LastStanding] = {}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RESUME_SECONDS):
                last = await self._sinks.last_standings(self._policy.name, self._gauge.checks)
        told_ms = max((each.as_of_ms for each in last.values()), default=0)
        alive_ms = max(told_ms, self._gauge.restored_ms or 0)
        if self._now_ms() - alive_ms <= RESUME_WITHIN_MS:
            self._gauge.resume_checks({key: each.standing for key, each in last.items()})

    async def _look_first(self) -> None:
        """Wait until everything is seen, but not for long: a start alone is no alarm."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(JOIN_FIRST_SECONDS):
                if self._keeper is not None:
                    await self._keeper.may_count()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_FIRST_SECONDS):
                while not self._gauge.sees_all(self._now_ms()):  # noqa: ASYNC110 - no such event
                    await asyncio.sleep(LEAST_TICK_SECONDS)

    def _folded(self, columns: Columns, ages: ArrivalAges | None) -> None:
        self._sinks.show_traces(self._policy.name, self._gauge.shown(columns), ages)
        self._giving_way.read(len(columns.letters))
        if ages is None and len(columns.offsets):
            if self._keeper is None:
                self._wake.set()
            else:
                self._keeper.wake(self._wake.set)

    def _assigned(self, topic: str) -> None:
        """A dead letter topic is often created by its first dead letter: nobody waits for that."""
        if topic == self._policy.topic:
            self._sinks.web.set_ready(self._policy.name)

    def _waiting(self, topic: str, reason: str) -> None:
        if topic == self._policy.topic:
            self._sinks.web.set_waiting(self._policy.name, reason)


def _tail_settings(topic: str, settings: StreamSettings, fetching: Fetching) -> TailSettings:
    return TailSettings(
        topic=topic,
        isolation_level=settings.isolation_level,
        fetching=fetching,
        patience_seconds=STALLED_AFTER_SECONDS + fetching.max_wait_ms / 1000,
    )
