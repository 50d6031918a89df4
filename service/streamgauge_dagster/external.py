"""The assets of one stream as plain external ones, with checks that repeat what was reported."""

# Dagster reads the annotations of an op's function, so here they must not be turned into text.

import time
from collections.abc import Iterator, Sequence

import dagster as dg

from streamgauge_dagster.repeated import repeated_evaluation


def external(
    assets: Sequence[dg.AssetSpec], checks: Sequence[dg.AssetCheckSpec], *, silent_after_ms: int
) -> dg.Definitions:
    """Assets that Dagster neither makes nor observes, and their checks.

    Args:
        assets: the stream's own first, then those that depend on it.
        checks: of these assets.
        silent_after_ms: age from which on a report is no longer repeated as a pass.
    """

    def repeat(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        now_ms = time.time_ns() // 1_000_000
        for check in checks:
            if check.key in context.selected_asset_check_keys:
                yield repeated_evaluation(
                    context.instance, check.key, silent_after_ms=silent_after_ms, now_ms=now_ms
                )

    if not checks:
        return dg.Definitions(assets=assets)
    define = dg.multi_asset_check(
        name=f"streamgauge__{assets[0].key.to_python_identifier()}",
        description="Repeats what the gauge reported last; nothing is measured here.",
        specs=checks,
        can_subset=True,
    )
    return dg.Definitions(assets=assets, asset_checks=[define(repeat)])
