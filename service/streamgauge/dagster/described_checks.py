"""Evaluations by GraphQL, for the sake of their descriptions, while that is a way to Dagster."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from streamgauge.dagster.check_mutation import (
    mutation,
    probe_question,
    read_mutated,
    read_probe,
)
from streamgauge.dagster.graphql import AnswerError
from streamgauge.dagster.outcome import Accepted, Ambiguous, Misconfigured, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamgauge.dagster.outcome import Outcome
    from streamgauge.dagster.transport import Transport

ASK_AGAIN_SECONDS: Final = 60.0
"""GraphQL that was refused, throttled or unclear is not tried again before this time."""

_Check: TypeAlias = "tuple[tuple[str, ...], str]"


class DescribedChecks:
    """Whether the server takes descriptions is asked once for each contact with it.

    What GraphQL cannot do now goes by REST: a description is worth less than the evaluation. One
    whose fate is unclear does not, for it would be stored twice; unless that happens twice in a
    row.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._takes_descriptions: bool | None = None
        self._ask_from_seconds = 0.0
        self._unclear: dict[_Check, float] = {}
        """Checks whose last mutation had no clear answer, and until when they go by REST."""

    def ask_anew(self) -> None:
        """Something went wrong: another server may stand there by now."""
        self._takes_descriptions = None
        self._ask_from_seconds = 0.0

    async def report(self, body: Mapping[str, Any]) -> Outcome | None:
        """What became of the evaluation, None if it has to go by REST."""
        unreached = await self._ask()
        check = (tuple(body["asset_key"]), body["check_name"])
        if unreached is not None or not self._takes_descriptions:
            return unreached
        if self._unclear.get(check, 0.0) > _now_seconds():
            return None
        outcome = await self._mutate(body)
        match outcome:
            case Accepted():
                self._unclear.pop(check, None)
            case Ambiguous():
                again = check in self._unclear
                self._unclear[check] = _now_seconds() + ASK_AGAIN_SECONDS if again else 0.0
                return None if again else outcome
            case Unavailable(unreached=True):
                return outcome
            case Misconfigured() | Unavailable():
                self._ask_later()
                return None
        return outcome

    async def _ask(self) -> Unavailable | None:
        """Learn whether the server takes descriptions; the trouble if there is no contact."""
        if self._takes_descriptions is not None or _now_seconds() < self._ask_from_seconds:
            return None
        answer = await self._transport.post("graphql", probe_question())
        if isinstance(answer, Unavailable) and answer.unreached:
            return answer
        try:
            self._takes_descriptions = read_probe(answer) if isinstance(answer, bytes) else None
        except AnswerError:
            self._takes_descriptions = None
        if self._takes_descriptions is None:
            self._ask_later()
        return None

    async def _mutate(self, body: Mapping[str, Any]) -> Outcome:
        answer = await self._transport.post("graphql", mutation(body))
        try:
            return read_mutated(answer) if isinstance(answer, bytes) else answer
        except AnswerError as error:
            return Misconfigured(str(error))

    def _ask_later(self) -> None:
        self._takes_descriptions = None
        self._ask_from_seconds = _now_seconds() + ASK_AGAIN_SECONDS


def _now_seconds() -> float:
    return asyncio.get_running_loop().time()
