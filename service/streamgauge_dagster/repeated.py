"""A report told again: with its moment, and never as more than what it is worth now."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from streamgauge.core.markdown import as_markdown
from streamgauge.core.wording import duration
from streamgauge.model import Level
from streamgauge_dagster.reports import (
    REPLAYED,
    NoReportError,
    last_evaluation,
    last_observation,
)

_MOMENTS: Final = ("period_start", "period_end")

if TYPE_CHECKING:
    from collections.abc import Mapping

    Metadata = Mapping[str, dg.MetadataValue[Any]]


def repeated_observation(
    instance: dg.DagsterInstance, key: dg.AssetKey, *, silent_after_ms: int, now_ms: int
) -> dg.ObserveResult:
    """The newest observation that was reported, under the same data version.

    What REST cannot carry is typed: moments, and `dagster/last_updated_timestamp`, which Dagster's
    own freshness checks read.

    Raises:
        NoReportError: there is none. Nothing may be observed then: Dagster counts an observation
            without a data version as new data after one that had a version.
    """
    observation, reported_seconds = last_observation(instance, key)
    if observation.data_version is None:
        raise NoReportError("the last report has no data version, so it is not of a gauge")
    silent = _silent(reported_seconds, silent_after_ms, now_ms)
    metadata = repeated_metadata(observation, reported_seconds, silent)
    return dg.ObserveResult(
        asset_key=key, metadata=metadata, data_version=dg.DataVersion(observation.data_version)
    )


def repeated_metadata(
    observation: dg.AssetObservation, reported_seconds: float, silent: str = ""
) -> dict[str, dg.MetadataValue[Any]]:
    """What was observed with the types that it should have, marked as told again."""
    metadata = {name: _typed(name, value) for name, value in observation.metadata.items()}
    newest = metadata.get("last_message_timestamp")
    if isinstance(newest, dg.FloatMetadataValue) and newest.value is not None:
        metadata["dagster/last_updated_timestamp"] = dg.MetadataValue.timestamp(newest.value)
    summary = observation.description or "no summary"
    metadata["summary"] = dg.MetadataValue.text(f"{silent}{summary}")
    metadata[REPLAYED] = dg.MetadataValue.timestamp(reported_seconds)
    return metadata


def repeated_evaluation(
    instance: dg.DagsterInstance, key: dg.AssetCheckKey, *, silent_after_ms: int, now_ms: int
) -> dg.AssetCheckResult:
    """The newest evaluation that was reported.

    One that is older than `silent_after_ms` is no longer a pass; a failure stays what it was,
    because silence is no recovery. Without any nothing has passed.
    """
    try:
        evaluation, reported_seconds = last_evaluation(instance, key)
    except NoReportError as error:
        return _evaluation(key, str(error), {"level": dg.MetadataValue.text(Level.UNKNOWN.value)})
    metadata = dict(evaluation.metadata)
    reason = _text(metadata.get("reason")) or "no reason was given"
    passed, severity = evaluation.passed, evaluation.severity
    silent = _silent(reported_seconds, silent_after_ms, now_ms)
    if silent and passed:
        passed, severity = False, dg.AssetCheckSeverity.WARN
        metadata["level"] = dg.MetadataValue.text(Level.UNKNOWN.value)
    metadata[REPLAYED] = dg.MetadataValue.timestamp(reported_seconds)
    return _evaluation(key, f"{silent}{reason}", metadata, passed=passed, severity=severity)


def _evaluation(
    key: dg.AssetCheckKey,
    reason: str,
    metadata: Metadata,
    *,
    passed: bool = False,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.WARN,
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=passed,
        severity=severity,
        description=as_markdown(reason),
        metadata={**metadata, "reason": dg.MetadataValue.text(reason)},
    )


def _silent(reported_seconds: float, silent_after_ms: int, now_ms: int) -> str:
    """The beginning of a sentence about a report that is too old, else nothing."""
    age_ms = now_ms - round(reported_seconds * 1000)
    if age_ms <= silent_after_ms:
        return ""
    return f"the last report is {duration(age_ms)} old: the gauge is silent. It said: "


def _typed(name: str, value: dg.MetadataValue[Any]) -> dg.MetadataValue[Any]:
    """A moment that is written as text, as a moment; everything else as it is."""
    if name in _MOMENTS:
        try:
            moment = datetime.fromisoformat(_text(value))
        except ValueError:
            return value
        return value if moment.tzinfo is None else dg.MetadataValue.timestamp(moment)
    return value


def _text(value: dg.MetadataValue[Any] | None) -> str:
    return (value.value or "") if isinstance(value, dg.TextMetadataValue) else ""
