"""A check's standing: its memory from one evaluation to the next, and the rules that move it.

Rules, in this order:
1. A limit is breached by a value beyond it; while the gauge is partly blind, only by one that lies
   beyond it for sure. The breach counts once it has lasted `for`.
2. A counting breach goes on counting until `keep_failing_for` after its last sighting.
3. Without a value a breach that does not count yet is forgotten; a counting one follows rule 2.
4. The level is FAIL if the breach of `fail` counts, else WARN if that of `warn` does,
   else UNKNOWN if the gauge is blind, else what `on_no_data` says without a value, else PASS.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from streamgauge.core.wording import duration, moment
from streamgauge.model import LagBound, Level

if TYPE_CHECKING:
    from streamgauge.core.checks.policy import Check, Limit, Measure, Policy


@dataclass(frozen=True, slots=True)
class Breach:
    """The memory of one limit."""

    since_ms: int | None = None
    """Start of the unbroken breach; None while the value keeps the limit."""
    last_ms: int | None = None
    """When the limit was last seen breached; None if never since it last stopped counting."""
    bound: float | None = None
    """The bound that was breached last."""
    counts: bool = False

    def moved(
        self,
        limit: Limit | None,
        measure: Measure,
        partly_blind: LagBound,
        keep_ms: int,
        now_ms: int,
    ) -> Breach:
        """Rules 1 to 3 for one evaluation.

        A clock that was set back moves what it has not reached again to now.
        """
        if limit is None:
            return Breach()
        bound = None
        if measure.value is not None:
            read = LagBound.EXACT if measure.blind is None else partly_blind
            bound = limit.breached_by(measure.value, read)
        if bound is not None:
            since_ms = now_ms if self.since_ms is None else min(self.since_ms, now_ms)
            return Breach(since_ms, now_ms, bound, self.counts or now_ms - since_ms >= limit.for_ms)
        if self.counts and self.last_ms is not None and now_ms - self.last_ms < keep_ms:
            return replace(self, since_ms=None, last_ms=min(self.last_ms, now_ms))
        return Breach()


@dataclass(frozen=True, slots=True)
class Standing:
    """What a check says, and what it must remember to say it."""

    level: Level
    since_ms: int
    reason: str
    value: float | None = None
    limit: float | None = None
    warn: Breach = field(default_factory=Breach)
    fail: Breach = field(default_factory=Breach)

    @property
    def breaches(self) -> dict[str, Breach]:
        """The breaches of which there is something to remember, by limit."""
        both = {"warn": self.warn, "fail": self.fail}
        return {name: each for name, each in both.items() if each != Breach()}


def first_standing(now_ms: int) -> Standing:
    """The standing of a check that was never evaluated."""
    return Standing(Level.UNKNOWN, now_ms, "not evaluated yet")


def judge(
    check: Check, policy: Policy, measure: Measure, before: Standing, now_ms: int
) -> Standing:
    """The standing after one evaluation, by the rules of this module."""
    keep_ms = policy.keep_failing_for_ms
    warn = before.warn.moved(policy.warn, measure, check.partly_blind, keep_ms, now_ms)
    fail = before.fail.moved(policy.fail, measure, check.partly_blind, keep_ms, now_ms)
    if fail.counts:
        level, limit, reason = Level.FAIL, fail.bound, _breached(check, measure, fail, now_ms)
    elif warn.counts:
        level, limit, reason = Level.WARN, warn.bound, _breached(check, measure, warn, now_ms)
    elif measure.blind is not None:
        level, limit = Level.UNKNOWN, None
        reason = f"blind since {moment(measure.blind.since_ms)}: {measure.blind.reason}"
    elif measure.value is None:
        level, limit, reason = policy.on_no_data, None, measure.text
    else:
        level, limit = Level.PASS, _nearest(policy)
        reason = _kept(check, measure, warn, fail, now_ms)
    return Standing(
        level=level,
        since_ms=before.since_ms if level is before.level else now_ms,
        reason=reason,
        value=measure.value,
        limit=limit,
        warn=warn,
        fail=fail,
    )


def _breached(check: Check, measure: Measure, breach: Breach, now_ms: int) -> str:
    limit = f"limit {check.amount(breach.bound)}"
    if breach.since_ms is not None and now_ms - breach.since_ms < 1000:
        return f"{measure.text} ({limit})"
    if breach.since_ms is not None:
        return f"{measure.text} ({limit}, breached for {duration(now_ms - breach.since_ms)})"
    if measure.blind is not None:
        return (
            f"{limit} was breached until {moment(breach.last_ms)}, "
            f"and since then the gauge is blind: {measure.blind.reason}"
        )
    return f"{measure.text}; {limit} was breached until {moment(breach.last_ms)}"


def _kept(check: Check, measure: Measure, warn: Breach, fail: Breach, now_ms: int) -> str:
    pending = fail if fail.since_ms is not None else warn
    if pending.since_ms is None:
        return measure.text
    return (
        f"{measure.text} (limit {check.amount(pending.bound)}, "
        f"breached only for {duration(now_ms - pending.since_ms)} so far)"
    )


def _nearest(policy: Policy) -> float | None:
    for limit in (policy.warn, policy.fail):
        if limit is not None:
            return limit.above if limit.above is not None else limit.below
    return None
