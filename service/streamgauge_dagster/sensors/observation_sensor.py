"""The observation sensor: tells reports again with types, and says when the gauge is silent."""

# Dagster reads the annotations of a sensor's function, so here they must not be turned into text.

import time
from collections.abc import Sequence

import dagster as dg

from streamgauge_dagster.sensors.observation_memory import read_memory, write_memory
from streamgauge_dagster.sensors.observation_tick import Tick
from streamgauge_dagster.sensors.streams import FollowedStream


def observation_sensor(
    streams: Sequence[FollowedStream],
    *,
    silent_after_seconds: float,
    name: str = "streamgauge_observations",
    minimum_interval_seconds: int = 30,
    default_status: dg.DefaultSensorStatus = dg.DefaultSensorStatus.STOPPED,
) -> dg.SensorDefinition:
    """A sensor that follows the reports of a gauge; it launches nothing.

    Each report is told again once: with timestamps, links and a table of consumer groups, and with
    `dagster/last_updated_timestamp` of the type that Dagster's freshness checks read. It has the
    same data version, so to `AutomationCondition` it is no new data. The check `gauge_reporting` of
    each stream passes while reports come and fails when they stop.

    Args:
        streams: whose reports are followed.
        silent_after_seconds: how old the last report of a stream may be.
        name: of the sensor.
        minimum_interval_seconds: between two ticks.
        default_status: whether it runs before somebody turns it on.
    """
    silent_ms = round(silent_after_seconds * 1000)
    break_ms = max(60_000, 3_000 * minimum_interval_seconds)

    @dg.sensor(
        name=name,
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=default_status,
        description=(
            "Tells each report of the gauge again with types, as no new data, and fails "
            "gauge_reporting while the gauge is silent."
        ),
    )
    def observations(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        memory = read_memory(context.cursor)
        tick = Tick(
            context.instance,
            memory,
            silent_after_ms=silent_ms,
            break_ms=break_ms,
            now_ms=time.time_ns() // 1_000_000,
        )
        tick.look(streams, time.monotonic)
        return dg.SensorResult(
            asset_events=tick.events, skip_reason=tick.in_words(), cursor=write_memory(memory)
        )

    return observations
