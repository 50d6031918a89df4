"""What the parts of one stream at work share."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamgauge.kafka.tail import Tail

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from structlog.typing import FilteringBoundLogger

    from streamgauge.app.keeper import Keeper
    from streamgauge.app.sight import Sight
    from streamgauge.core.gauge import StreamGauge
    from streamgauge.kafka.cluster import Cluster, IsolationLevel


@dataclass(frozen=True, slots=True)
class StreamContext:
    """One stream's gauge, the cluster it is asked of, and where is told what is seen."""

    gauge: StreamGauge
    cluster: Cluster
    isolation_level: IsolationLevel
    sight: Sight
    log: FilteringBoundLogger
    now_ms: Callable[[], int]
    keeper: Keeper | None = None
    """None where counts live in memory alone."""
    start_tail: Callable[..., Awaitable[Tail]] = Tail.start
    """Connects and begins at positions, as `Tail.start` does."""

    @property
    def world(self) -> tuple[object, int]:
        """Changes when the log is another one, or the gauge's positions have jumped."""
        return self.gauge.life, 0 if self.keeper is None else self.keeper.restarts

    def begin_life(self, rewritten: str, why: str) -> None:
        """Start all totals at zero, because the log of this topic is another one now."""
        self.gauge.begin_life(new_life(), rewritten, self.now_ms(), why=why)
        if self.keeper is not None:
            self.keeper.jumped()


def new_life() -> str:
    """A name for a life that no other has."""
    return uuid.uuid4().hex[:16]
