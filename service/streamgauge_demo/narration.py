"""What is said while the story is told: what happens, and why it matters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamgauge_demo.play import Moment

PHASES: Final = {
    "healthy": (
        "All is well: 40 orders a second, and both services keep up. Each order is counted once,"
        " and its age is measured when it arrives."
    ),
    "slow consumer": (
        "billing's payment provider becomes slow. Nothing fails, nothing is logged:"
        " only the lag of billing tells that its orders wait."
    ),
    "poison": (
        "20 orders that cannot be processed: 14 that fulfillment gives up, 6 that billing will"
        " give up when it gets to them. A dead letter topic is silent unless somebody watches it."
    ),
    "recovery": (
        "The provider is fast again. billing catches up, and a check may pass only when"
        " that is true."
    ),
}
_MARKS: Final = {"pass": "passes", "warn": "warns", "fail": "FAILS", "unknown": "is unknown"}


def narrate(before: Moment | None, now: Moment) -> Iterator[str]:
    """Give the sentences that are new since the moment before."""
    if now.phase is not None and (before is None or before.phase != now.phase):
        yield PHASES[now.phase]
    known = before.checks if before is not None else {}
    for name, check in now.checks.items():
        level = known.get(name, {}).get("level")
        if level is not None and level != check["level"]:
            yield f"{name} {_MARKS[check['level']]}: {check['reason']}"
