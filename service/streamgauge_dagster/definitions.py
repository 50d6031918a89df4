"""From the sidecar's configuration to Dagster's definitions."""

from __future__ import annotations

import os
from difflib import get_close_matches
from typing import TYPE_CHECKING

import dagster as dg

from streamgauge.config import ConfigError, load
from streamgauge.config.errors import shown
from streamgauge.config.policies import stream_policy
from streamgauge_dagster.asset_keys import refuse_asset_keys
from streamgauge_dagster.external import external
from streamgauge_dagster.observable import observable
from streamgauge_dagster.presentation import Presentation
from streamgauge_dagster.sensors import followed_stream
from streamgauge_dagster.silence import report_period_ms, silent_after_ms
from streamgauge_dagster.specs import asset_specs, check_specs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from streamgauge.config import Config
    from streamgauge_dagster.following import Following


def build_definitions(
    config: str | os.PathLike[str],
    *,
    environ: Mapping[str, str] | None = None,
    silent_after_seconds: float | None = None,
    streams: Collection[str] | None = None,
    presentation: Presentation | None = None,
) -> dg.Definitions:
    """Observable assets and asset checks for all that the gauge reports.

    Each stream is an asset, and so is each of its dead letter topics, downstream of it. Nothing is
    connected to: observing an asset or executing a check repeats what was reported last.

    Args:
        config: the file that the gauge runs with; no other file is opened and no secret is needed.
        environ: `STREAMGAUGE_*` variables to lay over the file as the gauge does; without it those
            of this process.
        silent_after_seconds: age from which on a report is no longer repeated as a pass; without
            it three report periods of the file, but at least a minute.
        streams: names of the streams that are wanted; all without it.
        presentation: group, owners, links and what else a project says of the assets.

    Raises:
        ConfigError: everything that is wrong with the configuration, an asset key that Dagster
            cannot define, or a stream that is not in the file.
    """
    settings = load(config, os.environ if environ is None else environ, with_secrets=False)
    look = presentation or Presentation()
    return definitions_of(
        settings, look, streams=streams, silent_after_seconds=silent_after_seconds
    )


def definitions_of(
    settings: Config,
    look: Presentation,
    *,
    streams: Collection[str] | None = None,
    silent_after_seconds: float | None = None,
    following: Following | None = None,
) -> dg.Definitions:
    """The same of a configuration that was read, with the sensors that follow its streams.

    Raises:
        ConfigError: an asset key that Dagster cannot define, or a stream that is not there.
    """
    refuse_asset_keys(settings)
    _refuse_unknown(streams or (), settings.streams)
    period_ms = report_period_ms(settings.dagster)
    silent_ms = (
        silent_after_ms(period_ms)
        if silent_after_seconds is None
        else round(silent_after_seconds * 1000)
    )
    define = observable if look.observable else external
    defined, followed = [], []
    for name, stream in settings.streams.items():
        if streams is None or name in streams:
            policy = stream_policy(name, stream, settings.kafka)
            specs = asset_specs(policy, stream, settings.kafka, look, period_ms=period_ms)
            checks = check_specs(policy)
            defined.append(define(list(specs), list(checks), silent_after_ms=silent_ms))
            followed.append(followed_stream(policy, links=look.links))
    if following is not None and followed:
        defined.append(following.definitions(followed, silent_ms / 1000))
    return dg.Definitions.merge(*defined)


def _refuse_unknown(wanted: Iterable[str], known: Collection[str]) -> None:
    problems = []
    for name in wanted:
        if name not in known:
            nearest = get_close_matches(name, known, n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(known)}"
            problems.append(f"streams: no stream is named {shown(name)}; {hint}")
    if problems:
        raise ConfigError(problems)
