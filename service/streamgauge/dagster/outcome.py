"""What became of a request to Dagster, and which of four outcomes an answer means."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

from streamgauge.dagster.plain import bounded

if TYPE_CHECKING:
    from collections.abc import Mapping

RETRY_AFTER_MAX_SECONDS: Final = 300.0
"""No server may silence the gauge for longer than this."""
_TEXT_MAX: Final = 300
"""Characters of an answer that are quoted."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Dagster has stored it."""


@dataclass(frozen=True, slots=True)
class Misconfigured:
    """Dagster, or what stands in front of it, refuses: repeating alone cannot help."""

    reason: str
    """What it means and what to do, the same text as long as the cause is the same."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Nothing was stored; trying later can help."""

    reason: str
    retry_after_seconds: float | None = None
    """What the server asked for, at most RETRY_AFTER_MAX_SECONDS."""
    unreached: bool = False
    """Whether there was no connection to it, so that no other route of it can do better."""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """The request went out and may have been stored."""

    reason: str


Trouble: TypeAlias = Misconfigured | Unavailable | Ambiguous
Outcome: TypeAlias = Accepted | Trouble

_MEANINGS: Final = {
    400: "Dagster takes the request for malformed; something between may have changed it,"
    " for Dagster accepts only the exact header `Content-Type: application/json`",
    401: "the webserver runs with --read-only, or the token is missing or wrong",
    403: "the token, or a proxy's rule, does not permit reporting",
    404: "there is no such path; if the webserver runs with --path-prefix, base_url must end in it",
    405: "there is no such route; base_url does not point to a Dagster webserver or has a path that"
    " the webserver does not serve",
    407: "a proxy in between asks for credentials",
    413: "something in between limits the size of requests; it must let 256 KiB pass",
    422: "Dagster takes the request for invalid",
}


def of_status(status: int, headers: Mapping[str, str], text: str, now_seconds: float) -> Trouble:
    """The trouble that a status other than 200 tells.

    502 and 504 are ambiguous, because a gateway may have passed the request on before it gave up.

    Args:
        status: HTTP status.
        headers: of the answer, looked up in lower case.
        text: as much of the body as was read.
        now_seconds: since the epoch, for a `Retry-After` that is a date (RFC 9110, 10.2.3).
    """
    if status in {429, 503}:
        wait = retry_after_seconds(headers.get("retry-after"), now_seconds)
        return Unavailable(f"HTTP {status}", wait)
    if status >= 500:
        return Ambiguous(f"HTTP {status}")
    if 300 <= status < 400:
        host = _host(headers.get("location", ""))
        where = f" to {bounded(host, _TEXT_MAX)}" if host else ""
        return Misconfigured(
            f"HTTP {status}: redirected{where}, which looks like a login page or a moved address;"
            " give the token or header that lets reports pass, or the final base_url"
        )
    meaning = _MEANINGS.get(status, "this is no answer that a Dagster webserver gives to a report")
    said = _error_text(text)
    return Misconfigured(f"HTTP {status}: {meaning}{said}")


def lying_success(content_type: str) -> Misconfigured:
    """The trouble of a 200 that no Dagster webserver sends."""
    kind = bounded(content_type, 60) or "no content type"
    return Misconfigured(
        f"HTTP 200 with {kind} that is not Dagster's answer: base_url does not point to a Dagster"
        " webserver, or a login page answers in its place"
    )


def retry_after_seconds(text: str | None, now_seconds: float) -> float | None:
    """The wait that `Retry-After` asks for, from 0 to RETRY_AFTER_MAX_SECONDS; None if unreadable.

    Source: RFC 9110, section 10.2.3: whole seconds, or an HTTP date.
    """
    if text is None:
        return None
    if text.strip().isdecimal():
        seconds = float(text)
    else:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - now_seconds
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), RETRY_AFTER_MAX_SECONDS)


def _host(location: str) -> str | None:
    try:
        return urlsplit(location).hostname
    except ValueError:
        return None


def _error_text(text: str) -> str:
    """What Dagster says in `{"error": ...}`, for the end of a sentence."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    error = body.get("error") if isinstance(body, dict) else None
    return f" ({bounded(error, _TEXT_MAX)})" if isinstance(error, str) and error else ""
