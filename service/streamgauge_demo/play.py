"""The minute in which the story is told: looks at everything, twice a second, until all is well."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from streamgauge_demo.programs.story import STORY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamgauge_demo.stage import Stage
    from streamgauge_demo.truth import Truth

ORDERS: Final = sum(phase.orders for phase in STORY)
_LOOK_SECONDS: Final = 0.5
_SETTLE_SECONDS: Final = 90.0
"""How long the services may need after the last order until everything is well again."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What is to be seen at one time.

    Attributes:
        seconds: since the story began.
        phase: the phase that began last, None before the first.
        sent: orders so far, by the producer's log.
        status: what the gauge says of the stream; empty if it says nothing.
    """

    seconds: float
    phase: str | None
    sent: int
    status: Mapping[str, Any]

    @property
    def checks(self) -> dict[str, Mapping[str, Any]]:
        """The gauge's checks by name."""
        return dict(self.status.get("checks", {}))

    @property
    def lags(self) -> dict[str, int | None]:
        """The gauge's lag by consumer group."""
        return {name: group["lag"] for name, group in self.status.get("groups", {}).items()}


def play(stage: Stage, show: Callable[[Moment], None]) -> None:
    """Tell the story and return when all is well again, or when it has taken too long for that.

    Raises:
        ProgramEndedError: a program ended although nobody asked it to.
    """
    stage.start_story()
    began = time.monotonic()
    ended = None
    while True:
        truth, status, now = stage.truth(), stage.status(), time.monotonic()
        stage.must_run()
        phase = truth.begun[-1] if truth.begun else None
        show(Moment(now - began, phase, len(truth.sent), status))
        if truth.ended:
            ended = now if ended is None else ended
            if _all_well(truth, status) or now - ended > _SETTLE_SECONDS:
                return
        time.sleep(_LOOK_SECONDS)


def _all_well(truth: Truth, status: Mapping[str, Any]) -> bool:
    """Whether the gauge has counted every order, every service has read it, and all checks pass."""
    return (
        status.get("totals", {}).get("records") == len(truth.sent)
        and all(group["lag"] == 0 for group in status["groups"].values())
        and all(check["level"] == "pass" for check in status["checks"].values())
    )
