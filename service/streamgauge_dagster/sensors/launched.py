"""The runs that a trigger has launched, as their tags tell."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import dagster as dg

from streamgauge_dagster.sensors.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamgauge_dagster.sensors.pending import Pending
    from streamgauge_dagster.sensors.reported import Report

TRIGGER: Final = "streamgauge/trigger"
ASSET: Final = "streamgauge/asset"
TOTALS: Final = "streamgauge/totals"
_DONE: Final = frozenset(
    {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}
)


@dataclass(frozen=True, slots=True)
class Launched:
    """The newest run of a trigger."""

    run_id: str
    at_ms: int
    done: bool
    totals: Mapping[str, int]
    """By life, what it was launched for; empty if its tag was changed."""


def last_launched(instance: dg.DagsterInstance, trigger: str) -> Launched | None:
    """The newest run that this trigger has launched, also if its cursor knows nothing of it."""
    asked = dg.RunsFilter(tags={TRIGGER: trigger})
    for record in instance.get_run_records(asked, limit=1):
        run = record.dagster_run
        at_ms = round(record.create_timestamp.timestamp() * 1000)
        return Launched(run.run_id, at_ms, run.status in _DONE, _totals(run.tags.get(TOTALS)))
    return None


def run_request(trigger: str, report: Report, pending: Pending) -> dg.RunRequest:
    """A run for all that is pending.

    Its key is made of what was reported and not of where that is stored: a report that is stored
    twice has one key.
    """
    name = report.observation.asset_key.to_user_string()
    version = report.observation.data_version
    return dg.RunRequest(
        run_key=f"{name}:{report.life}:{report.sequence}:{version}",
        tags={
            TRIGGER: trigger,
            ASSET: name,
            "streamgauge/new": counted(pending.count, report.counted),
            TOTALS: json.dumps(pending.totals, separators=(",", ":")),
        },
    )


def _totals(text: str | None) -> Mapping[str, int]:
    try:
        told = json.loads(text or "{}")
    except ValueError:
        return {}
    pairs = told.items() if isinstance(told, dict) else ()
    return {life: total for life, total in pairs if isinstance(total, int)}
