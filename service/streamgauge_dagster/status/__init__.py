"""Reports through the Dagster instance: what a gauge's status page says, fetched from inside."""

from streamgauge_dagster.status.document import Status, StatusError
from streamgauge_dagster.status.fetching import fetch_status
from streamgauge_dagster.status.job import status_job
from streamgauge_dagster.status.reporting import Reported, report_status

__all__ = ["Reported", "Status", "StatusError", "fetch_status", "report_status", "status_job"]
