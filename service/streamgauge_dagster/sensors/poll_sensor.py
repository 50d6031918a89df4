"""The polling sensor: observes topics from inside Dagster, where no gauge is running yet."""

# Dagster reads the annotations of a sensor's function, so here they must not be turned into text.

import time
from collections.abc import Callable, Sequence

import dagster as dg

from streamgauge.config.kafka import Kafka
from streamgauge_dagster.sensors.poll_memory import read_memory, write_memory
from streamgauge_dagster.sensors.poll_tick import Tick
from streamgauge_dagster.sensors.polled import PolledStream
from streamgauge_dagster.silence import silent_after_ms


def poll_sensor(  # noqa: PLR0913 - the settings of a sensor
    streams: Sequence[PolledStream],
    kafka: Callable[[], Kafka],
    *,
    silent_after_seconds: float | None = None,
    poll_seconds: float = 20,
    name: str = "streamgauge_poll",
    minimum_interval_seconds: int = 300,
    default_status: dg.DefaultSensorStatus = dg.DefaultSensorStatus.STOPPED,
) -> dg.SensorDefinition:
    """A sensor that observes topics by asking Kafka itself: offsets, lag and last timestamps.

    It takes the place of a gauge and is less than one: it counts offsets and no records, knows no
    ages, and judges no checks but `gauge_reporting`, which fails while Kafka cannot be read. Where
    a gauge reports, it has to be off.

    Nothing is changed in Kafka: no group is joined, nothing is committed, no topic is created.

    Args:
        streams: what is polled.
        kafka: gives the brokers and how they are reached, secrets included; asked in each tick.
        silent_after_seconds: for how long a stream may be unreadable; without it three intervals,
            but at least a minute.
        poll_seconds: how long Kafka may take to answer, all in all; Dagster gives up a tick after
            60 s.
        name: of the sensor.
        minimum_interval_seconds: between two polls. Each poll stores an observation.
        default_status: whether it runs before somebody turns it on.
    """
    interval_ms = 1000 * minimum_interval_seconds
    silent_ms = (
        silent_after_ms(interval_ms)
        if silent_after_seconds is None
        else round(silent_after_seconds * 1000)
    )

    @dg.sensor(
        name=name,
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=default_status,
        description="Observes topics by asking Kafka: offsets, lag and last timestamps.",
    )
    def polls(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        memory = read_memory(context.cursor)
        from streamgauge_dagster.sensors.poll_kafka import poll  # noqa: PLC0415 - it connects

        ends = {name: topic.ends for name, topic in memory.topics.items()}
        topics = [topic for stream in streams for topic in stream.topics]
        answers = poll(kafka(), topics, ends, poll_seconds)
        tick = Tick(
            context.instance,
            memory,
            silent_after_ms=silent_ms,
            break_ms=max(60_000, 3 * interval_ms),
            now_ms=time.time_ns() // 1_000_000,
        )
        tick.take_in(streams, answers)
        return dg.SensorResult(
            asset_events=tick.events, skip_reason=tick.in_words(), cursor=write_memory(memory)
        )

    return polls
