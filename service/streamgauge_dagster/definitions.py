"""From the sidecar's configuration to Dagster's definitions."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import dagster as dg

from streamgauge.config import load
from streamgauge.config.policies import stream_policy
from streamgauge_dagster.asset_keys import refuse_asset_keys
from streamgauge_dagster.observable import observable
from streamgauge_dagster.silence import report_period_ms, silent_after_ms
from streamgauge_dagster.specs import asset_specs, check_specs

if TYPE_CHECKING:
    from collections.abc import Mapping


def build_definitions(
    config: str | os.PathLike[str],
    *,
    group_name: str = "streams",
    environ: Mapping[str, str] | None = None,
    silent_after_seconds: float | None = None,
) -> dg.Definitions:
    """Observable assets and asset checks for all that the gauge reports.

    Each stream is an asset, and so is each of its dead letter topics, downstream of it. Nothing is
    connected to: observing an asset or executing a check repeats what was reported last.

    Args:
        config: the file that the gauge runs with; no other file is opened and no secret is needed.
        group_name: Dagster's group of all these assets.
        environ: `STREAMGAUGE_*` variables to lay over the file as the gauge does; without it those
            of this process.
        silent_after_seconds: age from which on a report is no longer repeated as a pass; without
            it three report periods of the file, but at least a minute.

    Raises:
        ConfigError: everything that is wrong with the configuration, or an asset key that Dagster
            cannot define.
    """
    settings = load(config, os.environ if environ is None else environ, with_secrets=False)
    refuse_asset_keys(settings)
    period_ms = report_period_ms(settings.dagster)
    silent_ms = (
        silent_after_ms(period_ms)
        if silent_after_seconds is None
        else round(silent_after_seconds * 1000)
    )
    assets = []
    for name, stream in settings.streams.items():
        policy = stream_policy(name, stream, settings.kafka)
        specs = asset_specs(
            policy, stream, settings.kafka, period_ms=period_ms, group_name=group_name
        )
        checks = check_specs(policy)
        assets.append(observable(list(specs), list(checks), silent_after_ms=silent_ms))
    return dg.Definitions(assets=assets)
