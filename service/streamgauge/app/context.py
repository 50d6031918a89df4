"""What the parts of one stream at work share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger

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
