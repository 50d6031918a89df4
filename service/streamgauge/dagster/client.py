"""The HTTP client of a Dagster webserver: reports, asks, and says what became of each request."""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

import httpx

from streamgauge.dagster.graphql import (
    AnswerError,
    AssetKey,
    LastReported,
    defined_question,
    last_reported_question,
    read_defined,
    read_last_reported,
)
from streamgauge.dagster.outcome import (
    Accepted,
    Ambiguous,
    Misconfigured,
    Outcome,
    Trouble,
    Unavailable,
    lying_success,
    of_status,
)
from streamgauge.dagster.plain import as_json, bounded
from streamgauge.dagster.standings import (
    CHECKS_PER_QUESTION,
    LastStanding,
    read_standings,
    standings_question,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

IN_FLIGHT_MAX: Final = 2
"""The webserver stores a report on its event loop: more at a time only slow down its users."""
IDLE_SECONDS: Final = 2.0
"""An idle connection is closed after this time, before uvicorn closes it (5 s) under a request."""
ANSWER_MAX: Final = 24 * 1024 * 1024
"""Bytes that are read of an answer."""


@dataclass(frozen=True, slots=True)
class DagsterAddress:
    """Where Dagster is and what it, or what stands in front of it, wants to be shown."""

    base_url: str
    """With the path prefix, as in `https://host/prefix`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every request, a token among them."""
    ca_file: Path | None = None
    """Certificates to trust instead of the usual ones."""
    timeout_seconds: float = 10.0
    """For one request as a whole; half of it for the connection."""


class DagsterClient:
    """Sends at most two requests at a time.

    After a failed request the next one does not use its connection again.
    """

    def __init__(
        self, address: DagsterAddress, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """Prepare, without connecting.

        Raises:
            OSError: the CA file cannot be read.
            ssl.SSLError: the CA file holds no certificate.
        """
        self.base_url: Final = address.base_url.rstrip("/")
        self._timeout_seconds: Final = address.timeout_seconds
        self._slots: Final = asyncio.Semaphore(IN_FLIGHT_MAX)
        self._http: Final = httpx.AsyncClient(
            headers=address.headers,
            verify=ssl.create_default_context(cafile=address.ca_file) if address.ca_file else True,
            timeout=httpx.Timeout(address.timeout_seconds, connect=address.timeout_seconds / 2),
            limits=httpx.Limits(keepalive_expiry=IDLE_SECONDS),
            follow_redirects=False,
            transport=transport,
        )

    async def report_observation(self, body: Mapping[str, Any]) -> Outcome:
        """Record an observation of the asset that the body names."""
        return await self._report("report_asset_observation", body)

    async def report_check(self, body: Mapping[str, Any]) -> Outcome:
        """Record an evaluation of the check that the body names."""
        return await self._report("report_asset_check", body)

    async def last_reported(
        self, asset_key: AssetKey, stream: str, life: str | None = None
    ) -> LastReported | Trouble | None:
        """The greatest report of this asset in a life of the stream; None if there is none.

        Without a life it is of the one that was told of last.
        """
        answer = await self._post("graphql", last_reported_question(asset_key))
        if not isinstance(answer, bytes):
            return answer
        try:
            return read_last_reported(answer, stream, life)
        except AnswerError as error:
            return _graphql_trouble(error)

    async def last_standings(
        self, checks: Sequence[tuple[AssetKey, str]], stream: str
    ) -> dict[tuple[AssetKey, str], LastStanding] | Trouble:
        """The newest standing of each check that the stream has told; the others are absent."""
        found: dict[tuple[AssetKey, str], LastStanding] = {}
        for first in range(0, len(checks), CHECKS_PER_QUESTION):
            some = checks[first : first + CHECKS_PER_QUESTION]
            answer = await self._post("graphql", standings_question(some))
            if not isinstance(answer, bytes):
                return answer
            try:
                found |= read_standings(answer, some, stream)
            except AnswerError as error:
                return _graphql_trouble(error)
        return found

    async def defined(
        self, asset_keys: Collection[AssetKey] | None
    ) -> dict[AssetKey, frozenset[str] | None] | Trouble:
        """Those of the assets, or all, that Dagster has defined, with the names of their checks.

        The names are None where Dagster does not say them.
        """
        answer = await self._post("graphql", defined_question(asset_keys))
        if not isinstance(answer, bytes):
            return answer
        try:
            return read_defined(answer)
        except AnswerError as error:
            return _graphql_trouble(error)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _report(self, route: str, body: Mapping[str, Any]) -> Outcome:
        # without the slash at the end there is no route for a key in the body
        answer = await self._post(f"{route}/", body)
        if not isinstance(answer, bytes):
            return answer
        return Accepted() if answer.strip() == b"{}" else lying_success("a body")

    async def _post(self, path: str, body: Mapping[str, Any]) -> bytes | Trouble:
        """The body of a 200, which is JSON by its content type, or the trouble."""
        request = self._http.build_request(
            "POST",
            f"{self.base_url}/{path}",
            content=as_json(body),
            headers={"Content-Type": "application/json"},  # exactly: a charset is refused
        )
        async with self._slots:
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    return await self._exchange(request)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
                return _unconnected(error)
            except httpx.LocalProtocolError:
                # its text quotes the header, which may be a secret
                return Misconfigured("a header to be sent holds characters that headers cannot")
            except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
                return Misconfigured(f"base_url is wrong: {_said(error)}")
            except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
                return Ambiguous(_said(error))

    async def _exchange(self, request: httpx.Request) -> bytes | Trouble:
        answer = await self._http.send(request, stream=True)
        try:
            # an error is left unread, so that its connection is closed: the webserver breaks it
            content = b"" if answer.status_code >= 500 else await _content(answer)
        finally:
            await answer.aclose()
        if answer.status_code != 200:
            text = content.decode("utf-8", "replace")
            return of_status(answer.status_code, answer.headers, text, time.time())
        kind = answer.headers.get("content-type", "")
        if kind.split(";")[0].strip().lower() != "application/json":
            return lying_success(kind)
        return content


async def _content(answer: httpx.Response) -> bytes:
    content = bytearray()
    async for chunk in answer.aiter_bytes():
        content += chunk
        if len(content) > ANSWER_MAX:
            break
    return bytes(content)


def _unconnected(error: httpx.TransportError) -> Misconfigured | Unavailable:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Misconfigured(
                f"its certificate is not trusted ({bounded(cause.verify_message)}):"
                " set the CA file or correct the host in base_url"
            )
        cause = cause.__cause__ or cause.__context__
    return Unavailable(_said(error))


def _said(error: Exception) -> str:
    name = type(error).__name__
    text = bounded(str(error), 200)
    return f"{name}: {text}" if text else name


def _graphql_trouble(error: AnswerError) -> Misconfigured:
    return Misconfigured(
        f"its GraphQL cannot be asked, {bounded(str(error), 300)}; reports still go out"
    )
