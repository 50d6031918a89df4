"""The process's own metrics: how exporting goes, as ordinary instruments of the SDK.

They have a value from the start, so the reader always has something to export; without any
instrument it would never call the exporter, and the streams would never be told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.metrics import Observation

from streamgauge.otlp.names import DROPPED, EXPORTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.metrics import CallbackOptions, Meter

    from streamgauge.otlp.outcome import Outcome


def register_own_metrics(meter: Meter, outcomes: Mapping[str, Outcome]) -> None:
    """Observe the outcomes, by signal."""

    def exports(_: CallbackOptions) -> Iterable[Observation]:
        for signal, outcome in outcomes.items():
            health = outcome.health()
            yield Observation(health.delivered, {"signal": signal, "outcome": "delivered"})
            yield Observation(health.failed, {"signal": signal, "outcome": "failed"})

    def dropped(_: CallbackOptions) -> Iterable[Observation]:
        for signal, outcome in outcomes.items():
            for reason, count in outcome.drops().items():
                yield Observation(count, {"signal": signal, "reason": reason})

    for descriptor, observe in ((EXPORTS, exports), (DROPPED, dropped)):
        meter.create_observable_counter(
            descriptor.name, [observe], descriptor.unit, descriptor.description
        )
