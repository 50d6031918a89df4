"""Each status means one of four outcomes, and a refusal says what to do."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.dagster.outcome import (
    RETRY_AFTER_MAX_SECONDS,
    Ambiguous,
    Misconfigured,
    Unavailable,
    of_status,
    retry_after_seconds,
)

NOW_SECONDS = 1_800_000_000.0


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, Misconfigured) for status in (204, 301, 302, 307, 400, 401, 403, 404, 405)),
        *((status, Misconfigured) for status in (407, 413, 418, 422)),
        *((status, Unavailable) for status in (429, 503)),
        *((status, Ambiguous) for status in (500, 501, 502, 504, 520)),
    ],
)
def test_status_has_its_outcome(status, kind):
    """A gateway's 502 and 504 do not say whether the webserver got the report."""
    trouble = of_status(status, {}, "", NOW_SECONDS)
    assert isinstance(trouble, kind)
    assert trouble.reason.startswith(f"HTTP {status}")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "--read-only"),
        (403, "token"),
        (404, "--path-prefix"),
        (405, "base_url"),
        (413, "256 KiB"),
        (302, "login page"),
    ],
)
def test_refusal_says_what_to_do(status, words):
    """The sentence names the thing to look at."""
    assert words in of_status(status, {}, "", NOW_SECONDS).reason


def test_refusal_quotes_what_dagster_says():
    """Only its own error text: of a proxy's page nothing is quoted."""
    said = of_status(400, {}, '{"error": "Missing required parameter"}', NOW_SECONDS)
    assert said.reason.endswith("(Missing required parameter)")
    for page in ("<html>", "[1]", '{"error": 5}', '{"error": ""}', "[" * 100_000):
        assert not of_status(400, {}, page, NOW_SECONDS).reason.endswith(")")


def test_redirect_names_the_host_and_no_secret():
    """What a login page puts into its address stays out of the log."""
    location = "https://login.example/start?state=secret"
    reason = of_status(302, {"location": location}, "", NOW_SECONDS).reason
    assert "login.example" in reason
    assert "secret" not in reason


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("999999", RETRY_AFTER_MAX_SECONDS),
        (formatdate(NOW_SECONDS + 20, usegmt=True), 20.0),
        (formatdate(NOW_SECONDS - 20, usegmt=True), 0.0),
        ("soon", None),
        ("-3", None),
        ("1.5", None),
        ("", None),
    ],
)
def test_retry_after_is_honoured_and_bounded(text, seconds):
    """Seconds or a date; what cannot be read asks for nothing."""
    assert retry_after_seconds(text, NOW_SECONDS) == seconds
    headers = {} if text is None else {"retry-after": text}
    assert of_status(503, headers, "", NOW_SECONDS).retry_after_seconds == seconds


@given(st.text())
def test_retry_after_never_breaks(text):
    """Whatever a server sends."""
    seconds = retry_after_seconds(text, NOW_SECONDS)
    assert seconds is None or 0 <= seconds <= RETRY_AFTER_MAX_SECONDS
