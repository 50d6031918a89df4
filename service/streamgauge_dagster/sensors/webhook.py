"""Posts JSON to a webhook, a bounded number of times, and never tells where it is.

The address of a webhook is a secret: whoever knows it can write there. It stands in no error and in
no log; of it only the host is told.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import dagster as dg

if TYPE_CHECKING:
    from collections.abc import Mapping

WAIT_SECONDS: Final = (0.5, 2.0)
"""Before the second and the third attempt, which is the last."""
_MAY_PASS: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP status codes that another attempt may not meet."""


class WebhookError(Exception):
    """It was not taken; says by whom and why, without the address."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would arrive as a GET, somewhere else."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


_OPENER: Final = urllib.request.build_opener(_NoRedirect)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where alerts go."""

    url: str | dg.EnvVar = field(repr=False)
    """`https://...`, or the environment variable that holds it."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_seconds: float = 5.0
    """How long the connection, and each part of the answer, is waited for."""

    def post(self, body: Mapping[str, Any]) -> None:
        """Send one body.

        Raises:
            WebhookError: after the last attempt, or after one that another would not better.
            ValueError: there is no address, or it is none of a webhook.
        """
        url = self._address()
        headers = {"Content-Type": "application/json", "User-Agent": "streamgauge", **self.headers}
        content = json.dumps(body).encode("ascii")
        for wait_seconds in (*WAIT_SECONDS, None):
            request = urllib.request.Request(url, content, headers, method="POST")  # noqa: S310 - http(s) only
            try:
                with _OPENER.open(request, timeout=self.timeout_seconds):
                    return
            except (OSError, http.client.HTTPException) as error:
                if wait_seconds is None or not _may_pass(error):
                    raise WebhookError(f"{urlsplit(url).hostname} {_words(error)}") from None
                time.sleep(wait_seconds)

    def _address(self) -> str:
        url, name = self.url, "the webhook's address"
        if isinstance(url, dg.EnvVar):
            name = f"the environment variable {url.env_var_name}"
            url = url.get_value() or ""
        if not url.startswith(("http://", "https://")) or not urlsplit(url).hostname:
            raise ValueError(f"{name} has to hold an address that begins with https:// or http://")
        return url


def _may_pass(error: Exception) -> bool:
    return not isinstance(error, urllib.error.HTTPError) or error.code in _MAY_PASS


def _words(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return f"answers {error.code}"
    if isinstance(error, urllib.error.URLError):
        error = error.reason if isinstance(error.reason, Exception) else error
    return f"does not answer: {type(error).__name__}"
