"""Which broker answers for a group's commits and members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiokafka.protocol.coordination import FindCoordinatorRequest

from streamgauge.kafka.answers import GROUP_AUTHORIZATION_FAILED, Forbidden, Retry, describe_error
from streamgauge.kafka.errors import UnknownRequestError
from streamgauge.kafka.gathering import Gathering
from streamgauge.kafka.protocol.find_coordinator import CONSUMER_GROUP, CoordinatorsOfGroups

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import TypeAlias

    from streamgauge.kafka.wire import Wire

    Found: TypeAlias = int | Retry | Forbidden

GROUPS_AT_ONCE: Final = 100
"""Groups that one request names at most."""
REMEMBERED_MAX: Final = 10_000
"""Beyond it all are forgotten and looked up anew: nobody says when a group is gone."""


async def find_coordinator(wire: Wire, group: str, right: str) -> Found:
    """The id of the broker that coordinates the group now.

    Args:
        wire: to ask any broker.
        group: the group.
        right: what has to be granted on the group where it is refused, for example `DESCRIBE`.

    Raises:
        BrokersUnavailableError: If no broker answers.
    """
    response = await wire.send_to_any(FindCoordinatorRequest(group, CONSUMER_GROUP))
    return _found(response.error_code, response.coordinator_id, group, right)


class Coordinators:
    """Remembers each group's coordinator until it is forgotten; looks many up at a time.

    Args:
        wire: to ask any broker.
        right: as for `find_coordinator`.
    """

    def __init__(self, wire: Wire, right: str) -> None:
        self._wire = wire
        self._right = right
        self._known: dict[str, int] = {}
        self._unknown = Gathering(self._find, lambda _: GROUPS_AT_ONCE)

    async def of(self, group: str) -> Found:
        """The id of the broker that coordinates the group, as far as is known.

        Raises:
            BrokersUnavailableError: If no broker answers.
        """
        if group in self._known:
            return self._known[group]
        try:
            found = await self._unknown.ask(None, group)
        except UnknownRequestError:
            found = await find_coordinator(self._wire, group, self._right)
        if isinstance(found, int):
            if len(self._known) >= REMEMBERED_MAX:
                self._known.clear()
            self._known[group] = found
        return found

    def forget(self, group: str) -> None:
        """Look the group's coordinator up anew the next time."""
        self._known.pop(group, None)

    async def close(self) -> None:
        """Look nothing up any more."""
        await self._unknown.close()

    async def _find(self, _: None, groups: Collection[str]) -> dict[str, Found]:
        response = await self._wire.send_to_any(CoordinatorsOfGroups(groups))
        found: dict[str, Found] = {
            group: Retry(f"group {group}: the answer does not name it") for group in groups
        }
        for group, node_id, _, _, code, *_ in response.coordinators:
            found[group] = _found(code, node_id, group, self._right)
        return found


def _found(code: int, node_id: int, group: str, right: str) -> Found:
    if code == GROUP_AUTHORIZATION_FAILED:
        return Forbidden(f"{right} on group {group}")
    return Retry(f"group {group}: {describe_error(code)}") if code else node_id
