"""What lag the logs allow at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from streamgauge_demo.truth import Truth

SEEN_BEFORE_MS: Final = 3_000
"""How long before it is stored a lag may have been asked for: a poll, a tick and a busy machine."""


def lag_bounds(truth: Truth, service: str, stored_ms: int) -> tuple[int, int]:
    """The least and the greatest lag in the time before `stored_ms`, summed over the partitions.

    Orders and commits take effect at some time between their sending and their acknowledgement.
    """
    since_ms = stored_ms - SEEN_BEFORE_MS
    least = _ends(truth, since_ms, certain=True) - _done(truth, service, stored_ms, certain=False)
    most = _ends(truth, stored_ms, certain=False) - _done(truth, service, since_ms, certain=True)
    return max(0, least), most


def _ends(truth: Truth, at_ms: int, *, certain: bool) -> int:
    """Orders that were surely, or possibly, in the topic."""
    return sum((o.acked_ms if certain else o.sent_ms) <= at_ms for o in truth.sent)


def _done(truth: Truth, service: str, at_ms: int, *, certain: bool) -> int:
    """Orders that were surely, or possibly, committed."""
    last: dict[int, int] = {}
    for commit in truth.commits_of(service):
        if (commit.ended_ms if certain else commit.began_ms) <= at_ms:
            last.update(commit.offsets)
    return sum(last.values())
