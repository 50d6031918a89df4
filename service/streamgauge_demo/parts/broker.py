"""The one launcher of brokers for tests and the demo: the best kind that runs here.

In this order: the broker that `KAFKA_BOOTSTRAP` names, Apache Kafka in a container, Apache Kafka
in a Java process, librdkafka's mock broker. `STREAMGAUGE_BROKER=container|java|mock` forces one.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from streamgauge_demo.parts.broker_contract import Broker, BrokerUnavailableError, answers
from streamgauge_demo.parts.broker_java import launch_java_broker
from streamgauge_demo.parts.broker_mock import MockBroker

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Broker", "BrokerUnavailableError", "launch_broker"]

_GIVEN_TIMEOUT_SECONDS: Final = 5.0


def _launch_container_broker() -> Broker:
    from streamgauge_demo.parts.broker_container import (  # noqa: PLC0415 - half a second, for this alone
        launch_container_broker,
    )

    return launch_container_broker()


_REAL: Final[dict[str, Callable[[], Broker]]] = {
    "container": _launch_container_broker,
    "java": launch_java_broker,
}


def launch_broker() -> Broker:
    """Give a broker that answers; it is the caller's to `stop()`.

    Raises:
        BrokerUnavailableError: the forced kind cannot run here, or the given broker is silent.
        ValueError: `STREAMGAUGE_BROKER` names no kind.
    """
    forced = os.environ.get("STREAMGAUGE_BROKER")
    if forced:
        return _launch_kind(forced)
    given = os.environ.get("KAFKA_BOOTSTRAP")
    if given:
        return _use_given(given)
    because = []
    for kind, launch in _REAL.items():
        try:
            return launch()
        except BrokerUnavailableError as error:
            because.append(f"Apache Kafka does not run here by {kind}: {error}.")
    return MockBroker(tuple(because))


def _launch_kind(kind: str) -> Broker:
    if kind == "mock":
        return MockBroker(("STREAMGAUGE_BROKER asks for the mock broker.",))
    if kind not in _REAL:
        raise ValueError(f"STREAMGAUGE_BROKER is {kind!r}; it may be container, java or mock")
    return _REAL[kind]()


def _use_given(bootstrap_servers: str) -> Broker:
    if not answers(bootstrap_servers, _GIVEN_TIMEOUT_SECONDS):
        raise BrokerUnavailableError(
            f"KAFKA_BOOTSTRAP is {bootstrap_servers} and no broker answers there; start it or unset"
        )
    return Broker("given", bootstrap_servers)
