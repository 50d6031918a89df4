"""The places to which everything is told, as one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from streamgauge.app.exports import ExportWatch
from streamgauge.app.lasting import lasting
from streamgauge.core.traced import ages_of, exemplar_rows, shown_rows, spread, traced_records
from streamgauge.events import Event, write
from streamgauge.log import tell_suppressed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamgauge.core.snapshot import Snapshot
    from streamgauge.core.taking_over import ToldPosition
    from streamgauge.core.totals import ArrivalAges
    from streamgauge.dagster.delivery import DagsterSink
    from streamgauge.dagster.standings import LastStanding
    from streamgauge.model import Columns, SinkHealth
    from streamgauge.otlp.sink import OtlpSink
    from streamgauge.web.server import WebServer


LOOK_SECONDS: Final = 1.0
"""How often the exports are looked after, and suppressed log lines told."""


@dataclass(frozen=True, slots=True)
class Sinks:
    """What of these is configured is told; none of them ever waits for another."""

    web: WebServer
    otlp: OtlpSink | None
    dagster: DagsterSink | None

    async def start(self) -> None:
        """Be ready to be told something.

        Raises:
            ListenError: if the web server cannot listen.
            OtlpConfigurationError: if the SDK refuses an OTEL_* variable.
        """
        log = structlog.get_logger("streamgauge.app")
        if self.otlp is not None:
            for fact in self.otlp.facts:
                write(log, Event.OTLP_VARIABLE, fact=fact)
            self.otlp.start()
        await self.web.start()
        write(log, Event.WEB_LISTENING, address=self.web.address)

    async def run(self) -> None:
        """Deliver until cancelled; ends by itself only when something broke."""
        works = {"the web server": self.web.wait(), "looking after exports": self._look_after()}
        if self.dagster is not None:
            works["telling Dagster"] = self.dagster.run()
        async with asyncio.TaskGroup() as tasks:
            for name, work in works.items():
                tasks.create_task(lasting(name, work))

    async def _look_after(self) -> None:
        exports = ExportWatch(structlog.get_logger("streamgauge.app"))
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            exports.look(() if self.otlp is None else self.otlp.health())
            tell_suppressed()

    async def last_positions(
        self, stream: str, assets: Mapping[str, tuple[str, ...]]
    ) -> Mapping[tuple[str, int], ToldPosition] | None:
        """How far the last reports had come, by topic and partition; None if nobody answers.

        Args:
            stream: that reported.
            assets: asset key by topic.
        """
        if self.dagster is None:
            return {}
        return await self.dagster.last_positions(stream, assets)

    async def last_standings(
        self, stream: str, checks: Sequence[tuple[tuple[str, ...], str]]
    ) -> Mapping[tuple[tuple[str, ...], str], LastStanding]:
        """What checks said last, and as of when; empty if nobody knows."""
        if self.dagster is None:
            return {}
        return await self.dagster.last_standings(stream, checks) or {}

    def is_ahead(self, stream: str, life: str) -> bool:
        """Whether somebody was told more of this life than is known here."""
        return self.dagster is not None and self.dagster.is_ahead(stream, life)

    def withdraw(self, stream: str) -> None:
        """Tell no more of what was published: somebody else does."""
        if self.dagster is not None:
            self.dagster.withdraw(stream)

    def publish(self, snapshot: Snapshot) -> None:
        """Tell the newest snapshot of a stream."""
        self.web.publish(snapshot)
        if self.otlp is not None:
            self.otlp.publish(snapshot)
        if self.dagster is not None:
            self.dagster.publish(snapshot)

    def show_traces(self, stream: str, columns: Columns, ages: ArrivalAges | None) -> None:
        """Show sampled records as exemplars and spans, as far as their limits allow.

        Records without `ages` are dead letters; those that are being tried again are not shown.
        """
        if self.otlp is None:
            return
        shown = shown_rows(columns)
        if not len(shown):
            return
        picked = {} if ages is None else exemplar_rows(columns, ages)
        if picked:
            self.otlp.observe(stream, traced_records(columns, picked, picked))
        dead_letter = ages is None
        now_ms = columns.received_ms
        room = self.otlp.reserve_spans(len(shown), now_ms=now_ms, dead_letter=dead_letter)
        if room:
            rows = [*picked, *(row for row in spread(shown, room) if row not in picked)]
            known = {} if ages is None else ages_of(ages, rows[:room])
            records = traced_records(columns, rows[:room], known)
            self.otlp.emit_spans(stream, records)

    def health(self) -> tuple[SinkHealth, ...]:
        """How telling goes, for each configured sink but the web, which is pulled."""
        otlp = () if self.otlp is None else self.otlp.health()
        dagster = () if self.dagster is None else (self.dagster.health(),)
        return (*otlp, *dagster)

    async def flush(self, deadline_seconds: float) -> None:
        """Tell what was published last, to all at once and for no longer than the deadline.

        Raises:
            ExceptionGroup: if a sink failed in a way that nobody foresaw; the others were flushed.
        """
        flushes = []
        if self.otlp is not None:
            flushes.append(self._flush_otlp(self.otlp, deadline_seconds))
        if self.dagster is not None:
            flushes.append(self.dagster.flush(deadline_seconds))
        ended = await asyncio.gather(*flushes, return_exceptions=True)
        errors = [error for error in ended if isinstance(error, Exception)]
        if errors:
            raise ExceptionGroup("not all sinks were flushed", errors)

    async def _flush_otlp(self, otlp: OtlpSink, deadline_seconds: float) -> None:
        if not await otlp.shutdown(deadline_seconds):
            errors = [health.last_error for health in otlp.health() if health.last_error]
            why = errors[-1] if errors else "the time to stop ended"
            log = structlog.get_logger("streamgauge.app")
            write(log, Event.OTLP_FAILING, sink="otlp", reason=f"the last export failed: {why}")
