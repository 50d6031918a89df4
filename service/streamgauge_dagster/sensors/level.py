"""What an evaluation of a check says, as one of the gauge's levels."""

from __future__ import annotations

import dagster as dg

from streamgauge.model import Level
from streamgauge_dagster.sensors.metadata import text
from streamgauge_dagster.sensors.words import shortened


def level_of(evaluation: dg.AssetCheckEvaluation) -> Level:
    """The level that the gauge gave; of what is not the gauge's, what Dagster makes of it."""
    told = text(evaluation.metadata, "level")
    if told is not None and told in set(Level):
        return Level(told)
    if evaluation.passed:
        return Level.PASS
    return Level.FAIL if evaluation.severity is dg.AssetCheckSeverity.ERROR else Level.WARN


def severity_of(level: Level) -> dg.AssetCheckSeverity:
    """As the gauge has it: what is unknown is no error."""
    return dg.AssetCheckSeverity.ERROR if level is Level.FAIL else dg.AssetCheckSeverity.WARN


def reason_of(evaluation: dg.AssetCheckEvaluation) -> str:
    """Why it says so, in at most so many characters."""
    return shortened(
        text(evaluation.metadata, "reason") or evaluation.description or "no reason was given"
    )
