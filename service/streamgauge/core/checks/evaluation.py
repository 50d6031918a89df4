"""One evaluation of all checks of a stream: measures, standings, verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.checks.policy import check_name
from streamgauge.core.checks.standing import first_standing, judge
from streamgauge.core.snapshot import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamgauge.core.checks.policy import Check, Measure, Policy
    from streamgauge.core.checks.standing import Standing
    from streamgauge.core.snapshot import Snapshot


class Evaluation:
    """The checks of one stream with their standings."""

    def __init__(self, checks: Sequence[Check], policies: Mapping[str, Policy]) -> None:
        self._checks = [(check, policies.get(check.name, check.default)) for check in checks]
        self._standings: dict[tuple[tuple[str, ...], str], Standing] = {}

    def evaluate(self, snapshot: Snapshot) -> tuple[Verdict, ...]:
        """Move every standing by what the snapshot shows and tell it.

        A check without any limit demands nothing and is not told.
        """
        return tuple(
            self._verdict(check, policy, measure, snapshot.as_of_ms)
            for check, policy in self._checks
            if policy.warn is not None or policy.fail is not None
            for measure in check.measure(snapshot)
        )

    def _verdict(self, check: Check, policy: Policy, measure: Measure, now_ms: int) -> Verdict:
        name = check_name(check.name, measure.name)
        key = (measure.asset_key, name)
        before = self._standings.get(key) or first_standing(now_ms)
        standing = judge(policy, measure, before, check.unit, now_ms)
        self._standings[key] = standing
        return Verdict(
            check=name,
            asset_key=measure.asset_key,
            level=standing.level,
            reason=standing.reason,
            value=standing.value,
            unit=check.unit,
            limit=standing.limit,
            since_ms=standing.since_ms,
        )
