"""One POST to a Dagster webserver, and the body of its answer or what went wrong."""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.request import getproxies

import httpx

from streamgauge.dagster.outcome import (
    Ambiguous,
    Misconfigured,
    Trouble,
    Unavailable,
    lying_success,
    of_status,
)
from streamgauge.dagster.plain import as_json, bounded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

IN_FLIGHT_MAX: Final = 2
"""The webserver stores a report on its event loop: more at a time only slow down its users."""
IDLE_SECONDS: Final = 2.0
"""An idle connection is closed after this time, before uvicorn closes it (5 s) under a request."""
ANSWER_MAX: Final = 24 * 1024 * 1024
"""Bytes that are read of an answer."""


class ProxyUnusableError(ValueError):
    """A proxy that the environment names is none that can be used."""


@dataclass(frozen=True, slots=True)
class DagsterAddress:
    """Where Dagster is and what it, or what stands in front of it, wants to be shown."""

    base_url: str
    """With the path prefix, as in `https://host/prefix`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every request, credentials among them."""
    ca_file: Path | None = None
    """Certificates to trust instead of the usual ones."""
    timeout_seconds: float = 10.0
    """For one request as a whole; half of it for the connection."""
    rest_only: bool = False
    """Whether evaluations of checks go by REST, which takes no description, in any case."""


class Transport:
    """Sends at most two requests at a time, through the proxy that the environment names.

    The variables are HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY. After a failed request the
    next one does not use its connection again.
    """

    def __init__(
        self, address: DagsterAddress, inner: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """Prepare, without connecting.

        Raises:
            OSError: the CA file cannot be read.
            ssl.SSLError: the CA file holds no certificate.
            ProxyUnusableError: of what kind the proxy of the environment is.
        """
        self.base_url: Final = address.base_url.rstrip("/")
        self._timeout_seconds: Final = address.timeout_seconds
        self._slots: Final = asyncio.Semaphore(IN_FLIGHT_MAX)
        trusted = ssl.create_default_context(cafile=address.ca_file) if address.ca_file else True
        try:
            self._http: Final = httpx.AsyncClient(
                headers=address.headers,
                verify=trusted,
                timeout=httpx.Timeout(address.timeout_seconds, connect=address.timeout_seconds / 2),
                limits=httpx.Limits(keepalive_expiry=IDLE_SECONDS),
                follow_redirects=False,
                transport=inner,
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            # its own text may quote the proxy's password
            raise ProxyUnusableError(_unusable()) from error

    async def post(self, path: str, body: Mapping[str, Any]) -> bytes | Trouble:
        """The body of a 200, which is JSON by its content type, or the trouble."""
        content = as_json(body)
        async with self._slots:
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    return await self._exchange(self._request(path, content))
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
                return _unconnected(error)
            except httpx.LocalProtocolError:
                # its text quotes the header, which may be a secret
                return Misconfigured("a header to be sent holds characters that headers cannot")
            except (httpx.UnsupportedProtocol, httpx.InvalidURL, ValueError) as error:
                # names that cannot be encoded are a ValueError
                return Misconfigured(
                    f"base_url, or where it redirects to, is no URL to send to: {_said(error)}"
                )
            except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
                return Ambiguous(_said(error))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def _request(self, path: str, content: bytes) -> httpx.Request:
        return self._http.build_request(
            "POST",
            f"{self.base_url}/{path}",
            content=content,
            headers={"Content-Type": "application/json"},  # exactly: a charset is refused
        )

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
    if isinstance(error, httpx.ProxyError) and str(error).startswith("407"):
        return Misconfigured(
            "the proxy that the environment names asks for credentials: put them into its URL"
        )
    return Unavailable(_said(error), unreached=True)


def _unusable() -> str:
    """Which variable it is that no client can be made with, and what to do."""
    named = getproxies()
    for scheme in ("http", "https", "all"):
        url = named.get(scheme)
        if not url:
            continue
        try:
            httpx.AsyncClient(proxy=url if "://" in url else f"http://{url}", trust_env=False)
        except (ImportError, ValueError, httpx.InvalidURL):
            return (
                f"the environment names, in {scheme.upper()}_PROXY, a proxy that is not http:// or"
                " https://; name such a one, or unset the variable"
            )
    return (
        "the environment's NO_PROXY has an entry that is no host; separate hosts, domains and"
        " addresses by commas"
    )


def _said(error: Exception) -> str:
    name = type(error).__name__
    text = bounded(str(error), 200)
    return f"{name}: {text}" if text else name
