"""Apache Kafka from its own container image, through testcontainers."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import docker.errors  # type: ignore[import-untyped] # published without type information
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient, get_docker_host

from streamgauge_demo.parts.broker_contract import Broker, BrokerUnavailableError, answers
from streamgauge_demo.parts.kafka_properties import CONTROLLER, PLAINTEXT, one_node_properties
from streamgauge_demo.parts.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGE: Final = "apache/kafka:4.3.1"

_DEFAULT_ENGINE: Final = "unix:///var/run/docker.sock"
_START_TIMEOUT_SECONDS: Final = 60.0
_PULL_TIMEOUT_SECONDS: Final = 30
_POLL_SECONDS: Final = 0.2
_PORT: Final = 9092
_CONTROLLER_PORT: Final = 9093


def launch_container_broker() -> Broker:
    """Start a one-node Kafka in a container; testcontainers' own settings are honoured.

    Raises:
        BrokerUnavailableError: no container engine answers, the image is not there and cannot be
            pulled within 30 s, or Kafka in it did not start.
    """
    socket = (get_docker_host() or _DEFAULT_ENGINE).removeprefix("unix://")
    if socket.startswith("/") and not Path(socket).exists():
        raise BrokerUnavailableError(f"no container engine: {socket} does not exist")
    with _told("no container engine answers"):
        client = DockerClient(timeout=_PULL_TIMEOUT_SECONDS)
    try:
        with _told(f"image {IMAGE} is not there and cannot be pulled"):
            _fetch_image(client)
        host = client.host()
    finally:
        client.client.close()
    (port,) = free_ports(1)
    address = f"{host}:{port}"
    container = DockerContainer(IMAGE, env=_environment(address)).with_bind_ports(_PORT, port)
    try:
        with _told("the container did not start"):
            container.start()
        _wait_until_ready(address)
    except BaseException:
        container.stop()
        raise
    return Broker("container", address, on_stop=container.stop)


def _fetch_image(client: DockerClient) -> None:
    """Pull the image if the engine has it not, within the limit."""
    try:
        client.client.images.get(IMAGE)
    except docker.errors.ImageNotFound:
        deadline = time.monotonic() + _PULL_TIMEOUT_SECONDS
        for event in client.client.api.pull(*IMAGE.split(":"), stream=True, decode=True):
            if "error" in event:
                raise BrokerUnavailableError(f"{IMAGE}: {event['error']}") from None
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {_PULL_TIMEOUT_SECONDS} s") from None


def _wait_until_ready(address: str) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_SECONDS
    while not answers(address, timeout_seconds=5.0):
        if time.monotonic() > deadline:
            raise BrokerUnavailableError(f"Kafka in {IMAGE} does not answer at {address}")
        time.sleep(_POLL_SECONDS)


def _environment(advertised: str) -> dict[str, str]:
    """Give the node's properties as the image takes them: `KAFKA_`, capitals, `.` as `_`."""
    properties = one_node_properties(_CONTROLLER_PORT) | {
        "listeners": (f"{PLAINTEXT}://0.0.0.0:{_PORT},{CONTROLLER}://127.0.0.1:{_CONTROLLER_PORT}"),
        "advertised.listeners": f"{PLAINTEXT}://{advertised}",
        "listener.security.protocol.map": f"{CONTROLLER}:PLAINTEXT,{PLAINTEXT}:PLAINTEXT",
    }
    return {f"KAFKA_{name.upper().replace('.', '_')}": text for name, text in properties.items()}


@contextmanager
def _told(failure: str) -> Iterator[None]:
    """Turn what the engine or the way to it throws into the reason why there is no broker."""
    try:
        yield
    except (docker.errors.DockerException, OSError) as error:  # OSError: also requests' errors
        raise BrokerUnavailableError(f"{failure} ({error})") from error
