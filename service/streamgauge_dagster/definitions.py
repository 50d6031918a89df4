"""From the sidecar's configuration to Dagster's definitions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dagster as dg

from streamgauge.config import ConfigError
from streamgauge.config.policies import stream_policy
from streamgauge_dagster.asset_keys import refuse_asset_keys
from streamgauge_dagster.external import external
from streamgauge_dagster.nearest import unknown_name
from streamgauge_dagster.observable import observable
from streamgauge_dagster.partition_definitions import partition_definitions
from streamgauge_dagster.partitioned import partitioned, refuse_partitions
from streamgauge_dagster.presentation import Presentation
from streamgauge_dagster.sensor_definitions import SensorDefinitions
from streamgauge_dagster.sensors import followed_stream, polled_streams
from streamgauge_dagster.silence import report_period_ms, silent_after_ms
from streamgauge_dagster.source import Source, file_source, values_source
from streamgauge_dagster.specs import Measured, asset_specs, check_specs, downstream_specs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from streamgauge_dagster.following import Following
    from streamgauge_dagster.partitions import Partitions
    from streamgauge_dagster.sensors import FollowedStream


def build_definitions(  # noqa: PLR0913 - what a component has as attributes
    config: str | os.PathLike[str] | Mapping[str, Any],
    *,
    environ: Mapping[str, str] | None = None,
    silent_after_seconds: float | None = None,
    streams: Collection[str] | None = None,
    presentation: Presentation | None = None,
    sensors: Following | None = None,
) -> dg.Definitions:
    """Observable assets and asset checks for all that the gauge reports.

    Each stream is an asset, and so is each of its dead letter topics, downstream of it. Nothing is
    connected to: observing an asset or executing a check repeats what was reported last.

    Args:
        config: the file that the gauge runs with, or what such a file would hold, as a mapping; no
            other file is opened and no secret is needed.
        environ: `STREAMGAUGE_*` variables to lay over the file as the gauge does; without it those
            of this process. Over a mapping nothing is laid.
        silent_after_seconds: age from which on a report is no longer repeated as a pass; without
            it three report periods of the file, but at least a minute.
        streams: names of the streams that are wanted; all without it.
        presentation: group, owners, links and what else a project says of the assets.
        sensors: that follow the streams; none without it.

    Raises:
        ConfigError: everything that is wrong with the configuration, an asset key that Dagster
            cannot define, or a name of a stream or check that there is not.
    """
    variables = os.environ if environ is None else environ
    source = (
        values_source(config, variables)
        if isinstance(config, Mapping)
        else file_source(config, variables)
    )
    return definitions_of(
        source,
        presentation or Presentation(),
        streams=streams,
        silent_after_seconds=silent_after_seconds,
        following=sensors,
    )


def definitions_of(
    source: Source,
    look: Presentation,
    *,
    streams: Collection[str] | None = None,
    silent_after_seconds: float | None = None,
    following: Following | None = None,
) -> dg.Definitions:
    """The same of a configuration that was read, with the sensors that follow its streams.

    Raises:
        ConfigError: an asset key that Dagster cannot define, or a name that there is not.
    """
    settings, poll = source.config, following and following.poll
    wanted = list(_wanted(streams, settings.streams, silent_after_seconds))
    refuse_asset_keys(settings)
    period_ms = poll.every_seconds * 1000 if poll else report_period_ms(settings.dagster)
    silent_ms = (
        silent_after_ms(period_ms)
        if silent_after_seconds is None
        else round(silent_after_seconds * 1000)
    )
    policies = {
        name: stream_policy(name, settings.streams[name], settings.kafka) for name in wanted
    }
    followed = {
        name: followed_stream(policy, links=look.links) for name, policy in policies.items()
    }
    if poll:  # which judges nothing of what a gauge does
        followed = {name: replace(each, checks=()) for name, each in followed.items()}
    told = following is not None and following.judges_silence
    _refuse(followed.values(), look, silence=told)
    if look.partitions is not None:
        refuse_partitions(look.partitions, settings, wanted, told=told)
        followed = {name: _cut(each, look.partitions) for name, each in followed.items()}
    define = observable if look.observable else external
    measured = Measured(settings.kafka, look, period_ms, silent_ms, polled=poll is not None)
    defined = [dg.Definitions(assets=downstream_specs(followed.values(), look))]
    for name, policy in policies.items():
        checks = [] if poll else list(check_specs(policy, look.blocking))
        specs = list(asset_specs(policy, settings.streams[name], measured))
        defined.append(define(specs, checks, silent_after_ms=silent_ms))
        held = followed[name].partitions
        if held is not None:
            defined.append(partition_definitions(held, followed[name].asset_key, name, look))
    if following is not None:
        sensors = SensorDefinitions(following, followed, silent_ms / 1000)
        polls = polled_streams(settings, wanted, links=look.links) if poll else ()
        polled = [replace(each, partitions=followed[each.name].partitions) for each in polls]
        defined.append(sensors.definitions(polled, source.kafka, look.blocking))
    return dg.Definitions.merge(*defined)


def _wanted(
    streams: Collection[str] | None, known: Collection[str], silent_after_seconds: float | None
) -> Iterator[str]:
    """The names of the streams that are wanted, in the order of the configuration.

    Raises:
        ConfigError: none is, or there is no such stream; or a limit that no report can meet.
    """
    problems = [
        f"streams: {unknown_name(name, 'stream', known)}"
        for name in streams or ()
        if name not in known
    ]
    if streams is not None and not streams:
        problems.append("streams: is empty: name at least one, or leave it out for all")
    if silent_after_seconds is not None and not 0 <= silent_after_seconds < float("inf"):
        problems.append(f"silent_after_seconds: is {silent_after_seconds:g}: give 0 or more")
    if problems:
        raise ConfigError(problems)
    return (name for name in known if streams is None or name in streams)


def _cut(stream: FollowedStream, partitions: Partitions) -> FollowedStream:
    held = partitioned(partitions, stream.asset_key, stream.checks)
    return replace(stream, partitions=held)


def _refuse(followed: Iterable[FollowedStream], look: Presentation, *, silence: bool) -> None:
    """Do nothing if lineage and names of checks fit to the streams.

    Raises:
        ConfigError: what does not.
    """
    streams = list(followed)
    own = {key for stream in streams for key in stream.assets}
    checks = [
        key.name for stream in streams for key in (stream.every_check if silence else stream.checks)
    ]
    problems = [
        f"{side}: {key.to_user_string()} is one of these streams' own assets: remove it"
        for side, keys in (("upstream", look.upstream), ("downstream", look.downstream))
        for key in keys
        if key in own
    ]
    problems += [
        f"downstream: {key.to_user_string()} stands in upstream too: remove one of the two"
        for key in look.downstream
        if key in look.upstream
    ]
    problems += [
        f"blocking: {unknown_name(name, 'check', checks)}"
        for name in look.blocking
        if name not in checks
    ]
    if problems:
        raise ConfigError(problems)
