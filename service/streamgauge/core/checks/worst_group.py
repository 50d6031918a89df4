"""What checks of consumer groups share: a pattern is one check, judged by its worst group."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Final

from streamgauge.core.checks.policy import Measure, blind_about
from streamgauge.core.lag import matching
from streamgauge.model import Blind

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamgauge.core.checks.policy import Subject
    from streamgauge.core.snapshot import GroupView, Snapshot

ANSWER_HOLDS_MS: Final = 120_000
"""So long an answered poll tells of a group, inclusive: two polls at the longest interval."""


@dataclass(frozen=True, slots=True)
class SeenGroup:
    """One consumer group, and whether what is told of it can be vouched for."""

    snapshot: Snapshot
    name: str
    view: GroupView
    blind: Blind | None
    """Why nothing of the view may be so any more, None if it is as of now."""

    def not_known(self, reason: str, since_ms: int | None = None) -> Blind:
        """A part of it cannot be vouched for: since a time, or since it was answered last."""
        now_ms, life_ms = self.snapshot.as_of_ms, self.snapshot.life_start_ms
        answered_ms = life_ms if self.view.as_of_ms is None else min(self.view.as_of_ms, now_ms)
        return Blind(f"group {self.name}", answered_ms if since_ms is None else since_ms, reason)

    @property
    def never_committed(self) -> str:
        """The text of a measure that has nothing to measure."""
        return f"{self.name} has no committed offset on {self.snapshot.topic}"


def of_worst_group(
    of_group: Callable[[SeenGroup], Measure], *, least: bool = False
) -> Callable[[Snapshot, Subject], Measure]:
    """The measure of a configured name or pattern: that of the worst of the groups it stands for.

    It cannot be vouched for if that of one of them cannot.

    Args:
        of_group: measures one group.
        least: whether the least value is the worst, and not the greatest.
    """
    sign = -1 if least else 1

    def badness(measure: Measure) -> tuple[float, bool]:
        """Of equal ones the one that cannot be vouched for is worse; no value is best."""
        value = -inf if measure.value is None else sign * measure.value
        return value, measure.blind is not None

    def measure(snapshot: Snapshot, subject: Subject) -> Measure:
        name = subject.name
        measures = [
            _named(of_group(_seen(snapshot, group)), name, group)
            for group in matching(name, snapshot.groups)
        ]
        if not measures:
            text = f"no consumer group that the gauge may see matches {name}"
            whats = (f"group {name}", f"topic {snapshot.topic}")
            blind = next(filter(None, (blind_about(snapshot, what) for what in whats)), None)
            return Measure(text, blind=blind)
        worst = max(measures, key=badness)
        blind = worst.blind or next((each.blind for each in measures if each.blind), None)
        return replace(worst, blind=blind)

    return measure


def _named(measure: Measure, name: str, group: str) -> Measure:
    """The reason names the group where the check does not."""
    blind = measure.blind
    if blind is None or group == name:
        return measure
    return replace(measure, blind=replace(blind, reason=f"group {group}: {blind.reason}"))


def _seen(snapshot: Snapshot, group: str) -> SeenGroup:
    seen = SeenGroup(snapshot, group, snapshot.groups[group], None)
    return replace(seen, blind=blind_about(snapshot, f"group {group}") or _unanswered(seen))


def _unanswered(seen: SeenGroup) -> Blind | None:
    now_ms, as_of_ms = seen.snapshot.as_of_ms, seen.view.as_of_ms
    if as_of_ms is None:
        return seen.not_known("its committed offsets were not answered yet")
    if abs(now_ms - as_of_ms) > ANSWER_HOLDS_MS:  # after a clock was set back also ahead
        return seen.not_known("its committed offsets were not answered since then")
    return None
