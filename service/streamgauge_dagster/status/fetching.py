"""Asks a gauge for its status document; what goes wrong is told without secrets.

The text of an error ends in the event log of Dagster, which everybody can read: of the address it
holds scheme, host, port and path alone, and of the headers no value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import dagster as dg
import httpx

from streamgauge_dagster.status.document import DO, StatusError, read_status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamgauge_dagster.status.document import Status

LARGEST: Final = 32 * 1024 * 1024
"""Bytes of a document."""


def fetch_status(
    url: str | dg.EnvVar,
    *,
    headers: Mapping[str, str | dg.EnvVar] | None = None,
    timeout_seconds: float = 10,
) -> Status:
    """What a gauge says now.

    Args:
        url: of the document, such as `http://gauge:8080/status`, or the variable that holds it.
        headers: of the request, such as a token of a proxy; secrets as `dg.EnvVar("NAME")`.
        timeout_seconds: how long the connection, and each part of the answer, is waited for.

    Raises:
        StatusError: it does not answer, or with something else, or a variable is not set.
    """
    address = _value(url, "http://host:port/status")
    sent = {name: _value(each, f"the header {name}") for name, each in (headers or {}).items()}
    place = place_of(address)
    return read_status(place, _answer(address, place, sent, timeout_seconds))


def place_of(url: str) -> str:
    """Scheme, host, port and path: the rest of an address may be secret."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "the address"
    if not host or not url.isprintable():
        return "the address"
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}{'' if port is None else f':{port}'}{parts.path}"


def _value(given: str | dg.EnvVar, what: str) -> str:
    if not isinstance(given, dg.EnvVar):
        return given
    value = given.get_value()
    if not value:
        raise StatusError(f"{given.env_var_name} is not set: set it to {what}")
    return value


def _answer(url: str, place: str, headers: Mapping[str, str], timeout_seconds: float) -> bytes:
    with _client(timeout_seconds) as client:
        try:
            with client.stream("GET", url, headers=headers) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise StatusError(f"{place} answers {answer.status_code}: {DO}")
                content = bytearray()
                for piece in answer.iter_bytes():
                    content += piece
                    if len(content) > LARGEST:
                        raise StatusError(f"{place} answers more than 32 MiB: {DO}")
        except (httpx.LocalProtocolError, UnicodeEncodeError):
            told = "a header to be sent holds characters that headers cannot"
            raise StatusError(f"{place} was not asked: {told}") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise StatusError(f"{place} is no address: {DO}") from None
        except httpx.HTTPError as error:
            told = f"{type(error).__name__}: {error}"
            raise StatusError(f"{place} does not answer ({told}): is the gauge running?") from None
    return bytes(content)


def _client(timeout_seconds: float) -> httpx.Client:
    try:
        return httpx.Client(timeout=timeout_seconds)
    except (ImportError, ValueError, httpx.InvalidURL):  # whose text may quote a password
        raise StatusError(
            "the environment (HTTP_PROXY, HTTPS_PROXY or ALL_PROXY) names a proxy that is not"
            " http:// or https://; name such a one, or put the host into NO_PROXY"
        ) from None
