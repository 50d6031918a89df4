"""OAuth tokens come fresh, and why there is none is told without the secret."""

import base64
from urllib.parse import parse_qs
from uuid import uuid4

import httpx
import pytest

from streamgauge.kafka.errors import TokenUnavailableError
from streamgauge.kafka.tokens import (
    ClientCredentials,
    ClientCredentialsTokens,
    FileTokens,
    TokenFile,
)

ENDPOINT = "https://id.invalid/token"
SECRET = uuid4().hex


class TokenEndpoint:
    """A token endpoint that gives out `token-1`, `token-2`, ... or what it is told to answer."""

    def __init__(self, answer=None, expires_in=3600):
        self.requests = []
        self._answer = answer
        self._expires_in = expires_in

    def __call__(self, request):
        """Answer one request."""
        self.requests.append(request)
        if self._answer is not None:
            return self._answer
        answer = {"access_token": f"token-{len(self.requests)}", "expires_in": self._expires_in}
        return httpx.Response(200, json=answer)

    def tokens(self, client_secret=SECRET, scope=None):
        """A provider that asks this endpoint."""
        source = ClientCredentials(ENDPOINT, "gauge", client_secret, scope)
        return ClientCredentialsTokens(source, transport=httpx.MockTransport(self))


async def test_a_token_file_is_read_anew_each_time(tmp_path):
    """Somebody else renews the file while the gauge runs."""
    path = tmp_path / "token"
    tokens = FileTokens(TokenFile(path))
    path.write_text("first\n")
    assert await tokens.token() == "first"
    path.write_text("second\n")
    assert await tokens.token() == "second"


@pytest.mark.parametrize("content", [b"", b" \n", b"two words", b"a\x01auth=b", b"\xff\xfe"])
async def test_a_file_without_a_token_is_refused(tmp_path, content):
    """Nothing but a token goes into the login, and the file's content is not told."""
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(TokenUnavailableError) as raised:
        await FileTokens(TokenFile(path)).token()
    assert str(raised.value) == f"the token file {path} holds no token"


async def test_a_missing_token_file_is_named(tmp_path):
    """It is an OSError, which aiokafka takes for a failed connection."""
    with pytest.raises(OSError, match="cannot be read: No such file"):
        await FileTokens(TokenFile(tmp_path / "token")).token()


async def test_client_credentials_are_sent_as_the_standard_says():
    """Form body, Basic login with encoded halves (RFC 6749, 2.3.1 and 4.4.2)."""
    endpoint = TokenEndpoint()
    assert await endpoint.tokens("a:b c", scope="kafka").token() == "token-1"
    (request,) = endpoint.requests
    login = base64.b64decode(request.headers["authorization"].removeprefix("Basic "))
    assert login == b"gauge:a%3Ab+c"
    assert parse_qs(request.content.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["kafka"],
    }


async def test_a_token_is_kept_until_it_nears_its_expiry():
    """Many connections share one token; one with too little life is not handed out again."""
    lasting, expiring = TokenEndpoint(expires_in=3600), TokenEndpoint(expires_in=29)
    for endpoint, expected in ((lasting, ["token-1"] * 2), (expiring, ["token-1", "token-2"])):
        tokens = endpoint.tokens()
        assert [await tokens.token(), await tokens.token()] == expected


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (httpx.Response(401, json={"error": "invalid_client"}), "status 401, error 'invalid_cl"),
        (httpx.Response(503, text="<html>"), "status 503, error 'not told'"),
        (httpx.Response(200, text="no json"), "without an access_token"),
        (httpx.Response(200, json=["token"]), "without an access_token"),
        (httpx.Response(200, json={"access_token": "a\x01b"}), "holds no token"),
        (httpx.Response(200, json={"access_token": "a", "expires_in": "soon"}), "is no number"),
    ],
)
async def test_an_endpoint_that_gives_no_token_says_why(answer, told):
    """Without the secret."""
    with pytest.raises(TokenUnavailableError) as raised:
        await TokenEndpoint(answer).tokens().token()
    assert ENDPOINT in str(raised.value)
    assert told in str(raised.value)
    assert SECRET not in str(raised.value)


async def test_an_endpoint_that_does_not_answer_says_so():
    """A transport error is a token that was not to be had."""

    def refuse(request):
        raise httpx.ConnectError("connection refused", request=request)

    source = ClientCredentials(ENDPOINT, "gauge", SECRET)
    tokens = ClientCredentialsTokens(source, transport=httpx.MockTransport(refuse))
    with pytest.raises(TokenUnavailableError, match="does not answer: connection refused"):
        await tokens.token()
