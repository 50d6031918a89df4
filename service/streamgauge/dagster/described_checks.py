"""Evaluations by GraphQL, for the sake of their descriptions, while that is a way to Dagster."""

from __future__ import annotations

import asyncio
import contextlib
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
    whose fate is unclear does not, for it would be stored twice; unless two in a row are unclear,
    of one check or of whichever checks.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._takes_descriptions: bool | None = None
        self._ask_from_seconds = 0.0
        self._unclear: dict[_Check, float] = {}
        """Checks whose last mutation had no clear answer, and until when they go by REST."""
        self._unclear_in_a_row = 0
        self._rest_until_seconds = 0.0

    def ask_anew(self) -> None:
        """Something went wrong: another server may stand there by now."""
        self._takes_descriptions = None
        self._ask_from_seconds = 0.0

    async def report(self, body: Mapping[str, Any]) -> Outcome | None:
        """What became of the evaluation, None if it has to go by REST."""
        unreached = await self._ask()
        check = (tuple(body["asset_key"]), body["check_name"])
        if unreached is not None or not self._takes_descriptions or self._goes_by_rest(check):
            return unreached
        outcome = await self._mutate(body)
        match outcome:
            case Accepted():
                self._unclear.pop(check, None)
                self._unclear_in_a_row = 0
            case Ambiguous():
                return None if self._is_unclear_again(check) else outcome
            case Misconfigured() | Unavailable(unreached=False):
                self._ask_later()
                return None
        return outcome

    def _goes_by_rest(self, check: _Check) -> bool:
        return _now_seconds() < max(self._rest_until_seconds, self._unclear.get(check, 0.0))

    def _is_unclear_again(self, check: _Check) -> bool:
        """Whether this was not the first mutation in a row, or of the check, that is unclear."""
        until_seconds = _now_seconds() + ASK_AGAIN_SECONDS
        again = check in self._unclear
        self._unclear[check] = until_seconds if again else 0.0
        self._unclear_in_a_row += 1
        if self._unclear_in_a_row > 1:
            self._rest_until_seconds = until_seconds
        return again or self._unclear_in_a_row > 1

    async def _ask(self) -> Unavailable | None:
        """Learn whether the server takes descriptions; the trouble if there is no contact."""
        if self._takes_descriptions is not None or _now_seconds() < self._ask_from_seconds:
            return None
        answer = await self._transport.post("graphql", probe_question())
        if isinstance(answer, Unavailable) and answer.unreached:
            return answer
        with contextlib.suppress(AnswerError):
            if isinstance(answer, bytes):
                self._takes_descriptions = read_probe(answer)
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
