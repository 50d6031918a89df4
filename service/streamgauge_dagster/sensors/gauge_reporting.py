"""Whether a gauge still reports, judged by how old its last report is."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import dagster as dg

from streamgauge.core.wording import duration, moment
from streamgauge.model import Level
from streamgauge_dagster.reports import NoReportError, last_evaluation, last_observation
from streamgauge_dagster.sensors.level import severity_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

CHECK_NAME: Final = "gauge_reporting"
GAUGE_SILENT: Final = "the gauge is stopped or stuck, or it cannot reach Dagster"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check `gauge_reporting` says."""

    level: Level
    """Unknown: the last report is old or missing, and nobody has looked for long enough to say that
    it is the gauge that is silent."""
    reason: str
    heard_ms: int | None = None
    """When the last report came."""
    silent_since_ms: int | None = None


def judge(
    heard_ms: int | None,
    *,
    watched_since_ms: int,
    silent_after_ms: int,
    now_ms: int,
    why: str = GAUGE_SILENT,
) -> Verdict:
    """What is to be said of a gauge.

    Args:
        heard_ms: when its last report was recorded; None if none is known.
        watched_since_ms: since when somebody has looked without a break. Silence counts from there
            where it began before: Dagster's own absence is not to be laid to the gauge.
        silent_after_ms: how old the last report may be.
        now_ms: the time.
        why: what silence means.
    """
    age_ms = now_ms - (watched_since_ms if heard_ms is None else heard_ms)
    watched_ms = now_ms - watched_since_ms
    silent = min(age_ms, watched_ms) > silent_after_ms
    age = duration(max(0, age_ms))
    if heard_ms is None:
        if not silent:
            return Verdict(Level.UNKNOWN, "nothing was reported yet")
        reason = f"no report was ever found, for {age} since {moment(watched_since_ms)}: {why}"
        return Verdict(Level.FAIL, reason, silent_since_ms=watched_since_ms)
    if silent:
        reason = f"no report for {age}, since {moment(heard_ms)}: {why}"
        return Verdict(Level.FAIL, reason, heard_ms, silent_since_ms=heard_ms)
    if age_ms > silent_after_ms:
        reason = (
            f"the last report is {age} old, and nobody looked before {moment(watched_since_ms)}"
        )
        return Verdict(Level.UNKNOWN, reason, heard_ms)
    return Verdict(Level.PASS, f"the last report came at {moment(heard_ms)}, {age} ago", heard_ms)


def heard_ms(
    instance: dg.DagsterInstance, key: dg.AssetKey, checks: Iterable[dg.AssetCheckKey]
) -> int | None:
    """When a gauge last reported of a stream: an observation or the evaluation of a check.

    A gauge that is blind reports no observation, and its checks say so.
    """
    heard = []
    with suppress(NoReportError):
        heard.append(last_observation(instance, key)[1])
    for check in checks:
        with suppress(NoReportError):
            heard.append(last_evaluation(instance, check)[1])
    return round(max(heard) * 1000) if heard else None


def evaluation_of(
    key: dg.AssetCheckKey, verdict: Verdict, *, silent_after_ms: int, now_ms: int
) -> dg.AssetCheckEvaluation:
    """The evaluation that a sensor reports."""
    return dg.AssetCheckEvaluation(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=verdict.level is Level.PASS,
        severity=severity_of(verdict.level),
        description=verdict.reason,
        metadata=metadata_of(verdict, silent_after_ms=silent_after_ms, now_ms=now_ms),
    )


def metadata_of(
    verdict: Verdict, *, silent_after_ms: int, now_ms: int
) -> Mapping[str, dg.MetadataValue[Any]]:
    """The entries that the checks of the gauge have too, with types."""
    told: dict[str, dg.MetadataValue[Any]] = {
        "reason": dg.MetadataValue.text(verdict.reason),
        "level": dg.MetadataValue.text(verdict.level.value),
        "limit": dg.MetadataValue.float(silent_after_ms / 1000),
        "unit": dg.MetadataValue.text("s"),
        "as_of": dg.MetadataValue.timestamp(now_ms / 1000),
    }
    if verdict.heard_ms is not None:
        told["value"] = dg.MetadataValue.float((now_ms - verdict.heard_ms) / 1000)
        told["last_report"] = dg.MetadataValue.timestamp(verdict.heard_ms / 1000)
    if verdict.silent_since_ms is not None:
        told["since"] = dg.MetadataValue.timestamp(verdict.silent_since_ms / 1000)
    return told
