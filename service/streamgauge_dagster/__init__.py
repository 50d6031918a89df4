"""What a Dagster project installs: definitions made from the sidecar's own configuration."""

from streamgauge_dagster.requirement import demand_dagster

demand_dagster()

from streamgauge_dagster.component import (  # noqa: E402 - needs that Dagster
    DeadLetters,
    KafkaStreamComponent,
)
from streamgauge_dagster.definitions import build_definitions  # noqa: E402 - needs that Dagster
from streamgauge_dagster.event_hubs import EventHubs  # noqa: E402 - needs that Dagster
from streamgauge_dagster.following import (  # noqa: E402 - needs that Dagster
    Alert,
    Following,
    FreshnessTrigger,
    Poll,
)
from streamgauge_dagster.health import (  # noqa: E402 - needs that Dagster
    CheckHealth,
    StreamHealth,
    StreamTroubleError,
)
from streamgauge_dagster.health_resource import StreamHealthResource  # noqa: E402 - needs that Dagster
from streamgauge_dagster.partitions import Partitions  # noqa: E402 - needs that Dagster
from streamgauge_dagster.presentation import Presentation  # noqa: E402 - needs that Dagster
from streamgauge_dagster.reports import NoReportError  # noqa: E402 - needs that Dagster
from streamgauge_dagster.status import (  # noqa: E402 - needs that Dagster
    StatusError,
    fetch_status,
    report_status,
    status_job,
)

__all__ = [
    "Alert",
    "CheckHealth",
    "DeadLetters",
    "EventHubs",
    "Following",
    "FreshnessTrigger",
    "KafkaStreamComponent",
    "NoReportError",
    "Partitions",
    "Poll",
    "Presentation",
    "StatusError",
    "StreamHealth",
    "StreamHealthResource",
    "StreamTroubleError",
    "build_definitions",
    "fetch_status",
    "report_status",
    "status_job",
]
