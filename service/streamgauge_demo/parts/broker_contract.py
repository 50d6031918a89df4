"""What every kind of broker gives to whoever launched it, however it came to run."""

from __future__ import annotations

import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined] # re-exported without a word
    AdminClient,
    NewTopic,
    OffsetSpec,
)

from streamgauge_demo.parts.stoppable import Stoppable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Kind = Literal["given", "container", "java", "mock"]
"""Where a broker came from; all but `mock` are real Apache Kafka or speak like it."""

NO_CONFIG: Final[Mapping[str, str]] = MappingProxyType({})
"""A topic with the broker's own defaults."""

_ADMIN_TIMEOUT_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.02


class BrokerUnavailableError(RuntimeError):
    """This kind of broker cannot run here; the message says why and what would help."""


class Broker(Stoppable):
    """A broker that answers, until `stop()`; as a context manager it stops on leaving.

    Attributes:
        kind: where it came from.
        bootstrap_servers: `host:port`, comma separated, as Kafka clients take it.
        limits: what this broker cannot do, one plain sentence each; empty for real Kafka.
    """

    def __init__(
        self,
        kind: Kind,
        bootstrap_servers: str,
        limits: tuple[str, ...] = (),
        on_stop: Callable[[], None] | None = None,
    ) -> None:
        self.kind: Final = kind
        self.bootstrap_servers: Final = bootstrap_servers
        self.limits: Final = limits
        self._on_stop = on_stop

    def create_topic(
        self, name: str, partitions: int = 1, config: Mapping[str, str] = NO_CONFIG
    ) -> None:
        """Create a topic with one replica and return when every partition is led.

        Raises:
            RuntimeError: the topic exists or the broker refused it.
            TimeoutError: created, but not led.
            ValueError: a configuration was given to a broker that has none.
        """
        admin = admin_client(self.bootstrap_servers)
        topic = NewTopic(name, num_partitions=partitions, replication_factor=1, config=dict(config))
        for created in admin.create_topics([topic]).values():
            try:
                created.result(_ADMIN_TIMEOUT_SECONDS)
            except KafkaException as error:
                raise RuntimeError(f"topic {name} was not created: {error}") from error
        deadline = time.monotonic() + _ADMIN_TIMEOUT_SECONDS
        while not _is_led(admin, name, partitions):
            if time.monotonic() > deadline:
                raise TimeoutError(f"topic {name} has no leaders {_ADMIN_TIMEOUT_SECONDS:.0f} s on")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Leave nothing behind of what was launched; a second call does nothing."""
        on_stop, self._on_stop = self._on_stop, None
        if on_stop is not None:
            on_stop()


def admin_client(bootstrap_servers: str) -> AdminClient:
    """Give an AdminClient that does not write its connection failures to standard error."""
    return AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})


def answers(bootstrap_servers: str, timeout_seconds: float) -> bool:
    """Tell whether a Metadata request is answered by a cluster that has a broker."""
    try:
        metadata = admin_client(bootstrap_servers).list_topics(timeout=timeout_seconds)
    except KafkaException:
        return False
    return bool(metadata.brokers)


def _is_led(admin: AdminClient, topic: str, partitions: int) -> bool:
    """Tell whether the leader of every partition says its end offset.

    Metadata name a leader before that one knows of its partitions.
    """
    end = OffsetSpec.latest()  # type: ignore[no-untyped-call] # published half typed
    wanted = {TopicPartition(topic, number): end for number in range(partitions)}
    try:
        for told in admin.list_offsets(wanted).values():
            told.result(_ADMIN_TIMEOUT_SECONDS)
    except KafkaException:
        return False
    return True
