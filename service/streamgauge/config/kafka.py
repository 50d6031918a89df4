"""The `kafka` section: how the brokers are reached and asked."""

from typing import Annotated, Literal, Self

from pydantic import SecretStr, model_validator

from streamgauge.config.durations import duration, format_duration
from streamgauge.config.errors import Problem, RuleError
from streamgauge.config.network import BootstrapServers, Url
from streamgauge.config.section import Section
from streamgauge.config.values import Flag, LocalFile, Text, whole


class Kafka(Section, title="kafka"):
    """The Kafka cluster that holds the topics, and how streamgauge proves who it is."""

    bootstrap_servers: BootstrapServers
    """Brokers that are asked first; the others are learned from them."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """What the listener of the brokers speaks."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = None
    """How a client proves who it is; needed with the SASL protocols."""
    sasl_username: Text | None = None
    """User of PLAIN and SCRAM."""
    sasl_password: SecretStr | None = None
    """Password of PLAIN and SCRAM."""
    sasl_password_file: LocalFile | None = None
    """File that holds `sasl_password`; one line break at its end is not part of it."""
    oauth_token_file: LocalFile | None = None
    """File that holds the token of OAUTHBEARER; it is read again for each new connection."""
    oauth_token_url: Url | None = None
    """Where OAUTHBEARER fetches a token with client credentials, if there is no token file."""
    oauth_client_id: Text | None = None
    """Client that `oauth_token_url` knows."""
    oauth_client_secret: SecretStr | None = None
    """Secret of `oauth_client_id`."""
    oauth_client_secret_file: LocalFile | None = None
    """File that holds `oauth_client_secret`; one line break at its end is not part of it."""
    oauth_scope: Text | None = None
    """Scope that is asked of `oauth_token_url`."""
    ssl_ca_file: LocalFile | None = None
    """Certificates (PEM) that the brokers' are checked with; without it those of the system."""
    ssl_certificate_file: LocalFile | None = None
    """Certificate (PEM) that streamgauge shows to the brokers."""
    ssl_key_file: LocalFile | None = None
    """Private key (PEM) of `ssl_certificate_file`."""
    ssl_key_password: SecretStr | None = None
    """Password of `ssl_key_file`."""
    ssl_key_password_file: LocalFile | None = None
    """File that holds `ssl_key_password`; one line break at its end is not part of it."""
    ssl_check_hostname: Flag = True
    """Whether a broker's certificate must name the host that was asked for."""
    client_id: Text = "streamgauge"
    """Name under which the brokers log and limit streamgauge."""
    poll_interval_ms: Annotated[int, duration("100ms", "1m")] = 1_000
    """How often committed and end offsets are asked for: the resolution of processed ages."""
    request_timeout_ms: Annotated[int, duration("1s", "5m")] = 30_000
    """How long an answer of a broker is waited for."""
    metadata_max_age_ms: Annotated[int, duration("1s", "1h")] = 30_000
    """How often topics and partitions are looked up anew."""
    connections_max_idle_ms: Annotated[int, duration("1s", "1h")] = 180_000
    """When an unused connection is closed."""
    fetch_max_wait_ms: Annotated[int, duration("50ms", "1m")] = 100
    """How long a broker waits for `fetch_min_bytes` before it answers a fetch."""
    fetch_min_bytes: Annotated[int, whole(1, 100 * 1024 * 1024)] = 65_536
    """Bytes that a fetch of a stream's topic waits for; dead letters are never waited with."""
    check_crcs: Flag = False
    """Whether the checksum of each batch is computed again, which costs time."""

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        problems = [*_sasl(self), *_oauth(self), *_ssl(self), *_times(self)]
        if problems:
            raise RuleError(problems)
        return self


def _sasl(kafka: Kafka) -> list[Problem]:
    protocol, mechanism = kafka.security_protocol, kafka.sasl_mechanism
    if protocol.startswith("SASL_") and mechanism is None:
        return [Problem(("sasl_mechanism",), f"is missing: {protocol} needs it")]
    if mechanism is not None and not protocol.startswith("SASL_"):
        told = f"has no effect with security_protocol {protocol}: set SASL_SSL or SASL_PLAINTEXT"
        return [Problem(("sasl_mechanism",), told)]
    password = _given(kafka, "sasl_password")
    if mechanism not in {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}:
        told = "has no effect: only sasl_mechanism PLAIN and SCRAM-SHA-* use it"
        return _set(kafka, ("sasl_username", password), told)
    if kafka.sasl_username is None:
        return [Problem(("sasl_username",), f"is missing: sasl_mechanism {mechanism} needs it")]
    return []


def _oauth(kafka: Kafka) -> list[Problem]:
    secret = _given(kafka, "oauth_client_secret")
    of_url = ("oauth_client_id", secret, "oauth_scope")
    if kafka.sasl_mechanism != "OAUTHBEARER":
        told = "has no effect: only sasl_mechanism OAUTHBEARER uses it"
        return _set(kafka, ("oauth_token_file", "oauth_token_url", *of_url), told)
    if kafka.oauth_token_file is not None:
        told = "has no effect beside oauth_token_file: keep one of the two ways to get a token"
        return _set(kafka, ("oauth_token_url", *of_url), told)
    if kafka.oauth_token_url is None:
        told = "is missing: OAUTHBEARER needs it, or oauth_token_file"
        return [Problem(("oauth_token_url",), told)]
    if kafka.oauth_client_id is None:
        return [Problem(("oauth_client_id",), "is missing: oauth_token_url needs it")]
    return []


def _ssl(kafka: Kafka) -> list[Problem]:
    password = _given(kafka, "ssl_key_password")
    of_key = ("ssl_certificate_file", "ssl_key_file", password)
    if kafka.security_protocol not in {"SSL", "SASL_SSL"}:
        told = f"has no effect with security_protocol {kafka.security_protocol}: no TLS is spoken"
        return _set(kafka, ("ssl_ca_file", *of_key), told)
    if kafka.ssl_certificate_file and not kafka.ssl_key_file:
        return [Problem(("ssl_key_file",), "is missing: ssl_certificate_file needs it")]
    if kafka.ssl_key_file and not kafka.ssl_certificate_file:
        return [Problem(("ssl_certificate_file",), "is missing: ssl_key_file needs it")]
    told = "has no effect: there is no ssl_key_file"
    return [] if kafka.ssl_key_file else _set(kafka, (password,), told)


def _times(kafka: Kafka) -> list[Problem]:
    problems = []
    timeout = format_duration(kafka.request_timeout_ms)
    if kafka.fetch_max_wait_ms >= kafka.request_timeout_ms:
        problems.append(Problem(("fetch_max_wait",), f"must be below request_timeout ({timeout})"))
    if kafka.connections_max_idle_ms <= kafka.request_timeout_ms:
        told = f"must be above request_timeout ({timeout})"
        problems.append(Problem(("connections_max_idle",), told))
    return problems


def _set(kafka: Kafka, names: tuple[str, ...], told: str) -> list[Problem]:
    """The same told of each of these settings that is set."""
    return [Problem((name,), told) for name in names if getattr(kafka, name) is not None]


def _given(kafka: Kafka, secret: str) -> str:
    """The name under which a secret was given."""
    return secret if getattr(kafka, f"{secret}_file") is None else f"{secret}_file"
