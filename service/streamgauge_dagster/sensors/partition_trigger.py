"""The trigger of partitions: a run for each partition of a stream that has new data."""

# Dagster reads the annotations of a sensor's function, so here they must not be turned into text.

import time
from typing import Any

import dagster as dg

from streamgauge_dagster.sensors.conditions import Conditions
from streamgauge_dagster.sensors.partition_memory import read_memory, write_memory
from streamgauge_dagster.sensors.partition_tick import PartitionTrigger


def partition_trigger(  # noqa: PLR0913 - the settings of a sensor
    stream: dg.AssetKey,
    partitions: dg.AssetKey,
    target: Any,  # noqa: ANN401 - whatever dg.sensor() takes
    *,
    conditions: Conditions,
    name: str,
    minimum_interval_seconds: int = 30,
    default_status: dg.DefaultSensorStatus = dg.DefaultSensorStatus.STOPPED,
) -> dg.SensorDefinition:
    """A sensor that launches a run of each partition that was told of, once for its data.

    A window of event time is told of once, so it runs once; a partition of the topic runs again
    with new records. Runs of several partitions go side by side.

    Args:
        stream: the stream's own asset, of whose report the conditions are.
        partitions: the asset that holds its partitions.
        target: what is run, with the same partitions.
        conditions: that have to hold; partitions wait until they do.
        name: of the sensor, another one for each trigger of a Dagster instance.
        minimum_interval_seconds: between two ticks.
        default_status: whether it runs before somebody turns it on.
    """
    trigger = PartitionTrigger(
        name=name, stream=stream, partitions=partitions, conditions=conditions
    )

    @dg.sensor(
        name=name,
        target=target,
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=default_status,
        description=(
            f"Launches a run of each partition of {partitions.to_user_string()} that has new data,"
            " when all conditions hold."
        ),
    )
    def on_partitions(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        memory = read_memory(context.cursor)
        found = trigger.tick(context.instance, memory, time.time_ns() // 1_000_000)
        cursor = write_memory(memory)
        if isinstance(found, str):
            return dg.SensorResult(skip_reason=found, cursor=cursor)
        return dg.SensorResult(run_requests=list(found), cursor=cursor)

    return on_partitions
