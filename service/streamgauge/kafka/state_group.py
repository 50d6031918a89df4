"""The gauge's own group seen by somebody who is no member: who lives in it, what it keeps.

Such a commit (no member id, generation -1) is taken only while the group is empty, so it can never
come between a gauge at work and its state.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aiokafka.protocol.admin import DescribeGroupsRequest

from streamgauge.kafka.answers import (
    COORDINATOR_MOVES,
    GROUP_AUTHORIZATION_FAILED,
    Forbidden,
    Retry,
    describe_error,
)
from streamgauge.kafka.coordinator import find_coordinator
from streamgauge.kafka.errors import (
    BrokersUnavailableError,
    GroupRefusedError,
    UnexpectedAnswerError,
)
from streamgauge.kafka.membership import Identity
from streamgauge.kafka.slots import Answer, Fate, Slot, Slots

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from typing import TypeVar

    from streamgauge.kafka.wire import Wire

    AnswerT = TypeVar("AnswerT")

PATIENCE_SECONDS: Final = 10.0
"""How long a coordinator that moves or loads is asked again."""
PAUSE_SECONDS: Final = 0.5
_NO_GENERATION: Final = -1


@dataclass(frozen=True, slots=True)
class Member:
    """A process that is in the group at present."""

    client_id: str
    host: str


class StateGroup:
    """One group, asked from outside.

    Every method raises `GroupRefusedError` if a right is missing, `BrokersUnavailableError` if the
    coordinator does not answer in time and `UnexpectedAnswerError` if no rule covers its answer.
    """

    def __init__(self, wire: Wire, group: str) -> None:
        self._wire = wire
        self._slots = Slots(wire)
        self._group = group

    async def members(self) -> tuple[Member, ...]:
        """Who is in the group at present; nobody where there is no such group."""

        async def ask(outsider: Identity) -> tuple[Member, ...] | Retry | Forbidden:
            request = DescribeGroupsRequest([self._group])
            return _read_members(await self._wire.send(outsider.coordinator, request), self._group)

        return await self._answered(ask)

    async def read(self, places: Iterable[tuple[str, int]]) -> Mapping[tuple[str, int], Slot]:
        """The slots of these topics and partitions; what was never committed is absent."""
        wanted = tuple(places)
        if not wanted:
            return {}
        return await self._answered(lambda outsider: self._slots.read(outsider, wanted))

    async def commit(self, slots: Iterable[Slot]) -> Mapping[tuple[str, int], Answer]:
        """Commit slots; while a member lives the fate of each is `FENCED`."""
        wanted = tuple(slots)

        async def ask(outsider: Identity) -> Mapping[tuple[str, int], Answer] | Retry:
            answers = await self._slots.commit(outsider, wanted)
            later = [each for each in answers.values() if each.fate is Fate.LATER]
            return Retry(f"group {self._group}: {later[0].reason}") if later else answers

        return await self._answered(ask)

    async def _answered(
        self, ask: Callable[[Identity], Awaitable[AnswerT | Retry | Forbidden]]
    ) -> AnswerT:
        """Ask the coordinator, again while its answer says nothing of the group."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + PATIENCE_SECONDS
        while True:
            answer: AnswerT | Retry | Forbidden
            coordinator = await self._coordinator()
            answer = await ask(coordinator) if isinstance(coordinator, Identity) else coordinator
            if isinstance(answer, Forbidden):
                raise GroupRefusedError(f"the right {answer.right} is missing; grant it")
            if not isinstance(answer, Retry):
                return answer
            if clock() >= deadline:
                raise BrokersUnavailableError(answer.reason)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _coordinator(self) -> Identity | Retry | Forbidden:
        """Nobody's identity at the broker that coordinates the group."""
        found = await find_coordinator(self._wire, self._group, "READ")
        if not isinstance(found, int):
            return found
        return Identity(
            group=self._group,
            generation=_NO_GENERATION,
            member_id="",
            coordinator=found,
            holds=False,
            partitions=frozenset(),
        )


def _read_members(
    response: Any,  # noqa: ANN401 - untyped aiokafka
    group: str,
) -> tuple[Member, ...] | Retry | Forbidden:
    """Read a DescribeGroups response, version 0 to 3, that was asked for one group."""
    ((code, _, _, _, _, members, *_),) = response.groups
    if code in COORDINATOR_MOVES:
        return Retry(f"group {group}: {describe_error(code)}")
    if code == GROUP_AUTHORIZATION_FAILED:
        return Forbidden(f"READ on group {group}")
    if code:
        raise UnexpectedAnswerError(f"group {group}: {describe_error(code)}")
    return tuple(Member(client_id, host.lstrip("/")) for _, client_id, host, *_ in members)
