"""From when on a gauge that reports nothing is silent."""

from __future__ import annotations

from typing import Final

from streamgauge.config.sinks import Dagster

PERIODS: Final = 3
"""Report periods that pass before a gauge is silent: one report may be late and one lost."""
LEAST_MS: Final = 60_000
"""A restart and a report that is sent again take their time, however short the period."""

SILENT_AFTER: Final = "silent_after_seconds"
"""Metadata of an asset: the age from which on its reports say nothing of now."""


def report_period_ms(dagster: Dagster | None) -> int:
    """How often the gauge reports.

    A file without the section leaves it to the gauge's environment; the default period counts then.
    """
    period_ms: int = Dagster.model_fields["report_every_ms"].default
    return period_ms if dagster is None else dagster.report_every_ms


def silent_after_ms(period_ms: int) -> int:
    """The age from which on a report says nothing of now."""
    return max(PERIODS * period_ms, LEAST_MS)
