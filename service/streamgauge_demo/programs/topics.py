"""The topics of the story, for brokers where nobody else has created them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge_demo.parts.broker_contract import Broker, admin_client

if TYPE_CHECKING:
    from collections.abc import Mapping

PARTITIONS: Final = 3
APPEND_TIME: Final[Mapping[str, str]] = {"message.timestamp.type": "LogAppendTime"}
"""The broker stamps each record when it appends it: then the age on arrival is exact."""
_TIMEOUT_SECONDS: Final = 15.0


def create_absent(bootstrap_servers: str, topic: str, dead_letters: str) -> None:
    """Create what is not there yet; what is there stays as it is.

    Raises:
        KafkaException: no broker answers.
        RuntimeError: the broker refuses.
    """
    there = admin_client(bootstrap_servers).list_topics(timeout=_TIMEOUT_SECONDS).topics
    broker = Broker("given", bootstrap_servers)
    for name, partitions in ((topic, PARTITIONS), (dead_letters, 1)):
        if name not in there:
            broker.create_topic(name, partitions, APPEND_TIME)
