"""OAuth tokens for SASL OAUTHBEARER: from a file, or by OAuth 2.0 client credentials."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import quote_plus

import httpx
from aiokafka.abc import AbstractTokenProvider

from streamgauge.kafka.errors import TokenUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

ENDPOINT_TIMEOUT_SECONDS: Final = 10.0
RENEW_BEFORE_EXPIRY_SECONDS: Final = 30.0
"""A token with less life left is not handed to a new connection."""


@dataclass(frozen=True, slots=True)
class TokenFile:
    """A file somebody else keeps fresh; it is read anew for each connection."""

    path: Path


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """The OAuth 2.0 client credentials grant (RFC 6749, section 4.4)."""

    token_endpoint_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None = None


TokenSource: TypeAlias = TokenFile | ClientCredentials


class FileTokens(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka publishes no types
    """Hands out the token in a file."""

    def __init__(self, source: TokenFile) -> None:
        self._path = source.path

    async def token(self) -> str:
        """Read the file.

        Raises:
            TokenUnavailableError: If it cannot be read or holds no token.
        """
        try:
            text = await asyncio.to_thread(self._path.read_text, encoding="ascii")
        except OSError as error:
            raise TokenUnavailableError(
                f"the token file {self._path} cannot be read: {error.strerror}"
            ) from error
        except UnicodeDecodeError:
            # its message would quote the file
            raise TokenUnavailableError(f"the token file {self._path} holds no token") from None
        return _checked(text.strip(), f"the token file {self._path}")


class ClientCredentialsTokens(AbstractTokenProvider):  # type: ignore[misc]  # untyped aiokafka
    """Fetches tokens from a token endpoint and hands each out until it nears its expiry."""

    def __init__(
        self, source: ClientCredentials, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._source = source
        self._transport = transport
        self._lock = asyncio.Lock()
        self._token = ""
        self._fresh_until = -1.0

    async def token(self) -> str:
        """Return a token with life left, fetching one where there is none.

        Raises:
            TokenUnavailableError: If the endpoint does not give one; the text says why and
                never contains the client secret.
        """
        async with self._lock:
            if time.monotonic() >= self._fresh_until:
                asked_at = time.monotonic()
                self._token, life_seconds = await self._fetch()
                self._fresh_until = asked_at + life_seconds - RENEW_BEFORE_EXPIRY_SECONDS
            return self._token

    async def _fetch(self) -> tuple[str, float]:
        source = self._source
        where = f"the token endpoint {source.token_endpoint_url}"
        form = {"grant_type": "client_credentials"}
        if source.scope is not None:
            form["scope"] = source.scope
        # RFC 6749, section 2.3.1: both halves are form-encoded before they enter Basic
        login = httpx.BasicAuth(quote_plus(source.client_id), quote_plus(source.client_secret))
        try:
            async with httpx.AsyncClient(
                transport=self._transport, timeout=ENDPOINT_TIMEOUT_SECONDS
            ) as client:
                response = await client.post(source.token_endpoint_url, data=form, auth=login)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise TokenUnavailableError(f"{where} does not answer: {error}") from error
        answer = _json_object(response)
        if response.status_code != httpx.codes.OK:
            raise TokenUnavailableError(
                f"{where} refused client {source.client_id!r}: status {response.status_code}, "
                f"error {str(answer.get('error', 'not told'))[:100]!r}"
            )
        token, life = answer.get("access_token"), answer.get("expires_in", 0)
        if not isinstance(token, str) or not isinstance(life, int | float | str):
            raise TokenUnavailableError(f"{where} answered without an access_token")
        try:
            return _checked(token, where), float(life)
        except ValueError:
            raise TokenUnavailableError(f"{where} answered an expires_in that is no number") from (
                None
            )


def _json_object(response: httpx.Response) -> dict[str, object]:
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _checked(token: str, where: str) -> str:
    """Keep what is no token out of the SASL message, whose fields end with control characters."""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise TokenUnavailableError(f"{where} holds no token")
    return token


def token_provider(source: TokenSource) -> AbstractTokenProvider:
    """The provider aiokafka asks for a token at each new connection."""
    if isinstance(source, TokenFile):
        return FileTokens(source)
    return ClientCredentialsTokens(source)
