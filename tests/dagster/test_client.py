"""The client says what became of a request, whatever stands at the other end."""

from __future__ import annotations

import asyncio
import json
import ssl
import time

import httpx
import pytest
import trustme

from streamgauge.core.report import report
from streamgauge.core.totals import Totals
from streamgauge.dagster.client import DagsterClient
from streamgauge.dagster.graphql import OBSERVATIONS_LOOKED_AT
from streamgauge.dagster.outcome import Accepted, Ambiguous, Misconfigured, Unavailable
from streamgauge.dagster.payloads import PAYLOAD_MAX, observation
from streamgauge.dagster.plain import as_json
from streamgauge.dagster.transport import ANSWER_MAX, DagsterAddress
from streamgauge_demo.parts.ports import free_ports

from .conftest import entries

HEADERS = {"Dagster-Cloud-Api-Token": "secret", "X-Team": "a"}
BROKEN = {"Authorization": "secret\nline"}
CHECK = {
    "asset_key": ["k"],
    "check_name": "c",
    "passed": True,
    "severity": "WARN",
    "metadata": {"reason": "all is well"},
}


def answering(handler, **address):
    """A client of a function, which sends each report in one request."""
    where = DagsterAddress("http://dagster.example/prefix", rest_only=True, **address)
    return DagsterClient(where, httpx.MockTransport(handler))


async def outcome_of(answer):
    """What the client makes of an answer to a report."""
    async with answering(lambda _: answer) as client:
        return await client.report_check(CHECK)


async def test_request_is_exactly_what_dagster_takes():
    """POST to the route with its last slash, under the prefix, content type without charset."""
    seen = []

    def handler(request):
        seen.append(request)
        return httpx.Response(200, json={})

    async with answering(handler, headers=HEADERS) as client:
        assert await client.report_check(CHECK) == Accepted()
        await client.report_observation({"asset_key": ["k"]})
        await client.report_materialization({"asset_key": ["k"]})
        await client.defined([("k",)])
    urls = [str(request.url) for request in seen]
    base = "http://dagster.example/prefix"
    assert urls == [
        f"{base}/report_asset_check/",
        f"{base}/report_asset_observation/",
        f"{base}/report_asset_materialization/",
        f"{base}/graphql",
    ]
    for request in seen:
        assert request.method == "POST"
        assert request.headers.get_list("content-type") == ["application/json"]
        assert request.headers["x-team"] == "a"
        assert request.headers["dagster-cloud-api-token"] == "secret"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<html>log in</html>"),
        httpx.Response(200, text="{}"),
        httpx.Response(200, json={"ok": True}),
        httpx.Response(200, json=[]),
        httpx.Response(200, content=b""),
        httpx.Response(200, headers={"Content-Type": "application/json"}, content=b"x" * 99),
    ],
)
async def test_lying_success_is_no_success(answer):
    """Dagster answers `{}` in JSON and nothing else."""
    outcome = await outcome_of(answer)
    assert isinstance(outcome, Misconfigured)
    assert "not Dagster's answer" in outcome.reason


async def test_endless_answer_is_not_read_to_its_end():
    """A bound on what a server can make the gauge hold."""
    read = 0

    async def endless():
        nonlocal read
        while True:
            read += 65_536
            yield b" " * 65_536

    headers = {"Content-Type": "application/json"}
    outcome = await outcome_of(httpx.Response(200, headers=headers, content=endless()))
    assert isinstance(outcome, Misconfigured)
    assert read <= ANSWER_MAX + 2 * 65_536


async def test_answer_with_as_many_reports_as_large_as_they_may_be_is_read(maker):
    """The last report is looked for among them; each is told as text in text."""
    names = [f"group-{number:045}" for number in range(760)]
    groups = {name: maker.group_totals([1, 100, 5_000, 700_000]) for name in names}
    snapshot = maker.snapshot(totals=Totals(records=5, groups=groups), after_ms=1_000)
    body = observation(report(snapshot, None), snapshot).body
    assert 0.9 * PAYLOAD_MAX < len(as_json(body)) <= PAYLOAD_MAX
    observed = {"runId": "", "metadataEntries": entries(body["metadata"]), "tags": []}
    asset = {"assetObservations": [observed] * OBSERVATIONS_LOOKED_AT}
    content = json.dumps({"data": {"assetOrError": asset}}).encode()

    async def in_pieces():
        for begin in range(0, len(content), 65_536):
            yield content[begin : begin + 65_536]

    headers = {"Content-Type": "application/json"}
    answer = httpx.Response(200, headers=headers, content=in_pieces())
    async with answering(lambda _: answer) as client:
        last = await client.last_reported(maker.asset_key, maker.stream)
    assert (last.sequence, last.arrived_total, last.detail) == (1, 5, body["metadata"]["detail"])


