"""Evaluations carry their reason as description where the server takes it, and arrive anyway."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from streamgauge.dagster.check_mutation import mutation, read_mutated, read_probe
from streamgauge.dagster.client import DagsterClient
from streamgauge.dagster.graphql import AnswerError
from streamgauge.dagster.outcome import Accepted, Ambiguous, Misconfigured, Unavailable
from streamgauge.dagster.payloads import check_evaluation
from streamgauge.dagster.transport import DagsterAddress

ROUTE = "/report_asset_check/"


@pytest.fixture
def again_soon(monkeypatch):
    """What GraphQL could not do is tried again very soon; give how soon, in seconds."""
    monkeypatch.setattr("streamgauge.dagster.described_checks.ASK_AGAIN_SECONDS", 0.2)
    return 0.2


@pytest.fixture
def body(maker):
    """An evaluation as REST takes it."""
    return check_evaluation(maker.verdict(), maker.snapshot()).body


def paths(fake):
    """Where requests went, in their order."""
    return [path for path, _, _ in fake.requests]


def described(fake, maker, check="lag__billing"):
    """Descriptions that were stored, the oldest first."""
    found = fake.evaluations.get((maker.asset_key, check), [])
    return [each["evaluation"]["description"] for each in found]


async def test_the_server_is_asked_once_and_then_gets_descriptions(fake, connect, maker, body):
    """One question for all evaluations of a contact."""
    client = await connect(fake.base_url)
    for _ in range(3):
        assert await client.report_check(body) == Accepted()
    assert described(fake, maker) == [body["metadata"]["reason"]] * 3
    assert paths(fake) == ["/graphql"] * 4


async def test_a_server_without_the_mutation_gets_rest(fake, connect, maker, body):
    """And is asked once as well."""
    fake.takes_descriptions = False
    client = await connect(fake.base_url)
    for _ in range(3):
        assert await client.report_check(body) == Accepted()
    assert described(fake, maker) == [None] * 3
    assert paths(fake) == ["/graphql", ROUTE, ROUTE, ROUTE]


async def test_rest_can_be_demanded(fake, connect, maker, body):
    """Then nobody asks."""
    client = await connect(fake.base_url, rest_only=True)
    assert await client.report_check(body) == Accepted()
    assert described(fake, maker) == [None]
    assert paths(fake) == [ROUTE]


async def test_a_proxy_that_lets_only_rest_pass_gets_rest(fake, fault, connect, maker, body):
    """The question is refused, the evaluation is not."""
    fake.question_fault = fault(403)
    client = await connect(fake.base_url)
    for _ in range(2):
        assert await client.report_check(body) == Accepted()
    assert described(fake, maker) == [None] * 2
    assert paths(fake) == ["/graphql", ROUTE, ROUTE]


async def test_a_mutation_that_is_refused_goes_by_rest(fake, connect, maker, body):
    """Another server may stand there by now; nothing is lost, and it is not tried again."""
    client = await connect(fake.base_url)
    assert await client.report_check(body) == Accepted()
    fake.takes_descriptions = False
    for _ in range(2):
        assert await client.report_check(body) == Accepted()
    assert described(fake, maker) == [body["metadata"]["reason"], None, None]
    assert paths(fake)[2:] == ["/graphql", ROUTE, ROUTE]


async def test_after_an_outage_the_server_is_asked_again(fake, connect, maker, body):
    """It may be a newer one: what it takes is learned anew."""
    fake.takes_descriptions = False
    client = await connect(fake.base_url)
    assert await client.report_check(body) == Accepted()
    fake.kill()
    assert isinstance(await client.report_check(body), Unavailable)
    fake.takes_descriptions = True
    fake.start()
    assert await client.report_check(body) == Accepted()
    assert described(fake, maker) == [None, body["metadata"]["reason"]]


async def test_what_may_have_been_stored_does_not_go_out_again_by_rest(
    fake, fault, connect, maker, body
):
    """A second way would double it; the lane decides when it is told again."""
    client = await connect(fake.base_url)
    fake.faults.append(fault(500, stored=True))
    assert isinstance(await client.report_check(body), Ambiguous)
    assert len(described(fake, maker)) == 1


async def test_a_question_that_hangs_holds_no_evaluation_back(fake, fault, connect, maker, body):
    """It goes by REST after the timeout."""
    fake.question_fault = fault(wait_seconds=1.0)
    client = await connect(fake.base_url, timeout_seconds=0.3)
    assert await client.report_check(body) == Accepted()
    assert described(fake, maker) == [None]


async def test_a_question_that_had_no_answer_is_asked_again(
    fake, fault, connect, maker, body, again_soon
):
    """After some time: else one slow answer would cost the descriptions of the whole contact."""
    fake.question_fault = fault(500)
    client = await connect(fake.base_url)
    assert await client.report_check(body) == Accepted()
    fake.question_fault = None
    assert await client.report_check(body) == Accepted()
    assert paths(fake) == ["/graphql", ROUTE, ROUTE]
    await asyncio.sleep(again_soon)
    assert await client.report_check(body) == Accepted()
    assert described(fake, maker) == [None, None, body["metadata"]["reason"]]


@pytest.mark.parametrize("what", ["question", "mutation"])
@pytest.mark.parametrize("status", [429, 503])
async def test_while_graphql_is_throttled_rest_is_not(
    fake, fault, connect, maker, body, status, what
):
    """Nothing was stored, so nothing is doubled; and GraphQL is left alone for some time."""
    client = await connect(fake.base_url)
    if what == "question":
        fake.question_fault = fault(status)
    else:
        fake.faults.append(fault(status))
    for _ in range(2):
        assert await client.report_check(body) == Accepted()
    assert described(fake, maker) == [None, None]
    assert paths(fake)[-3:] == ["/graphql", ROUTE, ROUTE]


CUT_OFF = b'{"data": {"reportAssetCheckEval'
PYTHON_ERROR = b'{"data": {"reportAssetCheckEvaluations": {"__typename": "PythonError"}}}'


@pytest.mark.parametrize("answer", [CUT_OFF, PYTHON_ERROR])
async def test_a_mutation_without_a_clear_answer_twice_goes_by_rest(
    fake, fault, connect, maker, body, answer
):
    """Once it may have been stored; but what never says so must not keep the evaluation away."""
    other = {**body, "check_name": "fresh"}
    client = await connect(fake.base_url)
    unclear = fault(200, answer, {"Content-Type": "application/json"})
    fake.faults.append(unclear)
    assert isinstance(await client.report_check(body), Ambiguous)
    assert described(fake, maker) == []
    assert await client.report_check(other) == Accepted()
    fake.faults.append(unclear)
    assert await client.report_check(body) == Accepted()
    assert described(fake, maker) == [None]
    assert described(fake, maker, "fresh") == [body["metadata"]["reason"]]


async def test_two_mutations_in_a_row_without_a_clear_answer_send_all_by_rest(
    fake, fault, connect, maker, body
):
    """Of whichever checks: where the mutation alone is broken, each would have to fail once."""
    client = await connect(fake.base_url)
    fake.faults.extend([fault(200, PYTHON_ERROR, {"Content-Type": "application/json"})] * 2)
    names = ["fresh", "lag__billing", "arrival_age", "throughput"]
    told = [await client.report_check({**body, "check_name": name}) for name in names]
    assert isinstance(told[0], Ambiguous)
    assert told[1:] == [Accepted()] * 3
    assert not fake.faults
    assert [path for path in paths(fake) if path == ROUTE] == [ROUTE] * 3


async def test_a_clear_answer_forgets_an_unclear_one(fake, fault, connect, maker, body, again_soon):
    """Only two in a row are too many, and only for some time."""
    client = await connect(fake.base_url)
    unclear = fault(200, PYTHON_ERROR, {"Content-Type": "application/json"})
    for _ in range(2):
        fake.faults.append(unclear)
        assert isinstance(await client.report_check(body), Ambiguous)
        assert await client.report_check(body) == Accepted()
    fake.faults.extend([unclear, unclear])
    assert isinstance(await client.report_check(body), Ambiguous)
    for _ in range(2):
        assert await client.report_check(body) == Accepted()
    await asyncio.sleep(again_soon)
    assert await client.report_check(body) == Accepted()
    reason = body["metadata"]["reason"]
    assert described(fake, maker) == [reason, reason, None, None, reason]


async def test_a_read_only_server_is_told_in_the_words_of_rest(body):
    """GraphQL says it with a 200; what is told is what REST answers then."""

    def handler(request):
        if request.url.path.endswith(ROUTE):
            return httpx.Response(401, json={"error": "Not authorized"})
        if b"__type(" in request.content:
            names = mutation(body)["variables"]["evaluation"]
            fields = [{"name": name} for name in names]
            return httpx.Response(200, json={"data": {"__type": {"inputFields": fields}}})
        refused = {"__typename": "UnauthorizedError", "message": "no"}
        return httpx.Response(200, json={"data": {"reportAssetCheckEvaluations": refused}})

    address = DagsterAddress("http://dagster.example")
    async with DagsterClient(address, httpx.MockTransport(handler)) as client:
        outcome = await client.report_check(body)
    assert isinstance(outcome, Misconfigured)
    assert "--read-only" in outcome.reason


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ReportAssetCheckEvaluationsSuccess", Accepted),
        ("UnauthorizedError", Misconfigured),
        ("PythonError", Ambiguous),
        ("OfTomorrow", Ambiguous),
    ],
)
def test_each_answer_has_its_outcome(name, kind):
    """An error of Python may have come after the storing."""
    answer = {"data": {"reportAssetCheckEvaluations": {"__typename": name, "message": "x"}}}
    assert isinstance(read_mutated(json.dumps(answer).encode()), kind)


def test_what_became_of_an_evaluation_is_unknown_if_the_answer_is_cut_off():
    """It says nothing about the storing."""
    for answer in (b"", b'{"data": {"repo', b"<html>"):
        assert isinstance(read_mutated(answer), Ambiguous)
        with pytest.raises(AnswerError):
            read_probe(answer)


@pytest.mark.parametrize(
    "answer",
    [b"[]", b"{}", b'{"data": null}', b'{"data": {}}', b'{"errors": ["x"]}', b'{"errors": [{}]}'],
)
def test_another_answer_is_none(answer):
    """Neither to the question nor to the mutation."""
    for read in (read_probe, read_mutated):
        with pytest.raises(AnswerError):
            read(answer)


def test_a_mutation_that_lacks_a_field_is_not_used():
    """Another version may take less than is sent."""
    names = ["assetKey", "checkName", "passed", "severity", "serializedMetadata"]
    answer = {"data": {"__type": {"inputFields": [{"name": name} for name in names]}}}
    assert read_probe(json.dumps(answer).encode()) is False
