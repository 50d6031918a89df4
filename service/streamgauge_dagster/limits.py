"""What a check demands, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.config.durations import format_duration
from streamgauge.core.wording import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamgauge.core.checks.policy import Limit, Policy


def limit_words(limit: Limit | None, unit: str) -> str:
    """When it is breached: `above 100,000 records for 2m`; empty without a limit."""
    if limit is None:
        return ""
    bounds = (("above", limit.above), ("below", limit.below))
    told = [f"{side} {_amount(bound, unit)}" for side, bound in bounds if bound is not None]
    return " or ".join(told) + (f" for {format_duration(limit.for_ms)}" if limit.for_ms else "")


def policy_words(policy: Policy, unit: str) -> Iterator[str]:
    """All that the policy says: limits, for how long a level is kept, and what no data means."""
    for verb, limit in (("warns", policy.warn), ("fails", policy.fail)):
        if limit is not None:
            yield f"**{verb}** {limit_words(limit, unit)}"
    if policy.keep_failing_for_ms:
        kept = format_duration(policy.keep_failing_for_ms)
        yield f"keeps a level for {kept} after its last breach"
    yield f"says {policy.on_no_data.value} when there was nothing to measure"


def _amount(bound: float, unit: str) -> str:
    """Ages as they are written in the configuration, which is exact; all else with its unit."""
    return format_duration(round(bound * 1000)) if unit == "s" else f"{number(bound)} {unit}"
