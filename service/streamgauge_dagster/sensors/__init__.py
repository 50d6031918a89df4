"""Sensors of a stream: reports with types, runs on new data, alerts, and polls without a gauge."""

from streamgauge_dagster.sensors.conditions import Conditions
from streamgauge_dagster.sensors.failed_check_alert import failed_check_alert
from streamgauge_dagster.sensors.freshness_trigger import freshness_trigger
from streamgauge_dagster.sensors.gauge_reporting_check import gauge_reporting_check
from streamgauge_dagster.sensors.observation_sensor import observation_sensor
from streamgauge_dagster.sensors.partition_trigger import partition_trigger
from streamgauge_dagster.sensors.poll_sensor import poll_sensor
from streamgauge_dagster.sensors.polled import PolledStream, PolledTopic, polled_streams
from streamgauge_dagster.sensors.streams import FollowedStream, followed_stream, followed_streams

__all__ = [
    "Conditions",
    "FollowedStream",
    "PolledStream",
    "PolledTopic",
    "failed_check_alert",
    "followed_stream",
    "followed_streams",
    "freshness_trigger",
    "gauge_reporting_check",
    "observation_sensor",
    "partition_trigger",
    "poll_sensor",
    "polled_streams",
]
