"""Azure Event Hubs as the Kafka cluster that it also is.

Source: learn.microsoft.com, "Azure Event Hubs for Apache Kafka": port 9093, SASL_SSL with PLAIN,
the user `$ConnectionString` and as its password the connection string.
"""

# Dagster resolves the annotations of these fields, so they must not be turned into text.

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import dagster as dg
from pydantic import Field

from streamgauge.config import ConfigError
from streamgauge.config.errors import shown

PORT: Final = 9093
_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_DOMAIN: Final = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_BEGINNING: Final = "Endpoint=sb://"


class EventHubs(dg.Model, dg.Resolvable):
    """A namespace of Azure Event Hubs, through its Kafka endpoint; a topic is an event hub."""

    namespace: Annotated[str, Field(description="Name of the namespace, without the domain.")]
    domain: Annotated[
        str, Field(description="Domain of the namespace; other clouds have another.")
    ] = "servicebus.windows.net"
    connection_string_variable: Annotated[
        str | None,
        Field(description="Environment variable with the connection string; only polls need it."),
    ] = None

    @property
    def cluster(self) -> str:
        """What people call it."""
        return f"Azure Event Hubs, namespace {self.namespace}"

    def kafka(self) -> dict[str, Any]:
        """The section `kafka` of a gauge's file, without the secret.

        Raises:
            ConfigError: what cannot be an address.
        """
        problems = list(self._problems())
        if problems:
            raise ConfigError(problems)
        return {
            "bootstrap_servers": f"{self.namespace}.{self.domain}:{PORT}",
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "PLAIN",
            "sasl_username": "$ConnectionString",
        }

    def connection_string(self, environ: Mapping[str, str]) -> str:
        """The secret; it stands in no message.

        Raises:
            ConfigError: it is not there, or is none.
        """
        name, where = self.connection_string_variable, "event_hubs.connection_string_variable"
        if name is None:
            told = "is missing: name the environment variable that holds the connection string"
            raise ConfigError([f"{where}: {told}"])
        secret = environ.get(name, "")
        if not secret:
            told = (
                f"{name} is not set where Dagster runs this code: set it to the connection string"
            )
            raise ConfigError([f"{where}: {told}"])
        if not secret.startswith(_BEGINNING):
            told = f"{name} holds no connection string: one begins with {_BEGINNING}"
            raise ConfigError([f"{where}: {told}"])
        return secret

    def _problems(self) -> Iterator[str]:
        if not _NAME.fullmatch(self.namespace):
            told = f"{shown(self.namespace)} is no name of a namespace"
            yield f"event_hubs.namespace: {told}: write shop-events for shop-events.{self.domain}"
        if not _DOMAIN.fullmatch(self.domain):
            told = f"{shown(self.domain)} is no domain: write for example servicebus.windows.net"
            yield f"event_hubs.domain: {told}"
