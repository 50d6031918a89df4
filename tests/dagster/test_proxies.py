"""What stands between the gauge and Dagster: proxies of the environment, and their refusals."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from base64 import b64decode

import pytest
import trustme

from streamgauge.dagster.client import DagsterClient
from streamgauge.dagster.outcome import Accepted, Misconfigured, Unavailable
from streamgauge.dagster.transport import DagsterAddress, ProxyUnusableError

BODY = {"asset_key": ["k"]}
STORED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture(autouse=True)
def _no_proxies_of_the_machine(monkeypatch):
    for name in [*os.environ]:
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


class Proxy:
    """A forwarding proxy (RFC 9110, 9.3.6) that notes what it is asked, and may refuse it."""

    def __init__(self, target, refusal=None):
        self.asked = []
        self._target = target
        self._refusal = refusal

    async def serve(self, reader, writer):
        """One connection: a tunnel, or a request that is answered as Dagster would."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.asked.append(head)
            if self._refusal is not None:
                writer.write(f"HTTP/1.1 {self._refusal}\r\nContent-Length: 0\r\n\r\n".encode())
            elif head.startswith("CONNECT"):
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                there_reader, there_writer = await asyncio.open_connection(*self._target)
                await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer))
            else:
                writer.write(STORED)
            await writer.drain()

    @property
    def authorization(self):
        """What was shown to it."""
        for line in self.asked[0].splitlines():
            if line.lower().startswith("proxy-authorization: basic "):
                return b64decode(line.split()[-1]).decode()
        return None


async def pump(reader, writer):
    """Hand everything on until the end."""
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def serving(handler, **more):
    """Serve on a free port, and give it; every connection has ended afterwards."""
    handling = set()

    async def handle(reader, writer):
        handling.add(asyncio.current_task())
        try:
            await handler(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async with await asyncio.start_server(handle, "127.0.0.1", 0, **more) as server:
        yield server.sockets[0].getsockname()[1]
        async with asyncio.timeout(5.0):
            await asyncio.gather(*handling)


async def answer_stored(reader, writer):
    """A Dagster that stores whatever comes."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(STORED)
    await writer.drain()


async def outcome(base_url, **more):
    """What became of one report."""
    async with DagsterClient(DagsterAddress(base_url, timeout_seconds=5.0, **more)) as client:
        return await client.report_observation(BODY)


async def test_http_goes_through_the_proxy_with_its_credentials(monkeypatch):
    """They stand in the proxy's URL, in the environment."""
    proxy = Proxy(None)
    async with serving(proxy.serve) as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://joe:hunter2@127.0.0.1:{port}")
        assert await outcome("http://dagster.example") == Accepted()
    assert proxy.asked[0].startswith("POST http://dagster.example/report_asset_observation/ ")
    assert proxy.authorization == "joe:hunter2"


async def test_https_goes_through_a_tunnel_and_trusts_the_ca_file(monkeypatch, tmp_path):
    """The proxy sees no more than the host."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with serving(answer_stored, ssl=context) as there:
        proxy = Proxy(("127.0.0.1", there))
        async with serving(proxy.serve) as port:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
            base_url = f"https://127.0.0.1:{there}"
            assert await outcome(base_url, ca_file=tmp_path / "ca.pem") == Accepted()
            assert isinstance(await outcome(base_url), Misconfigured)
    assert [head.split()[:2] for head in proxy.asked] == [["CONNECT", f"127.0.0.1:{there}"]] * 2


async def test_no_proxy_is_honoured(monkeypatch, fake):
    """Dagster in the same cluster is reached directly."""
    proxy = Proxy(None)
    async with serving(proxy.serve) as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        async with DagsterClient(DagsterAddress(fake.base_url)) as client:
            assert await client.defined([("k",)]) == {}
    assert proxy.asked == []


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_proxy_that_asks_for_credentials_is_misconfigured(monkeypatch, scheme):
    """In the tunnel's answer as in that of a request."""
    proxy = Proxy(None, "407 Proxy Authentication Required")
    async with serving(proxy.serve) as port:
        monkeypatch.setenv(f"{scheme}_proxy", f"http://127.0.0.1:{port}")
        told = await outcome(f"{scheme}://dagster.example")
    assert isinstance(told, Misconfigured)
    assert "asks for credentials" in told.reason


async def test_proxy_that_is_away_or_finds_nobody_stores_nothing(monkeypatch, closed_port):
    """Trying later can help."""
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{closed_port}")
    assert isinstance(await outcome("https://dagster.example"), Unavailable)
    async with serving(Proxy(None, "503 Service Unavailable").serve) as port:
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{port}")
        assert isinstance(await outcome("https://dagster.example"), Unavailable)


@pytest.mark.parametrize("url", ["socks5://joe:hunter2@a:1", "ftp://joe:hunter2@a", "http://a:b"])
def test_proxy_that_is_none_is_refused_at_the_start(monkeypatch, url):
    """With its variable, and without its password."""
    monkeypatch.setenv("HTTP_PROXY", "proxy.example:3128")
    monkeypatch.setenv("ALL_PROXY", url)
    with pytest.raises(ProxyUnusableError, match=r"\bALL_PROXY") as raised:
        DagsterClient(DagsterAddress("https://dagster.example"))
    assert "hunter2" not in str(raised.value)


def test_exception_from_proxies_that_is_none_is_not_blamed_on_a_proxy(monkeypatch):
    """Nobody looks for it there."""
    monkeypatch.setenv("HTTP_PROXY", "proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "localhost,[::1")
    with pytest.raises(ProxyUnusableError, match="NO_PROXY has an entry"):
        DagsterClient(DagsterAddress("https://dagster.example"))
