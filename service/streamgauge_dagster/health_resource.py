"""A resource that tells code inside an asset how the stream does that it is built on."""

# Dagster resolves the annotations of a resource's fields, so they must not be turned into text.

import time
from collections.abc import Iterable
from typing import Annotated, Any, Final, TypeAlias

import dagster as dg
from dagster_shared.check import CheckError
from pydantic import Field

from streamgauge.core.wording import duration
from streamgauge.model import Level
from streamgauge_dagster.health import CheckHealth, StreamHealth, StreamTroubleError
from streamgauge_dagster.reports import NoReportError, last_evaluation
from streamgauge_dagster.sensors.gauge_reporting import CHECK_NAME
from streamgauge_dagster.sensors.metadata import inside, left_out, number, rows, text
from streamgauge_dagster.sensors.reported import Report, last_report
from streamgauge_dagster.silence import SILENT_AFTER

SILENT_AFTER_SECONDS: Final = 900.0
"""For a stream that this code location does not define: three of the gauge's default periods."""

Asking: TypeAlias = dg.AssetExecutionContext | dg.OpExecutionContext | dg.AssetCheckExecutionContext
"""The context of whoever may ask."""


class StreamHealthResource(dg.ConfigurableResource[Any]):
    """Reads what was reported of streams from the instance; nothing else is connected to.

    Without `silent_after_seconds` a report counts for as long as the definition of the stream says,
    which is three report periods unless it says otherwise.
    """

    silent_after_seconds: Annotated[
        float | None,
        Field(
            description="Age from which on a report says nothing of now; as defined without it.",
            ge=0,
        ),
    ] = None

    def read(
        self,
        context: Asking,
        asset_key: dg.AssetKey | str | list[str],
        checks: Iterable[str] | None = None,
    ) -> StreamHealth:
        """What was reported last of a stream: of the newest life, the report that tells most.

        Args:
            context: of the asset, check or op that asks.
            asset_key: of the stream, or of one of its dead letter topics; text is split at `/`.
            checks: names of the checks that matter; all that are defined on the asset without it,
                which a test that materializes without a code location has to name.

        Raises:
            NoReportError: nothing of a gauge is among the newest 1,000 observations of the asset.
            ValueError: checks have to be named.
        """
        if isinstance(asset_key, str):
            asset_key = asset_key.split("/")
        key, now_seconds = dg.AssetKey.from_coercible(asset_key), time.time()
        try:
            report = last_report(context.instance, key)
        except NoReportError as error:
            raise NoReportError(f"{key.to_user_string()}: {error}") from None
        if report is None:
            told = "no report of a gauge is among its observations: is the gauge running?"
            raise NoReportError(f"{key.to_user_string()}: {told}")
        silent_seconds = self.silent_after_seconds
        if silent_seconds is None:
            silent_seconds = _defined_silence(context, key)
        names = _checks_of(context, key) if checks is None else checks
        return StreamHealth(
            asset_key=key,
            life=report.life,
            sequence=report.sequence,
            data_version=report.observation.data_version or "",
            reported_seconds=report.recorded_seconds,
            age_seconds=now_seconds - report.recorded_seconds,
            positions=_positions(report),
            positions_left_out=left_out(report.observation.metadata, "positions"),
            completeness=_completeness(report),
            blind=_blind(report),
            checks={
                name: _check(context, dg.AssetCheckKey(key, name), silent_seconds, now_seconds)
                for name in sorted(names)
            },
            silent_after_seconds=silent_seconds,
        )

    def demand(
        self,
        context: Asking,
        asset_key: dg.AssetKey | str | list[str],
        checks: Iterable[str] | None = None,
    ) -> StreamHealth:
        """The same, where the stream can be relied on.

        Raises:
            NoReportError: nothing of a gauge is among the newest 1,000 observations of the asset.
            StreamTroubleError: why it cannot.
        """
        health = self.read(context, asset_key, checks)
        if health.trouble is not None:
            raise StreamTroubleError(f"{health.asset_key.to_user_string()}: {health.trouble}")
        return health


def _check(
    context: Asking, key: dg.AssetCheckKey, silent_seconds: float, now_seconds: float
) -> CheckHealth:
    try:
        evaluation, reported_seconds = last_evaluation(context.instance, key)
    except NoReportError as error:
        return CheckHealth(Level.UNKNOWN, str(error))
    try:
        level = Level(text(evaluation.metadata, "level") or "")
    except ValueError:
        return CheckHealth(Level.UNKNOWN, "its last evaluation is not of a gauge")
    reason = text(evaluation.metadata, "reason") or "no reason was given"
    age_seconds = now_seconds - reported_seconds
    if level is not Level.FAIL and age_seconds > silent_seconds:
        age = duration(round(1000 * age_seconds))
        return CheckHealth(Level.UNKNOWN, f"nothing was said for {age}; before, {reason}")
    return CheckHealth(level, reason)


def _checks_of(context: Asking, key: dg.AssetKey) -> list[str]:
    location = _code_location(context)
    if location is None:
        told = "nobody knows the checks of a stream outside of a code location: name them, checks="
        raise ValueError(f"{told}[...]")
    known = [
        check.name for check in location.asset_graph.asset_check_keys if check.asset_key == key
    ]
    # of silence the age of the report tells, also where no sensor evaluates that check
    return [name for name in known if name != CHECK_NAME]


def _code_location(context: Asking) -> dg.RepositoryDefinition | None:
    """All that it defines; None outside of one, and where a test calls an asset directly."""
    try:
        return context.repository_def  # the graph of the job has only what it executes
    except (CheckError, dg.DagsterError):
        return None


def _defined_silence(context: Asking, key: dg.AssetKey) -> float:
    """What the definition of the stream says where this code location has it."""
    location = _code_location(context)
    if location is None or not location.asset_graph.has(key):
        return SILENT_AFTER_SECONDS
    told = location.asset_graph.get(key).metadata.get(SILENT_AFTER)
    return float(told) if isinstance(told, int | float) else SILENT_AFTER_SECONDS


def _positions(report: Report) -> dict[int, int]:
    found = inside(report.observation.metadata, "detail", "positions", "rows")
    told = (row[:2] for row in found or () if isinstance(row, list) and len(row) > 1)
    return {p: at for p, at in told if isinstance(p, int) and isinstance(at, int)}


def _completeness(report: Report) -> float | None:
    told = number(report.observation.metadata, "completeness")
    return 1.0 if told is None and report.counted == "dead letters" else told


def _blind(report: Report) -> tuple[str, ...]:
    found = rows(report.observation.metadata, "detail", "blind")
    return tuple(f"{each.get('what')}, {each.get('reason')}" for each in found)
