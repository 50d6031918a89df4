"""The assets and checks of one stream: one op repeats what was reported of them last."""

# Dagster reads the annotations of an op's function, so here they must not be turned into text.

import time
import warnings
from collections.abc import Iterator, Sequence

import dagster as dg

from streamgauge_dagster.repeated import repeated_evaluation, repeated_observation
from streamgauge_dagster.reports import NoReportError


def observable(
    assets: Sequence[dg.AssetSpec], checks: Sequence[dg.AssetCheckSpec], *, silent_after_ms: int
) -> dg.Definitions:
    """Observable assets with their checks.

    An asset of which nothing was reported is not observed, so that nothing downstream is launched;
    the log of the run says so.

    Args:
        assets: the stream's own first, then those that depend on it.
        checks: of these assets.
        silent_after_ms: age from which on a report is no longer repeated as a pass.
    """

    def repeat(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.ObserveResult | dg.AssetCheckResult]:
        now_ms = time.time_ns() // 1_000_000
        for asset in assets:
            if asset.key in context.selected_asset_keys:
                try:
                    yield repeated_observation(
                        context.instance, asset.key, silent_after_ms=silent_after_ms, now_ms=now_ms
                    )
                except NoReportError as error:
                    name = asset.key.to_user_string()
                    context.log.warning("%s is not observed: %s", name, error)
        for check in checks:
            if check.key in context.selected_asset_check_keys:
                yield repeated_evaluation(
                    context.instance, check.key, silent_after_ms=silent_after_ms, now_ms=now_ms
                )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        define = dg.multi_observable_source_asset(
            name=f"streamgauge__{assets[0].key.to_python_identifier()}",
            description="Repeats what the gauge reported last; nothing is measured here.",
            specs=assets,
            check_specs=checks,
            can_subset=True,
        )
    return dg.Definitions(assets=[define(repeat)])
