"""The freshness trigger: runs what is built on a stream when there is something to build on."""

# Dagster reads the annotations of a sensor's function, so here they must not be turned into text.

import time
from collections.abc import Sequence
from typing import Any

import dagster as dg

from streamgauge_dagster.sensors.conditions import Conditions, refuse_below
from streamgauge_dagster.sensors.trigger_memory import read_memory, write_memory
from streamgauge_dagster.sensors.trigger_tick import Trigger


def freshness_trigger(  # noqa: PLR0913 - the settings of a sensor
    asset_key: dg.AssetKey,
    target: Any,  # noqa: ANN401 - whatever dg.sensor() takes
    *,
    min_messages: int = 1,
    max_lag: int | None = None,
    max_time_lag_seconds: float | None = None,
    groups: Sequence[str] = (),
    checks: Sequence[dg.AssetCheckKey] = (),
    accept_warnings: bool = False,
    silent_after_seconds: float = 900,
    at_most_every_seconds: float = 0,
    one_at_a_time: bool = True,
    name: str | None = None,
    minimum_interval_seconds: int = 30,
    default_status: dg.DefaultSensorStatus = dg.DefaultSensorStatus.STOPPED,
) -> dg.SensorDefinition:
    """A sensor that launches a run when enough new data has arrived and the stream is well.

    New is what came since the last run that it has launched: records add up over reports and lives
    until a run is launched for them. A report without new records launches nothing.

    Args:
        asset_key: the stream's.
        target: what is run: assets, an asset selection or a job, as `dg.sensor(target=...)` takes.
        min_messages: new records that a run is worth; of a polled stream, offsets.
        max_lag: records that a consumer group may have still to read. Unknown is too much.
        max_time_lag_seconds: age of the first record that a consumer group has still to read.
        groups: consumer groups whose lag counts; without any, all that are reported.
        checks: that have to pass, as the gauge reports them.
        accept_warnings: whether a check that warns will do.
        silent_after_seconds: how old lag and checks may be; beyond it they are unknown.
        at_most_every_seconds: time between two runs, at least.
        one_at_a_time: whether a run waits until the one before is done.
        name: of the sensor, another one for each trigger of a Dagster instance; without it
            `<asset>_trigger`.
        minimum_interval_seconds: between two ticks.
        default_status: whether it runs before somebody turns it on.

    Raises:
        ValueError: a limit that no stream can meet.
    """
    refuse_below("min_messages", min_messages, 1)
    refuse_below("at_most_every_seconds", at_most_every_seconds, 0)
    trigger = Trigger(
        name=name or f"{asset_key.to_python_identifier()}_trigger",
        asset_key=asset_key,
        min_messages=min_messages,
        conditions=Conditions(
            max_lag=max_lag,
            max_time_lag_seconds=max_time_lag_seconds,
            groups=tuple(groups),
            checks=tuple(checks),
            accept_warnings=accept_warnings,
            known_for_ms=round(silent_after_seconds * 1000),
        ),
        at_most_every_ms=round(at_most_every_seconds * 1000),
        one_at_a_time=one_at_a_time,
    )

    @dg.sensor(
        name=trigger.name,
        target=target,
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=default_status,
        description=(
            f"Launches a run when at least {min_messages:,} new records of "
            f"{asset_key.to_user_string()} were reported and all conditions hold."
        ),
    )
    def on_new_data(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        memory = read_memory(context.cursor)
        found = trigger.tick(context.instance, memory, time.time_ns() // 1_000_000)
        cursor = write_memory(memory)
        if isinstance(found, str):
            return dg.SensorResult(skip_reason=found, cursor=cursor)
        return dg.SensorResult(run_requests=[found], cursor=cursor)

    return on_new_data
