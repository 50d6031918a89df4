"""One evaluation of all checks of a stream: measures, standings, verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.checks.standing import first_standing, judge
from streamgauge.core.snapshot import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamgauge.core.checks.reported import ReportedCheck
    from streamgauge.core.checks.standing import Standing
    from streamgauge.core.snapshot import Snapshot


class Evaluation:
    """The checks of one stream with their standings."""

    def __init__(self, reported: Sequence[ReportedCheck]) -> None:
        self._reported = reported
        self._standings: dict[tuple[tuple[str, ...], str], Standing] = {}

    @property
    def checks(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        """Asset key and name of each check."""
        return tuple((each.subject.asset_key, each.name) for each in self._reported)

    def forget(self) -> None:
        """Judge everything anew."""
        self._standings.clear()

    def resume(self, standings: Mapping[tuple[tuple[str, ...], str], Standing]) -> None:
        """Go on from what was told before, where nothing was evaluated here yet."""
        for key in self.checks:
            if key in standings:
                self._standings.setdefault(key, standings[key])

    def evaluate(self, snapshot: Snapshot) -> tuple[Verdict, ...]:
        """Move every standing by what the snapshot shows and tell it."""
        return tuple(self._verdict(reported, snapshot) for reported in self._reported)

    def _verdict(self, reported: ReportedCheck, snapshot: Snapshot) -> Verdict:
        check, subject, now_ms = reported.check, reported.subject, snapshot.as_of_ms
        measure = check.measure(snapshot, subject)
        key = (subject.asset_key, reported.name)
        before = self._standings.get(key) or first_standing(now_ms)
        standing = judge(check, reported.policy, measure, before, now_ms)
        self._standings[key] = standing
        return Verdict(
            check=reported.name,
            asset_key=subject.asset_key,
            level=standing.level,
            reason=standing.reason,
            value=standing.value,
            unit=check.unit,
            limit=standing.limit,
            since_ms=standing.since_ms,
            breaches=standing.breaches,
        )