async def test_redirect_is_not_followed():
    """A login page would take the report with a 200."""
    outcome = await outcome_of(httpx.Response(302, headers={"Location": "https://login.example"}))
    assert isinstance(outcome, Misconfigured)
    assert "login.example" in outcome.reason


@pytest.mark.parametrize("where", ["http://[", "http://xn--", "http://a:b", "//", "\x7f"])
async def test_redirect_to_nowhere_breaks_nothing(where):
    """Whatever stands in front of Dagster may answer so."""
    outcome = await outcome_of(httpx.Response(302, headers={"Location": where}))
    assert isinstance(outcome, Misconfigured | Ambiguous)
    if where == "http://[":
        assert outcome.reason.startswith("HTTP 302: redirected, which")


@pytest.mark.parametrize(
    "url", ["http://h\u200b", "http://xn--", "http://a\x7f", "http://a\tb", "ftp://a"]
)
async def test_base_url_that_nobody_can_send_to_is_told(connect, url):
    """Also one that only turns out to be none when it is sent to."""
    outcome = await (await connect(url)).report_check(CHECK)
    assert isinstance(outcome, Misconfigured)
    assert "base_url" in outcome.reason


async def test_refusal_is_told_with_dagsters_words(fake, fault, connect):
    """What a read-only webserver answers."""
    words = b'{"error": "Not authorized to report runless asset events."}'
    fake.fault = fault(401, words, {"Content-Type": "application/json"})
    outcome = await (await connect(fake.base_url)).report_check(CHECK)
    assert isinstance(outcome, Misconfigured)
    assert "--read-only" in outcome.reason
    assert "Not authorized to report" in outcome.reason


async def test_missing_prefix_and_wrong_prefix_are_told_apart(fake, connect):
    """404 comes from a webserver with a prefix, 405 from one without."""
    fake.prefix = "/dagster"
    bare = await connect(f"http://127.0.0.1:{fake.port}")
    assert "--path-prefix" in (await bare.report_check(CHECK)).reason
    wrong = await connect(f"{fake.base_url}/more")
    assert (await wrong.report_check(CHECK)).reason.startswith("HTTP 405")
    right = await connect(f"{fake.base_url}/")
    assert await right.report_check(CHECK) == Accepted()


async def test_nobody_listens(connect):
    """Connection refused: nothing was stored."""
    (port,) = free_ports(1, "127.0.0.1")
    outcome = await (await connect(f"http://127.0.0.1:{port}")).report_check(CHECK)
    assert isinstance(outcome, Unavailable)


async def test_unknown_host(connect):
    """No address: nothing was stored."""
    outcome = await (await connect("http://dagster.invalid")).report_check(CHECK)
    assert isinstance(outcome, Unavailable)


async def test_busy_server_says_when_to_come_back(fake, fault, connect):
    """Retry-After reaches the one who waits."""
    fake.fault = fault(429, b"", {"Retry-After": "17"})
    outcome = await (await connect(fake.base_url)).report_check(CHECK)
    assert outcome == Unavailable("HTTP 429", 17.0)


@pytest.mark.parametrize("stored", [True, False])
async def test_silence_after_sending_is_ambiguous(fake, fault, connect, stored):
    """It ends within the timeout, and nobody knows whether the report was stored."""
    fake.fault = fault(wait_seconds=1.0, stored=stored)
    client = await connect(fake.base_url, timeout_seconds=0.2)
    began = time.monotonic()
    assert isinstance(await client.report_check(CHECK), Ambiguous)
    assert time.monotonic() - began < 0.8


async def test_dripping_answer_ends_with_the_timeout():
    """The timeout is for the request as a whole, not for each byte."""

    async def dripping():
        while True:
            await asyncio.sleep(0.02)
            yield b" "

    headers = {"Content-Type": "application/json"}

    def handler(_):
        return httpx.Response(200, headers=headers, content=dripping())

    async with answering(handler, timeout_seconds=0.2) as client:
        assert isinstance(await client.report_check(CHECK), Ambiguous)


