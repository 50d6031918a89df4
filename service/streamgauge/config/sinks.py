"""The sections that say where the gauge tells what it measures."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from streamgauge.config.durations import duration
from streamgauge.config.network import HeaderName, Headers, Listen, Url
from streamgauge.config.section import Section
from streamgauge.config.values import LocalFile, whole


class Dagster(Section, title="dagster"):
    """The Dagster instance that observations and check results are sent to.

    Without this section nothing is sent to Dagster.
    """

    base_url: Url
    """Where the Dagster webserver is found, with its path prefix if it has one."""
    headers: Headers = Field(default_factory=dict)
    """Headers of every request; secret ones are refused here, they go through `token`."""
    token: SecretStr | None = None
    """Token of every request."""
    token_file: LocalFile | None = None
    """File that holds `token`; one line break at its end is not part of it."""
    token_header: HeaderName = "Dagster-Cloud-Api-Token"  # noqa: S105 - its name, not its value
    """Header that carries the token; `Authorization` carries it as `Bearer <token>`."""
    ca_file: LocalFile | None = None
    """Certificates (PEM) that the server's is checked with; without it those of the system."""
    report_every_ms: Annotated[int, duration("1s", "1d")] = 300_000
    """How often each stream is reported; a check that changes is reported at once."""
    timeout_ms: Annotated[int, duration("100ms", "2m")] = 10_000
    """How long an answer is waited for."""

    def request_headers(self) -> dict[str, str]:
        """The headers of every request, the one with the token included: not to be logged."""
        headers = dict(self.headers)
        if self.token is not None:
            token = self.token.get_secret_value()
            bearer = self.token_header.lower() == "authorization"
            headers[self.token_header] = f"Bearer {token}" if bearer else token
        return headers


class Otlp(Section, title="otlp"):
    """Metrics and spans over OTLP.

    Without this section none are sent; `otlp: {}` sends them to where the `OTEL_*` variables of the
    OpenTelemetry SDK say.
    """

    spans_per_second: Annotated[int, whole(0, 10_000)] = 10
    """Spans that are sent at most in a second; 0: none."""
    series_max: Annotated[int, whole(1, 1_000_000)] = 2_000
    """Series that are sent at most; what is left out is counted."""
    exemplars_per_series: Annotated[int, whole(0, 1_000)] = 20
    """Exemplars that one series carries at most; 0: none."""


class Web(Section, title="web"):
    """Where the probes and the status document are served."""

    listen: Listen = "127.0.0.1:8080"
    """Address to listen on; port 0 is any free one, an IPv6 address stands in brackets."""

    @property
    def host(self) -> str:
        """The host part of `listen`, without brackets."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port part of `listen`."""
        return int(self.listen.rpartition(":")[2])


class Log(Section, title="log"):
    """What streamgauge writes to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important that is written."""
    format: Literal["json", "console"] = "json"
    """One JSON object per line, or text for people."""
