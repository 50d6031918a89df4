"""The guard that keeps aiokafka from creating topics by asking for them."""

from __future__ import annotations

import inspect
from typing import Any

import aiokafka.client
from aiokafka.errors import IncompatibleBrokerVersion
from aiokafka.protocol.metadata import MetadataRequest

from streamgauge.kafka.errors import UnsupportedClientError

_FIRST_VERSION_THAT_ASKS = 4
"""Metadata v4 brought `allow_auto_topic_creation` (KIP-204); before it asking means creating."""


class NeverCreating(MetadataRequest):  # type: ignore[misc]  # aiokafka publishes no types
    """A metadata request that never makes the broker create a topic."""

    def __init__(self, topics: list[str] | None = None) -> None:
        super().__init__(topics, allow_auto_topic_creation=False)

    def build(self, request_struct_class: Any) -> Any:  # noqa: ANN401 - aiokafka publishes no types
        """Build the request for the version the broker speaks.

        Raises:
            IncompatibleBrokerVersion: If that version cannot ask without creating.
        """
        if request_struct_class.API_VERSION < _FIRST_VERSION_THAT_ASKS:
            raise IncompatibleBrokerVersion(
                "the broker is older than Kafka 0.11: asking it for a topic creates the topic"
            )
        return super().build(request_struct_class)


def never_create_topics() -> None:
    """Make every aiokafka client of this process ask for metadata without creating topics.

    aiokafka's own metadata requests always allow the broker to create what they name, so that a
    mistyped or a deleted topic would come into being just by being watched. Doing it again
    changes nothing.

    Raises:
        UnsupportedClientError: If the installed aiokafka has no such seam; the gauge must not
            connect then.
    """
    if aiokafka.client.MetadataRequest is NeverCreating:
        return
    accepted = inspect.signature(MetadataRequest.__init__).parameters
    if (
        aiokafka.client.MetadataRequest is not MetadataRequest
        or "allow_auto_topic_creation" not in accepted
    ):
        raise UnsupportedClientError(
            f"aiokafka {aiokafka.__version__} cannot be kept from creating topics; "
            "install the aiokafka series that streamgauge declares"
        )
    aiokafka.client.MetadataRequest = NeverCreating
