"""The sink: keeps Dagster told of the newest snapshot of every stream, and queues nothing."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from streamgauge.core.taking_over import ToldPosition
from streamgauge.dagster.contact import Contact
from streamgauge.dagster.graphql import LastReported
from streamgauge.dagster.lane import Delivery, Lane
from streamgauge.dagster.materializations import Materializations
from streamgauge.dagster.outcome import Accepted, Ambiguous, Trouble
from streamgauge.dagster.payloads import check_evaluation
from streamgauge.dagster.preflight import Preflight
from streamgauge.dagster.report_sending import ReportSending
from streamgauge.dagster.reported_asset import ReportedAsset
from streamgauge.dagster.reported_checks import ReportedChecks, Told
from streamgauge.dagster.resumed import resumed_report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from streamgauge.core.snapshot import Snapshot, Verdict
    from streamgauge.dagster.client import DagsterClient
    from streamgauge.dagster.graphql import AssetKey
    from streamgauge.dagster.outcome import Outcome
    from streamgauge.dagster.standings import LastStanding
    from streamgauge.model import SinkHealth

LOOK_EVERY_SECONDS: Final = 1.0
"""How often it is looked whether a report period has passed."""


class DagsterSink:
    """Two lanes, one for checks and one for everything else, so that neither waits for the other.

    An evaluation goes out as soon as its level differs from the one that Dagster has; everything
    goes out once every report period, spread over it where it is much. After an outage the next
    report covers all the time since the one that was acknowledged last.
    """

    def __init__(
        self,
        client: DagsterClient,
        *,
        report_every_ms: int,
        clock: Callable[[], int],
        materialized: frozenset[str] = frozenset(),
    ) -> None:
        """Prepare, without connecting.

        Args:
            client: is closed by `flush`.
            report_every_ms: the report period.
            clock: milliseconds since the epoch, for what health says.
            materialized: streams whose new records are told as materializations too.
        """
        self._client = client
        self._every_seconds = report_every_ms / 1000
        log = structlog.get_logger("streamgauge.dagster").bind(base_url=client.base_url)
        self._contact = Contact(log, clock)
        self._preflight = Preflight(client, log, every_seconds=self._every_seconds)
        self._materializations = Materializations(
            client, materialized, self._contact, self._materialized
        )
        self._sending = ReportSending(client, self._contact, self._materializations)
        self._snapshots: dict[str, Snapshot] = {}
        self._assets: dict[tuple[str, AssetKey], ReportedAsset] = {}
        self._reported_checks = ReportedChecks()
        self._stopping = False
        lane = partial(
            Lane,
            contact=self._contact,
            look_every_seconds=min(LOOK_EVERY_SECONDS, self._every_seconds),
            period_seconds=self._every_seconds,
        )
        self._checks = lane("checks", self._due_checks)
        self._reports = lane("reports", self._due_reports)
        self._working: list[asyncio.Task[None]] = []

    def publish(self, snapshot: Snapshot) -> None:
        """Take the newest snapshot of a stream; call it on the event loop. It never waits."""
        self._snapshots[snapshot.stream] = snapshot
        self._asset(snapshot.stream, snapshot.asset_key, None).offer(snapshot)
        for view in snapshot.dead_letters:
            self._asset(snapshot.stream, view.asset_key, view.topic).offer(snapshot)
        self._checks.wake()
        self._reports.wake()

    def withdraw(self, stream: str) -> None:
        """Tell nothing more of what was published of a stream."""
        self._snapshots.pop(stream, None)
        self._reported_checks.forget(stream)
        self._materializations.forget(stream)
        for (of, _), asset in self._assets.items():
            if of == stream:
                asset.withdraw()

    async def last_positions(
        self, stream: str, assets: Mapping[str, AssetKey]
    ) -> dict[tuple[str, int], ToldPosition] | None:
        """By topic and partition how far the last reports had come; None if Dagster is away."""
        found = {}
        for topic, asset_key in assets.items():
            last = await self._client.last_reported(asset_key, stream)
            if isinstance(last, Trouble):
                return None
            told = resumed_report(last, asset_key) if isinstance(last, LastReported) else None
            if told is None:
                continue
            for position in told.positions:
                found[topic, position.partition] = ToldPosition(
                    told.life, position.next_offset, told.topic_id
                )
        return found

    async def last_standings(
        self, stream: str, checks: Sequence[tuple[AssetKey, str]]
    ) -> Mapping[tuple[AssetKey, str], LastStanding] | None:
        """The standing of each check as it was told last; None if Dagster does not say."""
        found = await self._client.last_standings(checks, stream)
        return found if isinstance(found, dict) else None

    def is_ahead(self, stream: str, life: str) -> bool:
        """Whether Dagster has a report of this life that tells more than was stored of it."""
        return any(
            asset.ahead_of == life for (of, _), asset in self._assets.items() if of == stream
        )

    async def run(self) -> None:
        """Deliver until cancelled, or until `flush` takes over."""
        async with asyncio.TaskGroup() as lanes:
            self._working = [
                lanes.create_task(self._checks.work()),
                lanes.create_task(self._reports.work()),
            ]

    async def flush(self, deadline_seconds: float) -> None:
        """Tell what is not yet told of the newest snapshots, then close the client.

        It ends within the deadline whatever the server does. Nothing is delivered afterwards.
        """
        self._stopping = True
        for task in self._working:
            task.cancel()
        try:
            async with asyncio.timeout(deadline_seconds):
                await asyncio.gather(*self._working, return_exceptions=True)
                async with asyncio.TaskGroup() as lanes:
                    lanes.create_task(self._checks.drain())
                    lanes.create_task(self._reports.drain())
                await self._checks.drain()  # of what was materialized last
        except TimeoutError:
            self._contact.untold(len(self._due_checks()) + len(self._due_reports()))
        finally:
            await self._client.close()

    def health(self) -> SinkHealth:
        """How telling goes, counted in reports and evaluations."""
        return self._contact.health(sum(asset.lives_untold for asset in self._assets.values()))

    def _asset(self, stream: str, asset_key: AssetKey, topic: str | None) -> ReportedAsset:
        return self._assets.setdefault((stream, asset_key), ReportedAsset(stream, topic))

    def _due_checks(self) -> list[Delivery]:
        due = self._reported_checks.due(
            self._snapshots.values(), _now_seconds(), self._period_seconds()
        )
        return [
            Delivery(
                f"check {verdict.check} of {'/'.join(verdict.asset_key)} by {snapshot.stream}",
                partial(self._send_check, verdict, snapshot),
                urgent=self._reported_checks.is_urgent(verdict, snapshot),
            )
            for verdict, snapshot in due
        ]

    def _due_reports(self) -> list[Delivery]:
        """What was told longest ago comes first."""
        now_seconds, every_seconds = _now_seconds(), self._period_seconds()
        due = [
            (
                asset.told_seconds or 0.0,
                Delivery(
                    f"observation of {'/'.join(asset_key)} by {stream}",
                    partial(self._sending.send, asset_key, asset),
                ),
            )
            for (stream, asset_key), asset in self._assets.items()
            if asset.is_due(now_seconds, every_seconds)
        ]
        snapshots = self._snapshots.values()
        if not self._stopping and self._preflight.is_due(snapshots, now_seconds):
            look = partial(self._preflight.look, snapshots, now_seconds)
            asking = Delivery("definitions", look, only_asks=True)
            due.append((self._preflight.asked_seconds or 0.0, asking))
        due.sort(key=lambda each: each[0])
        return [delivery for _, delivery in due]

    def _period_seconds(self) -> float:
        """The last reports do not wait for the end of their period."""
        return 0.0 if self._stopping else self._every_seconds

    async def _send_check(self, verdict: Verdict, snapshot: Snapshot) -> Outcome:
        payload = check_evaluation(verdict, snapshot)
        told = Told(verdict.level, snapshot.as_of_ms, _now_seconds())
        before = self._reported_checks.begin(verdict, snapshot)
        outcome = await self._client.report_check(payload.body)
        if isinstance(outcome, Accepted):
            self._reported_checks.keep(verdict, snapshot, told)
            self._contact.delivered(payload.left_out)
        elif not isinstance(outcome, Ambiguous):
            self._reported_checks.keep(verdict, snapshot, before)
        return outcome

    def _materialized(self, asset_key: AssetKey) -> None:
        self._reported_checks.materialized(asset_key, _now_seconds())
        self._checks.wake()


def _now_seconds() -> float:
    return asyncio.get_running_loop().time()
