"""What people are told when a check says something else than before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from streamgauge.core.wording import moment
from streamgauge_dagster.sensors.level import reason_of
from streamgauge_dagster.sensors.metadata import number, seconds, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import dagster as dg

    from streamgauge.model import Level


@dataclass(frozen=True, slots=True)
class Alert:
    """A check that has changed. Nothing in it comes from the payload of a record."""

    check: dg.AssetCheckKey
    before: Level | None
    """What was told last; None: nothing was."""
    level: Level
    changes: int
    """How often it has changed since then."""
    evaluation: dg.AssetCheckEvaluation
    recorded_seconds: float
    """When Dagster recorded it."""

    def text(self, dagster_url: str | None) -> str:
        """For people: what, how bad, why and since when; and where to look."""
        before = f", it said {self.before} before" if self.before is not None else ""
        often = f", it changed {self.changes} times" if self.changes > 1 else ""
        since_ms = self._since_ms()
        since = "" if since_ms is None else f" Since {moment(since_ms)}."
        link = f"\n{self.link(dagster_url)}" if dagster_url else ""
        reason = reason_of(self.evaluation).removesuffix(".")
        return (
            f"{self.level.upper()}: {self.check.name} of {self.check.asset_key.to_user_string()}"
            f"{before}{often}: {reason}.{since}{link}"
        )

    def document(self, dagster_url: str | None) -> Mapping[str, Any]:
        """For programs; `text` is what a person reads. What is unknown is null."""
        told, since_ms = self.evaluation.metadata, self._since_ms()
        return {
            "text": self.text(dagster_url),
            "asset_key": list(self.check.asset_key.path),
            "check": self.check.name,
            "level": self.level.value,
            "before": None if self.before is None else self.before.value,
            "changes": self.changes,
            "reason": reason_of(self.evaluation),
            "since": None if since_ms is None else moment(since_ms),
            "reported_at": moment(round(self.recorded_seconds * 1000)),
            "value": number(told, "value"),
            "limit": number(told, "limit"),
            "unit": text(told, "unit"),
            "url": self.link(dagster_url) if dagster_url else None,
        }

    def link(self, dagster_url: str) -> str:
        """The check's page in Dagster."""
        key = "/".join(quote(part, safe="") for part in self.check.asset_key.path)
        name = quote(self.check.name, safe="")
        return f"{dagster_url.rstrip('/')}/assets/{key}?view=checks&checkDetail={name}"

    def _since_ms(self) -> int | None:
        found = seconds(self.evaluation.metadata, "since")
        return None if found is None else round(found * 1000)
