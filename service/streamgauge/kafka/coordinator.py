"""Which broker answers for a group's commits and members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiokafka.protocol.coordination import FindCoordinatorRequest

from streamgauge.kafka.answers import GROUP_AUTHORIZATION_FAILED, Forbidden, Retry, describe_error

if TYPE_CHECKING:
    from streamgauge.kafka.wire import Wire

_CONSUMER_GROUP: Final = 0
"""Coordinator type of FindCoordinator."""


async def find_coordinator(wire: Wire, group: str, right: str) -> int | Retry | Forbidden:
    """The id of the broker that coordinates the group now.

    Args:
        wire: to ask any broker.
        group: the group.
        right: what has to be granted on the group where it is refused, for example `DESCRIBE`.

    Raises:
        BrokersUnavailableError: If no broker answers.
    """
    response = await wire.send_to_any(FindCoordinatorRequest(group, _CONSUMER_GROUP))
    code = response.error_code
    if code == GROUP_AUTHORIZATION_FAILED:
        return Forbidden(f"{right} on group {group}")
    if code:
        return Retry(f"group {group}: {describe_error(code)}")
    node_id: int = response.coordinator_id
    return node_id
