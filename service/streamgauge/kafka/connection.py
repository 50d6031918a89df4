"""How the gauge connects to Kafka: one place turns the settings into aiokafka's arguments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from streamgauge.kafka.errors import ConnectionSettingError, Unreachable
from streamgauge.kafka.tls import ssl_context
from streamgauge.kafka.tokens import token_provider

if TYPE_CHECKING:
    from pathlib import Path

    from streamgauge.kafka.tokens import TokenSource

PASSWORD_MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
MECHANISMS: Final = (*PASSWORD_MECHANISMS, "OAUTHBEARER")
PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where the brokers are and how to be let in; secrets never show in its text."""

    bootstrap_servers: tuple[str, ...]
    """`host:port` each, as Kafka clients take them."""
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    token: TokenSource | None = None
    """For OAUTHBEARER."""
    ssl_ca_file: Path | None = None
    """PEM; None trusts what the system trusts."""
    ssl_certificate_file: Path | None = None
    """PEM chain by which the gauge identifies itself."""
    ssl_key_file: Path | None = None
    """PEM; None looks for the key in the certificate file."""
    ssl_key_password: str | None = field(default=None, repr=False)
    ssl_check_hostname: bool = True
    client_id: str = "streamgauge"
    request_timeout_ms: int = 30_000
    """Azure Event Hubs wants at least 60,000."""
    metadata_max_age_ms: int = 60_000
    connections_max_idle_ms: int = 180_000
    """Below the 240 s after which Azure's load balancer drops a connection silently."""

    def security_arguments(self) -> dict[str, Any]:
        """Arguments that aiokafka's clients and `create_conn` share; files are read anew.

        Raises:
            ConnectionSettingError: If a setting is missing, contradicts another or names a file
                that cannot be used.
        """
        self._check()
        arguments: dict[str, Any] = {"security_protocol": self.security_protocol}
        if self.security_protocol.endswith("SSL"):
            arguments["ssl_context"] = ssl_context(
                ca_file=self.ssl_ca_file,
                certificate_file=self.ssl_certificate_file,
                key_file=self.ssl_key_file,
                key_password=self.ssl_key_password,
                check_hostname=self.ssl_check_hostname,
            )
        if self.security_protocol.startswith("SASL"):
            arguments["sasl_mechanism"] = self.sasl_mechanism
            if self.token is not None:
                arguments["sasl_oauth_token_provider"] = token_provider(self.token)
            else:
                arguments["sasl_plain_username"] = self.username
                arguments["sasl_plain_password"] = self.password
        return arguments

    def client_arguments(self) -> dict[str, Any]:
        """Arguments of `AIOKafkaClient` and `AIOKafkaConsumer`.

        Raises:
            ConnectionSettingError: As `security_arguments`.
        """
        return {
            "bootstrap_servers": list(self.bootstrap_servers),
            "client_id": self.client_id,
            "request_timeout_ms": self.request_timeout_ms,
            "metadata_max_age_ms": self.metadata_max_age_ms,
            "connections_max_idle_ms": self.connections_max_idle_ms,
            **self.security_arguments(),
        }

    def _check(self) -> None:
        if self.security_protocol not in PROTOCOLS:
            _refuse(
                "security_protocol", f"{self.security_protocol!r} is unknown", _one_of(PROTOCOLS)
            )
        if not self.security_protocol.startswith("SASL"):
            return
        if self.sasl_mechanism not in MECHANISMS:
            _refuse("sasl_mechanism", f"{self.sasl_mechanism!r} is unknown", _one_of(MECHANISMS))
        if self.sasl_mechanism == "OAUTHBEARER":
            if self.token is None:
                _refuse("token", "OAUTHBEARER needs one", "give a token file or a token endpoint")
        elif self.username is None or self.password is None or self.token is not None:
            _refuse(
                "username and password",
                f"{self.sasl_mechanism} needs both and no token",
                "give both, or set sasl_mechanism to OAUTHBEARER",
            )


def _one_of(names: tuple[str, ...]) -> str:
    return f"set one of {', '.join(names)}"


def _refuse(what: str, why: str, remedy: str) -> None:
    raise ConnectionSettingError(Unreachable(what=what, why=why, remedy=remedy))
