"""What a gauge last said of a stream, and whether it can be relied on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

from streamgauge.core.wording import duration
from streamgauge.model import Level
from streamgauge_dagster.reports import REPLAYED
from streamgauge_dagster.sensors.retold import versioned

if TYPE_CHECKING:
    from collections.abc import Mapping


class StreamTroubleError(RuntimeError):
    """The stream cannot be relied on now; says why."""


@dataclass(frozen=True, slots=True)
class CheckHealth:
    """What a check said last."""

    level: Level
    """Unknown also where nothing was said of it, or too long ago to be a pass."""
    reason: str


@dataclass(frozen=True, slots=True)
class StreamHealth:
    """A stream as its gauge reported it last."""

    asset_key: dg.AssetKey
    life: str
    sequence: int
    data_version: str
    """Changes with new records alone."""
    reported_seconds: float
    """When the report was recorded, since the epoch."""
    age_seconds: float
    """How long ago that was."""
    positions: Mapping[int, int]
    """Offset by partition up to which the report counts."""
    positions_left_out: int
    """Partitions that the report had no room for."""
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
        if self.positions_left_out:
            return f"the report has no room for the offsets of {self.positions_left_out} partitions"
        return None

    def metadata(self) -> dict[str, dg.MetadataValue[Any]]:
        """What a run has built on, with types, for the metadata of what it materializes."""
        value = dg.MetadataValue
        told: dict[str, dg.MetadataValue[Any]] = {
            "stream": value.asset(self.asset_key),
            "stream_life": value.text(self.life),
            "stream_sequence": value.int(self.sequence),
            "stream_reported": value.timestamp(self.reported_seconds),
            "stream_positions": value.json({str(p): at for p, at in self.positions.items()}),
        }
        return told | ({} if self.trouble is None else {"stream_trouble": value.text(self.trouble)})

    def observation(self, description: str | None = None) -> dg.AssetObservation:
        """The same as an observation of the stream, for `context.log_event()`.

        It has the data version of the report: to Dagster one without it would be new data, and
        launch whatever is built on the stream.

        Args:
            description: what the run has done with the stream.
        """
        replayed = dg.MetadataValue.timestamp(self.reported_seconds)
        return dg.AssetObservation(
            self.asset_key,
            description=description,
            metadata={**self.metadata(), REPLAYED: replayed},
            tags=versioned(self.data_version),
        )
