"""What a check demands, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.config.durations import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamgauge.core.checks.policy import Check, Limit, Policy


def limit_words(check: Check, limit: Limit | None) -> str:
    """When it is breached: `above 100,000 records for 2m`; empty without a limit."""
    if limit is None:
        return ""
    bounds = (("above", limit.above), ("below", limit.below))
    told = [f"{side} {_amount(check, bound)}" for side, bound in bounds if bound is not None]
    return " or ".join(told) + (f" for {format_duration(limit.for_ms)}" if limit.for_ms else "")


def policy_words(check: Check, policy: Policy) -> Iterator[str]:
    """All that the policy says: limits, for how long a level is kept, and what no data means."""
    for verb, limit in (("warns", policy.warn), ("fails", policy.fail)):
        if limit is not None:
            yield f"**{verb}** {limit_words(check, limit)}"
    if policy.keep_failing_for_ms:
        kept = format_duration(policy.keep_failing_for_ms)
        yield f"keeps a level for {kept} after its last breach"
    yield f"says {policy.on_no_data.value} when there was nothing to measure"


def _amount(check: Check, bound: float) -> str:
    """Times as they are written in the configuration, which is exact; all else with its unit."""
    return format_duration(round(bound * 1000)) if check.unit == "s" else check.amount(bound)