@pytest.mark.parametrize("stored", [True, False])
async def test_reset_is_ambiguous_and_the_next_request_connects_anew(fake, fault, connect, stored):
    """A broken connection is not used again."""
    fake.faults.append(fault(reset=True, stored=stored))
    client = await connect(fake.base_url, rest_only=True)
    assert isinstance(await client.report_check(CHECK), Ambiguous)
    assert await client.report_check(CHECK) == Accepted()
    (_, _, first), (_, _, second) = fake.requests
    assert first != second


async def test_after_an_error_the_next_request_connects_anew(fake, fault, connect):
    """The webserver breaks a connection after its 500, without saying so in the answer."""
    fake.faults.append(fault(500))
    client = await connect(fake.base_url, rest_only=True)
    assert isinstance(await client.report_check(CHECK), Ambiguous)
    assert await client.report_check(CHECK) == Accepted()
    assert await client.report_check(CHECK) == Accepted()
    (_, _, first), (_, _, second), (_, _, third) = fake.requests
    assert first != second
    assert second == third


async def test_at_most_two_requests_are_in_flight():
    """More would only block the webserver's own users."""
    now, most = 0, 0

    async def handler(_):
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return httpx.Response(200, json={})

    async with answering(handler) as client:
        outcomes = await asyncio.gather(*(client.report_check(CHECK) for _ in range(10)))
    assert set(outcomes) == {Accepted()}
    assert most == 2


async def test_header_that_cannot_be_sent_is_told_without_its_value(fake, connect):
    """It may be the token."""
    client = await connect(fake.base_url, headers=BROKEN)
    outcome = await client.report_check(CHECK)
    assert isinstance(outcome, Misconfigured)
    assert "secret" not in outcome.reason


@pytest.mark.parametrize("trusted", [True, False])
async def test_certificate_is_trusted_by_the_ca_file_only(tmp_path, connect, trusted):
    """An unknown authority is a matter of configuration, not an outage."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        kind = b"Content-Type: application/json\r\nConnection: close\r\nContent-Length: 2"
        writer.write(b"HTTP/1.1 200 OK\r\n" + kind + b"\r\n\r\n{}")
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        more = {"ca_file": file} if trusted else {}
        client = await connect(f"https://127.0.0.1:{port}", **more)
        outcome = await client.report_check(CHECK)
    if trusted:
        assert outcome == Accepted()
    else:
        assert isinstance(outcome, Misconfigured)
        assert "certificate is not trusted" in outcome.reason


def test_ca_file_that_is_none_is_refused_at_the_start(tmp_path):
    """Before anything runs."""
    address = DagsterAddress("https://dagster.example", ca_file=tmp_path / "absent.pem")
    with pytest.raises(FileNotFoundError):
        DagsterClient(address)


@pytest.mark.parametrize(
    "answer",
    [
        b"not JSON",
        b"[]",
        b"{}",
        b'{"data": null}',
        b'{"data": {}}',
        b'{"data": {"assetNodes": [1], "assetOrError": []}}',
        b'{"data": {"assetNodes": [{}], "assetOrError": {"assetObservations": [{}]}}}',
        b'{"errors": [{"message": "Cannot query field"}]}',
        b'{"errors": ["odd"]}',
        b'{"errors": [{}]}',
        b'{"errors": "odd"}',
        b'{"data": [1]}',
    ],
)
async def test_strange_graphql_is_told_and_breaks_nothing(answer):
    """Another version, a proxy: the questions are not answered, the gauge goes on."""

    def handler(_):
        return httpx.Response(200, headers={"Content-Type": "application/json"}, content=answer)

    async with answering(handler) as client:
        for asked in (
            client.defined([("k",)]),
            client.last_reported(("k",), "s"),
            client.last_standings([(("k",), "c")], "s"),
        ):
            outcome = await asked
            assert isinstance(outcome, Misconfigured)
            assert "GraphQL" in outcome.reason


async def test_trouble_of_a_question_is_that_of_the_request(connect):
    """As for a report."""
    (port,) = free_ports(1, "127.0.0.1")
    client = await connect(f"http://127.0.0.1:{port}")
    assert isinstance(await client.defined([("k",)]), Unavailable)
    assert isinstance(await client.last_reported(("k",), "s"), Unavailable)
