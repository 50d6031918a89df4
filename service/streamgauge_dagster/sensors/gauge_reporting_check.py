"""The check `gauge_reporting` as Dagster shows it; executing it judges the silence of now."""

# Dagster reads the annotations of a check's function, so here they must not be turned into text.

import time
from collections.abc import Sequence

import dagster as dg

from streamgauge.core.wording import duration
from streamgauge.model import Level
from streamgauge_dagster.sensors.gauge_reporting import (
    CHECK_NAME,
    heard_ms,
    judge,
    metadata_of,
)
from streamgauge_dagster.sensors.level import severity_of


def gauge_reporting_check(
    asset_key: dg.AssetKey,
    *,
    silent_after_seconds: float,
    checks: Sequence[dg.AssetCheckKey] = (),
    blocking: bool = False,
) -> dg.AssetChecksDefinition:
    """A check of a stream that passes while the gauge reports, and fails when it is silent.

    The observation sensor evaluates it; executing it judges at once, and reports nothing else.

    Args:
        asset_key: the stream's.
        silent_after_seconds: how old the last report may be.
        checks: of this stream, as the gauge reports them: a report of one counts as a sign of life.
        blocking: whether `AutomationCondition.all_deps_blocking_checks_passed()` waits for it.
    """
    silent_ms = round(silent_after_seconds * 1000)

    @dg.asset_check(
        asset=asset_key,
        name=CHECK_NAME,
        blocking=blocking,
        description=(
            f"Passes while the gauge reports, and fails after {duration(silent_ms)} without a "
            "report: none of the older values can be trusted to hold still then."
        ),
    )
    def gauge_reporting(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        now_ms = time.time_ns() // 1_000_000
        last_ms = heard_ms(context.instance, asset_key, checks)
        verdict = judge(
            last_ms,
            watched_since_ms=now_ms if last_ms is None else last_ms,
            silent_after_ms=silent_ms,
            now_ms=now_ms,
        )
        return dg.AssetCheckResult(
            passed=verdict.level is Level.PASS,
            severity=severity_of(verdict.level),
            description=verdict.reason,
            metadata=metadata_of(verdict, silent_after_ms=silent_ms, now_ms=now_ms),
        )

    return gauge_reporting
