"""A replay as people read it: when the level changed and why, or what was expected instead."""

from __future__ import annotations

from collections import Counter
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Final

from streamgauge.app.table import table
from streamgauge.config.durations import format_duration
from streamgauge.core.wording import number
from streamgauge.model import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from streamgauge.app.replay import Judged, Moved, Replayed
    from streamgauge.config.series import Seen
    from streamgauge.core.checks.policy import Check, Limit

MOST_TOLD: Final = 20
"""Steps of a series that are told as not expected; of what is more, the number is."""


def as_text(judged: Judged, replayed: Sequence[Replayed], *, every_step: bool) -> str:
    """What the check demands, and what became of each series."""
    series = (_series(each, every_step=every_step) for each in replayed)
    return "\n".join([_demands(judged), *series])


def outcome(replayed: Sequence[Replayed]) -> str:
    """How many series came out as expected."""
    failed = sum(1 for each in replayed if each.failed)
    passed = sum(1 for each in replayed if each.is_test) - failed
    return f"{passed} passed, {failed} failed"


def _demands(judged: Judged) -> str:
    policy = judged.policy
    limits = (("warn", policy.warn), ("fail", policy.fail))
    told = [_limit(name, limit, judged.check) for name, limit in limits if limit is not None]
    keep = format_duration(policy.keep_failing_for_ms)
    return (
        f"{judged.name}: {'; '.join(told)}; keep_failing_for {keep};"
        f" on_no_data {policy.on_no_data.value}"
    )


def _series(replayed: Replayed, *, every_step: bool) -> str:
    """A series without expectations: a table of levels; one with them: whether they came true."""
    if not replayed.is_test:
        return "\n".join([replayed.name, *_table(replayed.steps, every_step=every_step)])
    failed = replayed.failed
    if not failed:
        return f"ok      {replayed.name}"
    rows = [("at", "value", "expected", "told", "why")]
    rows += [
        (
            format_duration(step.at_ms),
            _seen(step.seen),
            step.expected.value if step.expected else "",
            step.standing.level.value,
            step.standing.reason,
        )
        for step in failed[:MOST_TOLD]
    ]
    more = len(failed) - MOST_TOLD
    last = [f"  and {more} more"] if more > 0 else []
    return "\n".join([f"FAILED  {replayed.name}", *table(rows), *last])


def _table(steps: Sequence[Moved], *, every_step: bool) -> Iterator[str]:
    runs = (
        [[step] for step in steps]
        if every_step
        else [list(run) for _, run in groupby(steps, key=lambda step: step.standing.level)]
    )
    rows = [("at", "level", "value", "why")]
    for run in runs:
        first = run[0]
        level = first.standing.level.value
        rows.append((format_duration(first.at_ms), level, _range(run), first.standing.reason))
    yield from table(rows)
    yield f"  {_shares(steps)}"


def _shares(steps: Sequence[Moved]) -> str:
    """How long each level was told; a step lasts until the next one, the last one no time."""
    lasted: Counter[Level] = Counter()
    for step, following in pairwise(steps):
        lasted[step.standing.level] += max(0, following.at_ms - step.at_ms)
    told = {step.standing.level for step in steps}
    shares = [f"{level.value} {format_duration(lasted[level])}" for level in Level if level in told]
    return f"in all: {', '.join(shares)}"


def _range(run: Iterable[Moved]) -> str:
    """What was seen in these steps."""
    seen = [step.seen for step in run]
    values = [each.value for each in seen if each.value is not None]
    if not values:
        return _seen(seen[0])
    low, high = min(values), max(values)
    return number(low) if low == high else f"{number(low)} to {number(high)}"


def _seen(seen: Seen) -> str:
    if seen.value is None:
        return "unknown" if seen.blind else "none"
    return number(seen.value) + ("?" if seen.blind else "")


def _limit(name: str, limit: Limit, check: Check) -> str:
    bounds = {"above": limit.above, "below": limit.below}
    told = [f"{side} {check.amount(value)}" for side, value in bounds.items() if value is not None]
    lasting = f" for {format_duration(limit.for_ms)}" if limit.for_ms else ""
    return f"{name} {' or '.join(told)}{lasting}"
