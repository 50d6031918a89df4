"""The limit on the series of one stream: what it leaves out is added up and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.otlp.names import OVERFLOW, STREAM, Kind
from streamgauge.otlp.readings import Attributes, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamgauge.otlp.names import MetricDescriptor


class SeriesLimit:
    """Keeps at most `series_max` series of each metric, of one stream.

    A sum or a histogram that once had a series of its own keeps it for the life, because a
    cumulative value must not move between points; the others are added up into one point with the
    attribute `otel.metric.overflow`. A gauge cannot be added up: those beyond the limit are left
    out. Source of the overflow attribute: OpenTelemetry specification, metrics SDK, "Cardinality
    limits".
    """

    def __init__(self, series_max: int) -> None:
        self._series_max = series_max
        self._life: str | None = None
        self._admitted: dict[str, set[Attributes]] = {}

    def apply(self, stream: str, life: str, found: Iterable[Reading]) -> tuple[list[Reading], int]:
        """The readings within the limit, and how many were left without a series of their own."""
        if life != self._life:
            self._life, self._admitted = life, {}
        kept: list[Reading] = []
        overflow: dict[MetricDescriptor, Reading] = {}
        gauges: dict[str, int] = {}
        left_out = 0
        for reading in found:
            descriptor = reading.descriptor
            if descriptor.kind is Kind.GAUGE:
                gauges[descriptor.name] = gauges.get(descriptor.name, 0) + 1
                admitted = gauges[descriptor.name] <= self._series_max
            else:
                admitted = self._admit(descriptor.name, reading.attributes)
            if admitted:
                kept.append(reading)
                continue
            left_out += 1
            if descriptor.kind is not Kind.GAUGE:
                overflow[descriptor] = _added(overflow.get(descriptor), reading, stream)
        return [*kept, *overflow.values()], left_out

    def _admit(self, name: str, attributes: Attributes) -> bool:
        admitted = self._admitted.setdefault(name, set())
        if attributes not in admitted and len(admitted) < self._series_max:
            admitted.add(attributes)
        return attributes in admitted


def _added(so_far: Reading | None, more: Reading, stream: str) -> Reading:
    attributes: Attributes = ((STREAM, stream), (OVERFLOW, True))
    if so_far is None:
        return Reading(more.descriptor, attributes, more.value)
    value = so_far.value + more.value  # type: ignore[operator]  # one metric has one type of value
    return Reading(more.descriptor, attributes, value)
