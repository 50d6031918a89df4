"""The first contact of an aiokafka client with its brokers, within a time limit."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamgauge.kafka.errors import BrokersUnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from aiokafka.client import AIOKafkaClient

    from streamgauge.kafka.connection import Connection


async def bootstrap(
    client: AIOKafkaClient, connecting: Awaitable[None], connection: Connection
) -> None:
    """Wait until a client that is connecting knows its brokers.

    Raises:
        BrokersUnavailableError: If it knows none in time. aiokafka itself is content with none,
            which is what a broker shows to a token that it refuses.
    """
    try:
        async with asyncio.timeout(2 * connection.request_timeout_ms / 1000):
            await connecting
    except Exception as error:  # aiokafka's login code raises anything at an odd answer
        raise _unavailable(connection) from error
    if not client.cluster.brokers():
        raise _unavailable(connection)


def _unavailable(connection: Connection) -> BrokersUnavailableError:
    servers = ", ".join(connection.bootstrap_servers)
    return BrokersUnavailableError(f"none of {servers} lets the gauge in")
