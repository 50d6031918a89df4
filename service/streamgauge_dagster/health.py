"""What a gauge last said of a stream, for code inside an asset that is built on it."""

# Dagster resolves the annotations of a resource's fields, so they must not be turned into text.

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import dagster as dg
from pydantic import Field

from streamgauge.core.wording import duration
from streamgauge.model import Level
from streamgauge_dagster.reports import NoReportError, last_evaluation, last_observation
from streamgauge_dagster.sensors.gauge_reporting import CHECK_NAME

SILENT_AFTER_SECONDS: Final = 900.0
"""Three report periods, as long as none is configured."""


class StreamTroubleError(RuntimeError):
    """The stream cannot be relied on now; says why."""


@dataclass(frozen=True, slots=True)
class CheckHealth:
    """What a check said last."""

    level: Level
    reason: str


@dataclass(frozen=True, slots=True)
class StreamHealth:
    """A stream as its gauge reported it last."""

    asset_key: dg.AssetKey
    life: str
    sequence: int
    age_seconds: float
    """How long ago the report was recorded."""
    positions: Mapping[int, int]
    """Offset by partition up to which the report counts."""
    completeness: float | None
    """Share of the stream's partitions whose state was fresh, 0 to 1; None is unknown.

    Reports of dead letter topics do not say it; it is 1 then, and their checks speak for them.
    """
    blind: tuple[str, ...]
    """What the gauge could not vouch for, each with its reason."""
    checks: Mapping[str, CheckHealth]
    """By name; a check of which nothing was reported is unknown."""
    silent_after_seconds: float

    @property
    def trouble(self) -> str | None:
        """Why the stream cannot be relied on, the gravest reason first; None if it can be.

        Warnings are no trouble.
        """
        if self.age_seconds > self.silent_after_seconds:
            return f"the gauge is silent: no report for {duration(round(1000 * self.age_seconds))}"
        for level in (Level.FAIL, Level.UNKNOWN):
            for name, check in self.checks.items():
                if check.level is level:
                    return f"{name} says {level.value}: {check.reason}"
        if self.blind:
            return f"the gauge is blind: {self.blind[0]}"
        if self.completeness is None or self.completeness < 1:
            share = "an unknown share" if self.completeness is None else f"{self.completeness:.0%}"
            return f"the report holds {share} of the partitions"
        return None


class StreamHealthResource(dg.ConfigurableResource[Any]):
    """Reads what was reported of streams from the instance; nothing else is connected to."""

    silent_after_seconds: Annotated[
        float, Field(description="Age from which on a report says nothing of now.")
    ] = SILENT_AFTER_SECONDS

    def read(
        self,
        context: dg.AssetExecutionContext,
        asset_key: dg.AssetKey | str | list[str],
        checks: Iterable[str] | None = None,
    ) -> StreamHealth:
        """What was reported last of a stream.

        Args:
            context: of the asset or op that asks.
            asset_key: of the stream, or of one of its dead letter topics; text is split at `/`.
            checks: names of the checks that matter; all that are defined on the asset without it.

        Raises:
            NoReportError: nothing was ever reported of it.
        """
        if isinstance(asset_key, str):
            asset_key = asset_key.split("/")
        key = dg.AssetKey.from_coercible(asset_key)
        observation, reported_seconds = last_observation(context.instance, key)
        told: dict[str, Any] = {name: value.value for name, value in observation.metadata.items()}
        detail = told.get("detail") or {}
        names = _checks_of(context, key) if checks is None else checks
        return StreamHealth(
            asset_key=key,
            life=told.get("life", ""),
            sequence=told.get("sequence", 0),
            age_seconds=time.time() - reported_seconds,
            positions={row[0]: row[1] for row in detail.get("positions", {}).get("rows", ())},
            completeness=told.get("completeness", None if "records" in told else 1.0),
            blind=tuple(f"{each['what']}, {each['reason']}" for each in detail.get("blind", ())),
            checks={name: _check(context, dg.AssetCheckKey(key, name)) for name in sorted(names)},
            silent_after_seconds=self.silent_after_seconds,
        )

    def demand(
        self,
        context: dg.AssetExecutionContext,
        asset_key: dg.AssetKey | str | list[str],
        checks: Iterable[str] | None = None,
    ) -> StreamHealth:
        """The same, where the stream can be relied on.

        Raises:
            NoReportError: nothing was ever reported of it.
            StreamTroubleError: why it cannot.
        """
        health = self.read(context, asset_key, checks)
        if health.trouble is not None:
            raise StreamTroubleError(f"{health.asset_key.to_user_string()}: {health.trouble}")
        return health


def _checks_of(context: dg.AssetExecutionContext, key: dg.AssetKey) -> list[str]:
    graph = context.repository_def.asset_graph  # that of the job has only what it executes
    known = [check.name for check in graph.asset_check_keys if check.asset_key == key]
    # of silence the age of the report tells, also where no sensor evaluates that check
    return [name for name in known if name != CHECK_NAME]


def _check(context: dg.AssetExecutionContext, key: dg.AssetCheckKey) -> CheckHealth:
    try:
        evaluation, _ = last_evaluation(context.instance, key)
        level = Level(str(evaluation.metadata["level"].value))
        return CheckHealth(level, str(evaluation.metadata["reason"].value))
    except NoReportError as error:
        return CheckHealth(Level.UNKNOWN, str(error))
    except (KeyError, ValueError):
        return CheckHealth(Level.UNKNOWN, "its last evaluation is not of a gauge")
