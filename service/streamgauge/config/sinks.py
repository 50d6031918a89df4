"""The sections that say where the gauge tells what it measures."""

from base64 import b64encode
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from streamgauge.config.durations import duration
from streamgauge.config.errors import Problem, RuleError
from streamgauge.config.network import HeaderName, Headers, Listen, Url
from streamgauge.config.section import Section
from streamgauge.config.values import LocalFile, Text, whole


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
    username: Text | None = None
    """User of basic authentication, which a proxy before Dagster may ask for."""
    password: SecretStr | None = None
    """Password of `username`."""
    password_file: LocalFile | None = None
    """File that holds `password`; one line break at its end is not part of it."""
    ca_file: LocalFile | None = None
    """Certificates (PEM) that the server's is checked with; without it those of the system."""
    report_every_ms: Annotated[int, duration("1s", "1d")] = 300_000
    """How often each stream is reported; a check that changes is reported at once."""
    report_checks_by: Literal["auto", "rest"] = "auto"
    """How evaluations of checks are sent: `auto` is GraphQL, with the reason as description, where
    Dagster takes it so, else REST, which has no description; `rest` never asks for GraphQL."""
    timeout_ms: Annotated[int, duration("100ms", "2m")] = 10_000
    """How long an answer is waited for."""

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        problems = list(_basic_problems(self))
        if problems:
            raise RuleError(problems)
        return self

    @property
    def token_is_bearer(self) -> bool:
        """Whether the token is what `Authorization` carries."""
        given = self.token is not None or self.token_file is not None
        return given and self.token_header.lower() == "authorization"

    def request_headers(self) -> dict[str, str]:
        """The headers of every request, those with secrets included: not to be logged."""
        headers = dict(self.headers)
        if self.username is not None and self.password is not None:
            credentials = f"{self.username}:{self.password.get_secret_value()}".encode()
            headers["Authorization"] = f"Basic {b64encode(credentials).decode('ascii')}"
        if self.token is not None:
            token = self.token.get_secret_value()
            headers[self.token_header] = f"Bearer {token}" if self.token_is_bearer else token
        return headers


def _basic_problems(dagster: Dagster) -> Iterator[Problem]:
    """What stands in the way of basic authentication (RFC 7617)."""
    username = dagster.username
    if username is None:
        for key in ("password", "password_file"):
            if getattr(dagster, key) is not None:
                yield Problem((key,), "has no effect without username")
        return
    if ":" in username:
        yield Problem(("username",), "must hold no colon, where basic authentication ends the name")
    if dagster.token_is_bearer:
        told = "cannot be sent beside a token in the header Authorization: keep one of the two"
        yield Problem(("username",), told)


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
