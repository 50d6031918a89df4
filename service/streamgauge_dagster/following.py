"""What a component adds to its streams: sensors that follow them, and what they need."""

# Dagster resolves the annotations of these fields, so they must not be turned into text.

from collections.abc import Sequence
from typing import Annotated, Literal

import dagster as dg
from pydantic import Field

from streamgauge_dagster.sensors import (
    FollowedStream,
    failed_check_alert,
    freshness_trigger,
    gauge_reporting_check,
    observation_sensor,
)


class FreshnessTrigger(dg.Model, dg.Resolvable):
    """Runs what is built on the stream when enough new data was reported and all is well."""

    target: Annotated[dg.ResolvedAssetKey, Field(description="The asset that is run.")]
    min_messages: Annotated[int, Field(description="New records that a run is worth.")] = 1
    max_lag: Annotated[
        int | None, Field(description="Records that a consumer group may have still to read.")
    ] = None
    max_time_lag_seconds: Annotated[
        float | None, Field(description="Age of the first record that is still to be read.")
    ] = None
    checks: Annotated[
        list[str], Field(description="Checks of the stream that have to pass, by name.")
    ] = []
    at_most_every_seconds: Annotated[
        float, Field(description="Time between two runs, at least.")
    ] = 0


class Alert(dg.Model, dg.Resolvable):
    """Tells a webhook when a check fails, and when it has recovered."""

    url_variable: Annotated[
        str, Field(description="Environment variable that holds the webhook's address.")
    ]
    body: Annotated[
        Literal["json", "text"], Field(description="`text` is what Slack and its likes take.")
    ] = "json"
    dagster_url: Annotated[
        str | None, Field(description="Where people find Dagster, for a link.")
    ] = None


class Following(dg.Model, dg.Resolvable):
    """The sensors of a component; each runs once it is turned on, or at once."""

    observations: Annotated[
        bool,
        Field(description="Tell reports again with types, and fail gauge_reporting in silence."),
    ] = True
    freshness_triggers: Annotated[
        list[FreshnessTrigger], Field(description="What is run on new data of the first stream.")
    ] = []
    alert: Annotated[Alert | None, Field(description="Where failing checks are told.")] = None
    running: Annotated[
        bool, Field(description="Whether the sensors run before somebody turns them on.")
    ] = False

    def definitions(
        self, streams: Sequence[FollowedStream], silent_after_seconds: float
    ) -> dg.Definitions:
        """The sensors, and the check that one of them evaluates.

        Args:
            streams: of the component, at least one; the first one is what triggers follow.
            silent_after_seconds: how old the last report of a stream may be.
        """
        sensors, checks = self._triggers(streams[0], silent_after_seconds), []
        if self.observations:
            name = f"{_name(streams[0])}_observations"
            sensors.append(
                observation_sensor(
                    streams,
                    silent_after_seconds=silent_after_seconds,
                    name=name,
                    default_status=self._status,
                )
            )
            checks = [
                gauge_reporting_check(
                    each.asset_key, silent_after_seconds=silent_after_seconds, checks=each.checks
                )
                for each in streams
            ]
        if self.alert is not None:
            sensors.append(self._alerts(self.alert, streams))
        return dg.Definitions(sensors=sensors, asset_checks=checks)

    @property
    def _status(self) -> dg.DefaultSensorStatus:
        return dg.DefaultSensorStatus.RUNNING if self.running else dg.DefaultSensorStatus.STOPPED

    def _triggers(
        self, stream: FollowedStream, silent_after_seconds: float
    ) -> list[dg.SensorDefinition]:
        return [
            freshness_trigger(
                stream.asset_key,
                dg.AssetSelection.assets(each.target),
                min_messages=each.min_messages,
                max_lag=each.max_lag,
                max_time_lag_seconds=each.max_time_lag_seconds,
                checks=[dg.AssetCheckKey(stream.asset_key, name) for name in each.checks],
                silent_after_seconds=silent_after_seconds,
                at_most_every_seconds=each.at_most_every_seconds,
                name=f"{_name(stream)}_triggers_{each.target.to_python_identifier()}",
                default_status=self._status,
            )
            for each in self.freshness_triggers
        ]

    def _alerts(self, alert: Alert, streams: Sequence[FollowedStream]) -> dg.SensorDefinition:
        """Of `gauge_reporting` too, where a sensor evaluates it."""
        told = [
            key
            for stream in streams
            for key in (stream.every_check if self.observations else stream.checks)
        ]
        return failed_check_alert(
            told,
            dg.EnvVar(alert.url_variable),
            body=alert.body,
            dagster_url=alert.dagster_url,
            name=f"{_name(streams[0])}_alerts",
            default_status=self._status,
        )


def _name(stream: FollowedStream) -> str:
    return stream.asset_key.to_python_identifier()
