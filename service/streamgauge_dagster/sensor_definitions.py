"""The sensors of a component, named after its first stream or as it says, and their checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from streamgauge.config import ConfigError
from streamgauge_dagster.sensor_problems import (
    checks_of,
    place_of,
    sensor_problems,
    stream_of,
    trigger_name,
)
from streamgauge_dagster.sensors import (
    Conditions,
    failed_check_alert,
    freshness_trigger,
    gauge_reporting_check,
    observation_sensor,
    partition_trigger,
    poll_sensor,
)
from streamgauge_dagster.sensors.gauge_reporting import CHECK_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from streamgauge.config.kafka import Kafka
    from streamgauge_dagster.following import Alert, Following, FreshnessTrigger
    from streamgauge_dagster.sensors import FollowedStream, PolledStream


class SensorDefinitions:
    """What a component's `sensors` ask for.

    Args:
        following: what is asked for.
        streams: by name, at least one, with the checks that are defined of them.
        silent_after_seconds: how old the last report of a stream may be.

    Raises:
        ConfigError: what cannot be, or would have no effect.
    """

    def __init__(
        self,
        following: Following,
        streams: Mapping[str, FollowedStream],
        silent_after_seconds: float,
    ) -> None:
        self._following = following
        self._streams = streams
        self._silent_after_seconds = silent_after_seconds
        first = next(iter(streams.values())).asset_key.to_python_identifier()
        self._name = first if following.name is None else following.name
        problems = list(sensor_problems(following, streams, self._name))
        if problems:
            raise ConfigError(problems)

    def definitions(
        self,
        polled: Sequence[PolledStream],
        kafka: Callable[[], Kafka],
        blocking: Collection[str] = (),
    ) -> dg.Definitions:
        """The sensors, and `gauge_reporting` where one of them evaluates it.

        Args:
            polled: the same streams, as a poll asks for them.
            kafka: gives the brokers with secrets; asked in each poll.
            blocking: names of checks that block.
        """
        following, silent_seconds = self._following, self._silent_after_seconds
        sensors = [
            self._trigger(position, each)
            for position, each in enumerate(following.freshness_triggers)
        ]
        if following.observes:
            observations = observation_sensor(
                list(self._streams.values()),
                silent_after_seconds=silent_seconds,
                name=f"{self._name}_observations",
                default_status=self._status,
            )
            sensors.append(observations)
        if following.poll is not None:
            polls = poll_sensor(
                polled,
                kafka,
                silent_after_seconds=silent_seconds,
                poll_seconds=following.poll.answer_within_seconds,
                name=f"{self._name}_polls",
                minimum_interval_seconds=following.poll.every_seconds,
                default_status=self._status,
            )
            sensors.append(polls)
        if following.alert is not None:
            sensors.append(self._alerts(following.alert))
        checks = [
            gauge_reporting_check(
                each.asset_key,
                silent_after_seconds=silent_seconds,
                checks=each.checks,
                blocking=CHECK_NAME in blocking,
            )
            for each in self._streams.values()
            if self._following.judges_silence
        ]
        return dg.Definitions(sensors=sensors, asset_checks=checks)

    @property
    def _status(self) -> dg.DefaultSensorStatus:
        running = self._following.running
        return dg.DefaultSensorStatus.RUNNING if running else dg.DefaultSensorStatus.STOPPED

    def _checks(self, stream: FollowedStream) -> tuple[dg.AssetCheckKey, ...]:
        return checks_of(self._following, stream)

    def _trigger(self, position: int, trigger: FreshnessTrigger) -> dg.SensorDefinition:
        stream = stream_of(trigger, self._streams)
        checks = [key for key in self._checks(stream) if key.name in trigger.checks]
        try:
            if trigger.by_partition and stream.partitions is not None:
                return partition_trigger(
                    stream.asset_key,
                    stream.partitions.asset_key,
                    dg.AssetSelection.assets(trigger.target),
                    conditions=Conditions(
                        max_lag=trigger.max_lag,
                        max_time_lag_seconds=trigger.max_time_lag_seconds,
                        groups=tuple(trigger.groups),
                        checks=tuple(checks),
                        accept_warnings=trigger.accept_warnings,
                        known_for_ms=round(self._silent_after_seconds * 1000),
                    ),
                    name=trigger_name(stream, trigger),
                    default_status=self._status,
                )
            return freshness_trigger(
                stream.asset_key,
                dg.AssetSelection.assets(trigger.target),
                min_messages=trigger.min_messages,
                max_lag=trigger.max_lag,
                max_time_lag_seconds=trigger.max_time_lag_seconds,
                groups=trigger.groups,
                checks=checks,
                accept_warnings=trigger.accept_warnings,
                silent_after_seconds=self._silent_after_seconds,
                at_most_every_seconds=trigger.at_most_every_seconds,
                one_at_a_time=trigger.one_at_a_time,
                name=trigger_name(stream, trigger),
                default_status=self._status,
            )
        except ValueError as error:
            raise ConfigError([f"{place_of(position)}: {error}"]) from None

    def _alerts(self, alert: Alert) -> dg.SensorDefinition:
        return failed_check_alert(
            [key for stream in self._streams.values() for key in self._checks(stream)],
            dg.EnvVar(alert.url_variable),
            levels=alert.levels,
            body=alert.body,
            dagster_url=alert.dagster_url,
            name=f"{self._name}_alerts",
            default_status=self._status,
        )
