"""Which evaluations of checks are to be reported, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, TypeAlias

from streamgauge.model import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamgauge.core.snapshot import Snapshot, Verdict
    from streamgauge.dagster.graphql import AssetKey

CheckKey: TypeAlias = "tuple[str, AssetKey, str]"
"""Stream, asset and name: streams may share a dead letter topic and judge it differently."""


@dataclass(frozen=True, slots=True)
class Told:
    """The last evaluation that Dagster has acknowledged."""

    level: Level
    as_of_ms: int
    at_seconds: float
    """On the event loop's clock."""


class ReportedChecks:
    """Evaluations carry no counts, so one whose fate is unknown simply goes out again."""

    def __init__(self) -> None:
        self._told: dict[CheckKey, Told] = {}
        self._under_way: set[CheckKey] = set()
        self._materialized: dict[AssetKey, float] = {}

    def due(
        self, snapshots: Iterable[Snapshot], now_seconds: float, every_seconds: float
    ) -> list[tuple[Verdict, Snapshot]]:
        """Urgent ones first, then new ones, dead letters before others; then the oldest told.

        A verdict that was told is not told again until it was judged again, for an old verdict
        that is repeated would look like a new one; unless its asset was materialized meanwhile.
        """
        period = (now_seconds, every_seconds)
        due = []
        for snapshot in snapshots:
            letters = {view.asset_key for view in snapshot.dead_letters}
            for verdict in snapshot.verdicts:
                told = self._told.get(_key(verdict, snapshot))
                changed = told is None or told.level is not verdict.level
                if told is None or changed or self._once_more(told, verdict, snapshot, period):
                    at_seconds = 0.0 if changed or told is None else told.at_seconds
                    urgent = self.is_urgent(verdict, snapshot)
                    order = (not urgent, not changed, verdict.asset_key not in letters, at_seconds)
                    due.append((order, verdict, snapshot))
        due.sort(key=lambda each: each[0])
        return [(verdict, snapshot) for _, verdict, snapshot in due]

    def is_urgent(self, verdict: Verdict, snapshot: Snapshot) -> bool:
        """Whether somebody waits for it: it may say another level than before, or trouble at first.

        What went out and was not clearly answered may have been another level.
        """
        key = _key(verdict, snapshot)
        told = self._told.get(key)
        if told is not None:
            return told.level is not verdict.level
        return key in self._under_way or verdict.level in {Level.WARN, Level.FAIL}

    def _once_more(
        self, told: Told, verdict: Verdict, snapshot: Snapshot, period: tuple[float, float]
    ) -> bool:
        """Whether an unchanged level is to be told again."""
        now_seconds, every_seconds = period
        if told.at_seconds < self._materialized.get(verdict.asset_key, -inf):
            return True
        judged_again = told.as_of_ms != snapshot.as_of_ms
        return judged_again and now_seconds - told.at_seconds >= every_seconds

    def materialized(self, asset_key: AssetKey, now_seconds: float) -> None:
        """Dagster now has a materialization of the asset: its checks are due once more.

        Dagster shows a check whose last evaluation is older than the last materialization of its
        asset as not executed.
        """
        self._materialized[asset_key] = now_seconds

    def begin(self, verdict: Verdict, snapshot: Snapshot) -> Told | None:
        """The evaluation goes out: from now on Dagster may have it or the former one (returned)."""
        key = _key(verdict, snapshot)
        self._under_way.add(key)
        return self._told.pop(key, None)

    def keep(self, verdict: Verdict, snapshot: Snapshot, told: Told | None) -> None:
        """What Dagster is known to have of what went out, None if it has nothing."""
        key = _key(verdict, snapshot)
        if key in self._under_way and told is not None:
            self._told[key] = told
        self._under_way.discard(key)

    def forget(self, stream: str) -> None:
        """Somebody else tells what the stream's checks say, also while something is under way."""
        self._told = {key: told for key, told in self._told.items() if key[0] != stream}
        self._under_way = {key for key in self._under_way if key[0] != stream}


def _key(verdict: Verdict, snapshot: Snapshot) -> CheckKey:
    return (snapshot.stream, verdict.asset_key, verdict.check)
