"""From the checks of a status to evaluations as a gauge reports them, with types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from streamgauge.core.markdown import as_markdown
from streamgauge.model import Level
from streamgauge_dagster.reports import NoReportError, last_evaluation
from streamgauge_dagster.sensors.level import severity_of
from streamgauge_dagster.sensors.metadata import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamgauge_dagster.status.document import Stream, Verdict


def evaluations(name: str, stream: Stream) -> Iterator[dg.AssetCheckEvaluation]:
    """What each check says; whatever is not a pass has not passed."""
    for check, worst in stream.checks.items():
        for verdict in (worst, *worst.others):
            yield _evaluation(check, verdict, name, stream)


def is_newer(instance: dg.DagsterInstance, evaluation: dg.AssetCheckEvaluation) -> bool:
    """Whether it was judged later than the last one that was reported of the check.

    One that is told a second time would be a fresh pass on old evidence.
    """
    try:
        before, _ = last_evaluation(instance, evaluation.asset_check_key)
    except NoReportError:
        return True
    told, judged = seconds(before.metadata, "as_of"), seconds(evaluation.metadata, "as_of")
    return told is None or judged is None or judged > told


def _evaluation(check: str, verdict: Verdict, name: str, stream: Stream) -> dg.AssetCheckEvaluation:
    value = dg.MetadataValue
    told: dict[str, dg.MetadataValue[Any]] = {
        "reason": value.text(verdict.reason),
        "level": value.text(verdict.level.value),
    }
    if verdict.value is not None:
        told["value"] = value.float(verdict.value)
    if verdict.limit is not None:
        told["limit"] = value.float(verdict.limit)
    told |= {
        "unit": value.text(verdict.unit),
        "since": value.timestamp(verdict.since_ms / 1000),
        "as_of": value.timestamp(stream.as_of_ms / 1000),
        "stream": value.text(name),
        "life": value.text(stream.life),
    }
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(verdict.asset_key),
        check_name=check,
        passed=verdict.level is Level.PASS,
        severity=severity_of(verdict.level),
        description=as_markdown(verdict.reason),
        metadata=told,
    )
