"""What a Dagster project installs: definitions made from the sidecar's own configuration."""

from streamgauge_dagster.requirement import demand_dagster

demand_dagster()

from streamgauge_dagster.component import KafkaStreamComponent  # noqa: E402 - needs that Dagster
from streamgauge_dagster.definitions import build_definitions  # noqa: E402 - needs that Dagster
from streamgauge_dagster.health import (  # noqa: E402 - needs that Dagster
    StreamHealth,
    StreamHealthResource,
    StreamTroubleError,
)
from streamgauge_dagster.presentation import Presentation  # noqa: E402 - needs that Dagster
from streamgauge_dagster.reports import NoReportError  # noqa: E402 - needs that Dagster

__all__ = [
    "KafkaStreamComponent",
    "NoReportError",
    "Presentation",
    "StreamHealth",
    "StreamHealthResource",
    "StreamTroubleError",
    "build_definitions",
]
