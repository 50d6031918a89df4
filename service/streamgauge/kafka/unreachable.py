"""Why the brokers cannot be reached, which aiokafka's clients keep to themselves.

Their bootstrap says no more than that it failed; a connection of one's own raises the reason.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from aiokafka.conn import AIOKafkaConnection, collect_hosts
from aiokafka.errors import KafkaError, NoBrokersAvailable

from streamgauge.kafka.creation import NeverCreating
from streamgauge.kafka.errors import (
    BrokersUnavailableError,
    ConnectionSettingError,
    Unreachable,
)
from streamgauge.kafka.reasons import explain

if TYPE_CHECKING:
    from streamgauge.kafka.connection import Connection

MOST_TIMEOUT_MS: Final = 10_000
"""For each step of each connection; no step is waited for longer than the connection says."""
CLOSE_SECONDS: Final = 1.0
MOST_BROKERS: Final = 9
"""So many advertised addresses are tried; one that cannot be reached says enough."""


async def describe_failure(connection: Connection) -> tuple[Unreachable, ...]:
    """Try every bootstrap server, then the addresses that the brokers advertise.

    Returns:
        What cannot be reached, in plain words without secrets; empty if all can be reached now.
    """
    try:
        arguments = connection.security_arguments()
        hosts = collect_hosts(list(connection.bootstrap_servers), randomize=False)
    except ConnectionSettingError as error:
        return (error.unreachable,)
    except ValueError:
        text = ", ".join(connection.bootstrap_servers)
        return (Unreachable(f"bootstrap_servers {text}", "not host:port each", "correct them"),)
    knocks = [_knock(connection, arguments, f"broker {h}:{p}", h, p) for h, p, _ in hosts]
    answers = await asyncio.gather(*knocks)
    advertised = {broker for answer in answers if isinstance(answer, set) for broker in answer}
    seen = {(host, port) for host, port, _ in hosts}
    knocks = [
        _knock(connection, arguments, f"broker {n} at its advertised address {h}:{p}", h, p)
        for n, h, p in sorted(advertised)[:MOST_BROKERS]
        if (h, p) not in seen
    ]
    answers += await asyncio.gather(*knocks)
    return tuple(answer for answer in answers if isinstance(answer, Unreachable))


async def explained(
    connection: Connection, error: BrokersUnavailableError
) -> BrokersUnavailableError:
    """The same error with the reasons."""
    return BrokersUnavailableError(str(error), await describe_failure(connection))


async def _knock(
    connection: Connection, arguments: dict[str, Any], what: str, host: str, port: int
) -> Unreachable | set[tuple[int, str, int]]:
    """Connect and ask for the brokers: their ids, hosts and ports, or why that failed."""
    conn = AIOKafkaConnection(
        host,
        port,
        client_id=connection.client_id,
        request_timeout_ms=min(connection.request_timeout_ms, MOST_TIMEOUT_MS),
        **arguments,
    )
    connected = False
    try:
        await conn.connect()
        connected = True
        response = await conn.send(NeverCreating([]))
    except Exception as error:  # noqa: BLE001 - aiokafka's login raises anything at an odd answer
        connected = connected or isinstance(error, KafkaError)
        return explain(connection, what, error)
    finally:
        closing = conn.close()
        if connected:
            await asyncio.wait([closing], timeout=CLOSE_SECONDS)
    if not response.brokers:
        return explain(connection, what, NoBrokersAvailable())
    return {(node_id, host, port) for node_id, host, port, *_ in response.brokers}
