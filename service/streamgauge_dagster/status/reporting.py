"""Reports a status to a Dagster instance, for whoever has access to one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import dagster as dg

from streamgauge.core.wording import duration
from streamgauge_dagster.nearest import unknown_name
from streamgauge_dagster.presentation import refuse_links
from streamgauge_dagster.reports import NoReportError
from streamgauge_dagster.sensors.reported import last_report
from streamgauge_dagster.status.document import StatusError
from streamgauge_dagster.status.evaluations import evaluations, is_newer
from streamgauge_dagster.status.observations import observation, why_not

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from streamgauge_dagster.status.document import Status, Stream, Topic

OLD_AFTER_MS: Final = 60_000
"""Age from which on what a status tells of a stream is no news, whatever it was then."""
STANDS: Final = "it is stuck, or another one has the stream"


@dataclass(slots=True)
class Reported:
    """What was recorded, and what was not."""

    observations: list[str] = field(default_factory=list)
    """Assets."""
    evaluations: int = 0
    """Of checks that were judged since their last evaluation."""
    not_observed: dict[str, str] = field(default_factory=dict)
    """Assets, with the reason."""


def report_status(
    instance: dg.DagsterInstance,
    status: Status,
    *,
    streams: Collection[str] | None = None,
    links: Mapping[str, str] | None = None,
) -> Reported:
    """Record what a gauge says, as its own reports would be: outside of any run, and with types.

    Each report follows the last one that the instance has of the asset. So nothing is counted twice
    when this is called twice, but two who do it at the same time, or a gauge that reports by itself
    too, would tell the same period twice. What was measured long before the status was told is not
    recorded: to Dagster it would be of now.

    Args:
        instance: where it is recorded: `context.instance` in an asset, op or sensor.
        status: of the gauge, as `fetch_status` gives it.
        streams: names of the streams that are wanted; all without it.
        links: addresses by name that stand with every observation.

    Raises:
        StatusError: a stream is wanted that the gauge does not know.
        ConfigError: a link that nobody could follow, or that holds a secret.
    """
    strangers = [name for name in streams or () if name not in status.streams]
    if strangers:
        raise StatusError(unknown_name(strangers[0], "stream of the gauge", status.streams))
    refuse_links(links or {})
    done = Reported()
    for name, stream in status.streams.items():
        if streams is not None and name not in streams:
            continue
        age_ms = status.as_of_ms - stream.as_of_ms
        if age_ms > OLD_AFTER_MS:
            old = f"the gauge has measured nothing for {duration(age_ms)}: {STANDS}"
            done.not_observed |= dict.fromkeys(map(_name, stream.topics), old)
            continue
        for topic in stream.topics:
            reason = _observe(instance, name, stream, topic, links or {})
            if reason is None:
                done.observations.append(_name(topic))
            else:
                done.not_observed[_name(topic)] = reason
        for evaluation in evaluations(name, stream):
            if is_newer(instance, evaluation):
                instance.report_runless_asset_event(evaluation)
                done.evaluations += 1
    return done


def _name(topic: Topic) -> str:
    return dg.AssetKey(topic.asset_key).to_user_string()


def _observe(
    instance: dg.DagsterInstance, name: str, stream: Stream, topic: Topic, links: Mapping[str, str]
) -> str | None:
    """Record the observation of a topic, or say why there is none."""
    try:
        before = last_report(instance, dg.AssetKey(topic.asset_key))
    except NoReportError as error:  # what it counted would be counted again
        return str(error)
    reason = why_not(stream, topic, before)
    if reason is None:
        told = observation(name, stream, topic, before, links)
        instance.report_runless_asset_event(told)
    return reason
