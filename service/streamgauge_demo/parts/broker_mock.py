"""librdkafka's mock broker in this process: no Java, no container, and less than a broker.

The library inside the confluent_kafka wheel exports the functions of `rdkafka_mock.h`; they are
called through ctypes.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import TYPE_CHECKING, Final

import confluent_kafka

from streamgauge_demo.parts.broker_contract import NO_CONFIG, Broker, BrokerUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMITS: Final = (
    "Topics have no configuration, and those that a client creates by asking have 4 partitions.",
    "A partition keeps at most 5 MiB or 100,000 batches.",
    "An empty fetch waits its full time: keep fetch_max_wait_ms between 20 and 50.",
    "Groups and topics cannot be listed, described or deleted through the admin API.",
    "A group of aiokafka consumers has one member; a second one is refused.",
    "Offsets cannot be looked up by time, and read_committed sees aborted records.",
    "There is no security: no TLS, no SASL, no rights.",
    "Everything is in the memory of the process that launched it and ends with that process.",
)
"""Measured with aiokafka 0.14 and librdkafka 2.16."""

_PRODUCER: Final = 0
_ERROR_BYTES: Final = 512
_BROKERS: Final = 1
_REBALANCE_DELAY_MS: Final = 100
_HANDLE, _TEXT, _INT, _SIZE = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
_SIGNATURES: Final[Mapping[str, tuple[type | None, tuple[type, ...]]]] = {
    "rd_kafka_conf_new": (_HANDLE, ()),
    "rd_kafka_conf_set": (_INT, (_HANDLE, _TEXT, _TEXT, _TEXT, _SIZE)),
    "rd_kafka_new": (_HANDLE, (_INT, _HANDLE, _TEXT, _SIZE)),
    "rd_kafka_destroy": (None, (_HANDLE,)),
    "rd_kafka_err2str": (_TEXT, (_INT,)),
    "rd_kafka_mock_cluster_new": (_HANDLE, (_HANDLE, _INT)),
    "rd_kafka_mock_cluster_bootstraps": (_TEXT, (_HANDLE,)),
    "rd_kafka_mock_cluster_destroy": (None, (_HANDLE,)),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, (_HANDLE, ctypes.c_int32)),
    "rd_kafka_mock_topic_create": (_INT, (_HANDLE, _TEXT, _INT, _INT)),
}
"""Result and argument types, from rdkafka.h and rdkafka_mock.h."""


class MockBroker(Broker):
    """A mock cluster of one broker on 127.0.0.1.

    Args:
        because: one sentence for each reason why this is not a real broker; they lead `limits`.

    Raises:
        BrokerUnavailableError: the wheel has no librdkafka of its own, or it refuses.
    """

    def __init__(self, because: tuple[str, ...] = ()) -> None:
        self._library: Final = _load_library()
        error = ctypes.create_string_buffer(_ERROR_BYTES)
        configuration = self._library.rd_kafka_conf_new()
        self._library.rd_kafka_conf_set(configuration, b"log_level", b"0", error, _ERROR_BYTES)
        self._client = self._library.rd_kafka_new(_PRODUCER, configuration, error, _ERROR_BYTES)
        if not self._client:
            raise BrokerUnavailableError(f"librdkafka refused: {error.value.decode()}")
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._client, _BROKERS)
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(
            self._cluster, _REBALANCE_DELAY_MS
        )
        bootstrap_servers = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        super().__init__("mock", bootstrap_servers, (*because, *LIMITS))

    def create_topic(
        self, name: str, partitions: int = 1, config: Mapping[str, str] = NO_CONFIG
    ) -> None:
        """Create a topic with one replica; raises as declared by `Broker`."""
        if config:
            raise ValueError(f"librdkafka's mock broker has no topic configuration: {dict(config)}")
        refused = self._library.rd_kafka_mock_topic_create(
            self._cluster, name.encode(), partitions, 1
        )
        if refused:
            reason = self._library.rd_kafka_err2str(refused).decode()
            raise RuntimeError(f"topic {name} was not created: {reason}")

    def stop(self) -> None:
        """End the cluster's threads and forget all records; a second call does nothing."""
        if self._client:
            self._library.rd_kafka_mock_cluster_destroy(self._cluster)
            self._library.rd_kafka_destroy(self._client)
            self._client = None


def _load_library() -> ctypes.CDLL:
    """Load the library of the wheel, of which the process then has one copy (Linux, macOS)."""
    package = Path(confluent_kafka.__file__).parent
    found = [
        *(package.parent / "confluent_kafka.libs").glob("librdkafka*.so*"),
        *(package / ".dylibs").glob("librdkafka*.dylib"),
    ]
    if not found:
        raise BrokerUnavailableError(f"no librdkafka beside {package}; install the PyPI wheel")
    library = ctypes.CDLL(str(found[0]))
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
