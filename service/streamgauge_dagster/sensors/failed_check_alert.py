"""An alert for open-source Dagster: tells a webhook when a check fails, and when it recovers."""

# Dagster reads the annotations of a sensor's function, so here they must not be turned into text.

import time
from collections.abc import Mapping, Sequence
from typing import Literal

import dagster as dg

from streamgauge.model import Level
from streamgauge_dagster.sensors.alert import Alert
from streamgauge_dagster.sensors.alert_tick import Tick
from streamgauge_dagster.sensors.webhook import Webhook


def failed_check_alert(  # noqa: PLR0913 - the settings of a sensor
    checks: Sequence[dg.AssetCheckKey],
    url: str | dg.EnvVar,
    *,
    levels: Sequence[Literal["fail", "unknown", "warn"]] = ("fail",),
    body: Literal["json", "text"] = "json",
    headers: Mapping[str, str] | None = None,
    dagster_url: str | None = None,
    timeout_seconds: float = 5,
    name: str = "streamgauge_alerts",
    minimum_interval_seconds: int = 30,
    default_status: dg.DefaultSensorStatus = dg.DefaultSensorStatus.STOPPED,
) -> dg.SensorDefinition:
    """A sensor that posts to a webhook when a check begins to fail, and when it has recovered.

    Each change is told once. A post that fails is tried three times in a tick, and then again by
    the next tick; meanwhile nothing queues up but the last standing of each check.

    Args:
        checks: that are followed, as the gauge and the observation sensor report them.
        url: the webhook's address; as `dg.EnvVar("...")` it stands in no code.
        levels: that are told; a check that leaves them has recovered.
        body: `json` for programs, with `text` in it for people; `text` has that alone, which is
            what Slack and its likes want.
        headers: of the request, such as a token.
        dagster_url: where people find Dagster, for a link to the check.
        timeout_seconds: how long an answer is waited for.
        name: of the sensor.
        minimum_interval_seconds: between two ticks.
        default_status: whether it runs before somebody turns it on.
    """
    webhook = Webhook(url, headers or {}, timeout_seconds)
    bad = [Level(level) for level in levels]

    def post(alert: Alert) -> None:
        text_alone = {"text": alert.text(dagster_url)}
        webhook.post(text_alone if body == "text" else alert.document(dagster_url))

    @dg.sensor(
        name=name,
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=default_status,
        description="Tells a webhook when a check of a stream fails, and when it has recovered.",
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        tick = Tick(context.instance, context.cursor, bad)
        tick.tell(checks, post, time.monotonic)
        return dg.SensorResult(skip_reason=tick.in_words(), cursor=tick.cursor())

    return alerts
