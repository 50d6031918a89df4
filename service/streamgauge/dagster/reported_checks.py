"""Which evaluations of checks are to be reported, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamgauge.core.snapshot import Snapshot, Verdict
    from streamgauge.dagster.graphql import AssetKey
    from streamgauge.model import Level

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
        self._on_their_way: set[CheckKey] = set()

    def due(
        self, snapshots: Iterable[Snapshot], now_seconds: float, every_seconds: float
    ) -> list[tuple[Verdict, Snapshot]]:
        """Changed levels first, of these dead letters first; then what was told longest ago.

        A verdict that was told is not told again until it was judged again: an old verdict that is
        repeated would look like a new one.
        """
        due = []
        for snapshot in snapshots:
            letters = {view.asset_key for view in snapshot.dead_letters}
            for verdict in snapshot.verdicts:
                told = self._told.get(_key(verdict, snapshot))
                changed = told is None or told.level is not verdict.level
                if changed or (
                    told is not None
                    and told.as_of_ms != snapshot.as_of_ms
                    and now_seconds - told.at_seconds >= every_seconds
                ):
                    at_seconds = 0.0 if changed or told is None else told.at_seconds
                    order = (not changed, verdict.asset_key not in letters, at_seconds)
                    due.append((order, verdict, snapshot))
        due.sort(key=lambda each: each[0])
        return [(verdict, snapshot) for _, verdict, snapshot in due]

    def begin(self, verdict: Verdict, snapshot: Snapshot) -> Told | None:
        """The evaluation goes out: from now on Dagster may have it or the former one (returned)."""
        self._on_their_way.add(_key(verdict, snapshot))
        return self._told.pop(_key(verdict, snapshot), None)

    def keep(self, verdict: Verdict, snapshot: Snapshot, told: Told | None) -> None:
        """What Dagster is known to have, None if it has nothing."""
        key = _key(verdict, snapshot)
        if told is not None and key in self._on_their_way:
            self._told[key] = told
        self._on_their_way.discard(key)

    def forget(self, stream: str) -> None:
        """Somebody else tells of this stream: what Dagster has of its checks is not known here.

        Nor does the answer to an evaluation that is on its way tell it.
        """
        self._told = {key: told for key, told in self._told.items() if key[0] != stream}
        self._on_their_way = {key for key in self._on_their_way if key[0] != stream}


def _key(verdict: Verdict, snapshot: Snapshot) -> CheckKey:
    return (snapshot.stream, verdict.asset_key, verdict.check)
