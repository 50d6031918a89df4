"""The places to which everything is told, as one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from streamgauge.app.exports import ExportWatch
from streamgauge.core.traced import ages_of, exemplar_rows, sampled_rows, traced_records
from streamgauge.log import tell_suppressed

if TYPE_CHECKING:
    from streamgauge.core.snapshot import Snapshot
    from streamgauge.core.totals import ArrivalAges
    from streamgauge.dagster.delivery import DagsterSink
    from streamgauge.model import Columns, SinkHealth
    from streamgauge.otlp.sink import OtlpSink
    from streamgauge.web.server import WebServer


LOOK_SECONDS: Final = 1.0
"""How often the exports are looked after, and suppressed log lines told."""


@dataclass(frozen=True, slots=True)
class Sinks:
    """What of these is configured is told; None of them ever waits for another."""

    web: WebServer
    otlp: OtlpSink | None
    dagster: DagsterSink | None

    async def start(self) -> None:
        """Be ready to be told something.

        Raises:
            ListenError: if the web server cannot listen.
            OtlpConfigurationError: if the SDK refuses an OTEL_* variable.
        """
        await self.web.start()
        if self.otlp is not None:
            self.otlp.start()

    async def run(self) -> None:
        """Deliver until cancelled; ends by itself only when something broke."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.web.wait())
            tasks.create_task(self._look_after())
            if self.dagster is not None:
                tasks.create_task(self.dagster.run())

    async def _look_after(self) -> None:
        exports = ExportWatch(structlog.get_logger("streamgauge.app"))
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            exports.look(() if self.otlp is None else self.otlp.health())
            tell_suppressed()

    def publish(self, snapshot: Snapshot) -> None:
        """Tell the newest snapshot of a stream."""
        self.web.publish(snapshot)
        if self.otlp is not None:
            self.otlp.publish(snapshot)
        if self.dagster is not None:
            self.dagster.publish(snapshot)

    def show_traces(self, stream: str, columns: Columns, ages: ArrivalAges | None) -> None:
        """Show sampled records as exemplars and spans, as far as their limits allow.

        Records without `ages` are dead letters.
        """
        if self.otlp is None or not columns.sampled.any():
            return
        picked = {} if ages is None else exemplar_rows(columns, ages)
        if picked:
            self.otlp.observe(stream, traced_records(columns, picked, picked))
        dead_letter = ages is None
        sampled = int(columns.sampled.sum())
        room = self.otlp.reserve_spans(sampled, now_ms=columns.received_ms, dead_letter=dead_letter)
        if room:
            rows = [*picked, *(row for row in sampled_rows(columns, room) if row not in picked)]
            known = {} if ages is None else ages_of(ages, rows[:room])
            records = traced_records(columns, rows[:room], known)
            self.otlp.emit_spans(stream, records, dead_letter=dead_letter)

    def health(self) -> tuple[SinkHealth, ...]:
        """How telling goes, for each configured sink but the web, which is pulled."""
        otlp = () if self.otlp is None else self.otlp.health()
        dagster = () if self.dagster is None else (self.dagster.health(),)
        return (*otlp, *dagster)

    async def flush(self, deadline_seconds: float) -> None:
        """Tell what was published last, to all at once and for no longer than the deadline."""
        async with asyncio.TaskGroup() as flushing:
            if self.otlp is not None:
                flushing.create_task(self.otlp.shutdown(deadline_seconds))
            if self.dagster is not None:
                flushing.create_task(self.dagster.flush(deadline_seconds))
