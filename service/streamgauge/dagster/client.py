"""The client of a Dagster webserver: reports, asks, and says what became of each request."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from streamgauge.dagster.described_checks import DescribedChecks
from streamgauge.dagster.graphql import (
    AnswerError,
    AssetKey,
    LastReported,
    defined_question,
    last_reported_question,
    read_defined,
    read_last_reported,
)
from streamgauge.dagster.materializations import materialized_question, read_materialized
from streamgauge.dagster.outcome import (
    Accepted,
    Misconfigured,
    Outcome,
    Trouble,
    lying_success,
)
from streamgauge.dagster.plain import bounded
from streamgauge.dagster.standings import (
    CHECKS_PER_QUESTION,
    LastStanding,
    read_standings,
    standings_question,
)
from streamgauge.dagster.transport import DagsterAddress, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from types import TracebackType

    import httpx

AnswerT = TypeVar("AnswerT")


class DagsterClient:
    """Speaks REST where a report is told, and GraphQL where it is asked or a check is described."""

    def __init__(
        self, address: DagsterAddress, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """Prepare, without connecting.

        Raises:
            OSError: the CA file cannot be read.
            ssl.SSLError: the CA file holds no certificate.
            ProxyUnusableError: of what kind the proxy of the environment is.
        """
        self._transport: Final = Transport(address, transport)
        self._described: Final = None if address.rest_only else DescribedChecks(self._transport)

    @property
    def base_url(self) -> str:
        """Where Dagster is, without a slash at the end."""
        return self._transport.base_url

    async def report_observation(self, body: Mapping[str, Any]) -> Outcome:
        """Record an observation of the asset that the body names."""
        return await self._report("report_asset_observation", body)

    async def report_materialization(self, body: Mapping[str, Any]) -> Outcome:
        """Record a materialization of the asset that the body names."""
        return await self._report("report_asset_materialization", body)

    async def report_check(self, body: Mapping[str, Any]) -> Outcome:
        """Record an evaluation of the check that the body, which is one for REST, names.

        It goes by GraphQL, with the reason as its description, where the server takes it so; what
        refuses GraphQL may still let REST pass.
        """
        described = self._described
        outcome = None if described is None else await described.report(body)
        if outcome is None:
            outcome = await self._report("report_asset_check", body)
        if described is not None and not isinstance(outcome, Accepted):
            described.ask_anew()
        return outcome

    async def last_reported(
        self, asset_key: AssetKey, stream: str, life: str | None = None
    ) -> LastReported | Trouble | None:
        """The greatest report of this asset in a life of the stream; None if there is none.

        Without a life it is of the one that was told of last.
        """
        read = partial(read_last_reported, stream=stream, life=life)
        return await self._ask(last_reported_question(asset_key), read)

    async def is_materialized(self, asset_key: AssetKey, data_version: str) -> bool | Trouble:
        """Whether this version of the asset was reported as a materialization of late."""
        read = partial(read_materialized, data_version=data_version)
        return await self._ask(materialized_question(asset_key), read)

    async def last_standings(
        self, checks: Sequence[tuple[AssetKey, str]], stream: str
    ) -> dict[tuple[AssetKey, str], LastStanding] | Trouble:
        """The newest standing of each check that the stream has told; the others are absent."""
        found: dict[tuple[AssetKey, str], LastStanding] = {}
        for first in range(0, len(checks), CHECKS_PER_QUESTION):
            some = checks[first : first + CHECKS_PER_QUESTION]
            read = partial(read_standings, checks=some, stream=stream)
            told = await self._ask(standings_question(some), read)
            if not isinstance(told, dict):
                return told
            found |= told
        return found

    async def defined(
        self, asset_keys: Collection[AssetKey] | None
    ) -> dict[AssetKey, frozenset[str] | None] | Trouble:
        """Those of the assets, or all, that Dagster has defined, with the names of their checks.

        The names are None where Dagster does not say them.
        """
        return await self._ask(defined_question(asset_keys), read_defined)

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _ask(
        self, question: Mapping[str, Any], read: Callable[[bytes], AnswerT]
    ) -> AnswerT | Trouble:
        """What `read` finds in the answer."""
        answer = await self._transport.post("graphql", question)
        if not isinstance(answer, bytes):
            return answer
        try:
            return read(answer)
        except AnswerError as error:
            return _graphql_trouble(error)

    async def _report(self, route: str, body: Mapping[str, Any]) -> Outcome:
        # without the slash at the end there is no route for a key in the body
        answer = await self._transport.post(f"{route}/", body)
        if not isinstance(answer, bytes):
            return answer
        return Accepted() if answer.strip() == b"{}" else lying_success("a body")


def _graphql_trouble(error: AnswerError) -> Misconfigured:
    return Misconfigured(
        f"its GraphQL cannot be asked, {bounded(str(error), 300)}; reports still go out"
    )
