"""A job that asks a gauge for its status and reports it: for gauges that cannot reach Dagster."""

# Dagster reads the annotations of an op's function, so here they must not be turned into text.

from collections.abc import Mapping, Sequence

import dagster as dg

from streamgauge_dagster.presentation import refuse_links
from streamgauge_dagster.status.document import StatusError
from streamgauge_dagster.status.fetching import fetch_status
from streamgauge_dagster.status.reporting import report_status


def status_job(  # noqa: PLR0913 - the settings of a job
    url: str | dg.EnvVar,
    *,
    streams: Sequence[str] | None = None,
    links: Mapping[str, str] | None = None,
    headers: Mapping[str, str | dg.EnvVar] | None = None,
    timeout_seconds: float = 10,
    name: str = "streamgauge_status",
) -> dg.JobDefinition:
    """A job of one op; `dg.ScheduleDefinition(job=..., cron_schedule="*/5 * * * *")` runs it.

    A run fails when the gauge does not answer, and nothing is reported then.

    Args:
        url: of the gauge's status document, such as `http://gauge:8080/status`, or the variable
            that holds it.
        streams: names of the streams that are wanted; all without it.
        links: addresses by name that stand with every observation.
        headers: of the request, such as a token of a proxy; secrets as `dg.EnvVar("NAME")`.
        timeout_seconds: how long an answer is waited for.
        name: of the job.

    Raises:
        ConfigError: a link that nobody could follow, or that holds a secret.
    """
    refuse_links(links or {})

    @dg.op(name=f"{name}_report", description="Asks the gauge, and reports what it says.")
    def report(context: dg.OpExecutionContext) -> None:
        try:
            status = fetch_status(url, headers=headers, timeout_seconds=timeout_seconds)
            done = report_status(context.instance, status, streams=streams, links=links)
        except StatusError as error:
            raise dg.Failure(str(error), allow_retries=True) from None
        context.log.info(
            "observed %s; evaluated %d checks", ", ".join(done.observations), done.evaluations
        )
        for asset, reason in done.not_observed.items():
            context.log.warning("%s is not observed: %s", asset, reason)

    @dg.job(name=name, description="Reports what a gauge says of its streams.")
    def job() -> None:
        report()

    return job
