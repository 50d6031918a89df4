"""What is sent is what Dagster has, with its types; the fake and the real webserver alike."""

from __future__ import annotations

import json

import httpx
import pytest

from streamgauge.core.report import dead_letter_report, report
from streamgauge.dagster.graphql import LastReported
from streamgauge.dagster.materializations import materialization
from streamgauge.dagster.outcome import Accepted
from streamgauge.dagster.payloads import (
    check_evaluation,
    dead_letter_observation,
    observation,
)
from streamgauge.dagster.plain import instant
from streamgauge.model import Level

TYPES = """
query($key: AssetKeyInput!, $limit: Int!) { assetOrError(assetKey: $key) {
  ... on Asset { assetObservations(limit: $limit) { metadataEntries { __typename label } } } } }
"""


async def test_observation_arrives_with_its_types(server, connect, maker):
    """Counts are Int, shares and seconds Float, names and times Text, the detail Json."""
    snapshot = maker.snapshot(20, 2, after_ms=10_000, last_record_ms=maker.start_ms + 9_500)
    told = report(snapshot, None)
    client = await connect(server.base_url)
    assert await client.report_observation(observation(told, snapshot).body) == Accepted()

    (found,) = server.observations(maker.asset_key)
    assert (found.run_id, found.partition) == ("", None)
    assert found.data_version == told.data_version
    arrived = "20 records in 10 s with an arrival age p99 of 0.101 s"
    assert found.description == f"{arrived}; 2 dead letters arrived."
    assert found.metadata["records"] == found.metadata["records_total"] == 20
    assert found.metadata["records_per_second"] == 2.0
    assert found.metadata["detail"]["positions"]["rows"] == [[0, 20, 20]]

    variables = {"key": {"path": list(maker.asset_key)}, "limit": 1}
    answer = server.graphql(TYPES, variables)["assetOrError"]["assetObservations"][0]
    kinds = {each["label"]: each["__typename"] for each in answer["metadataEntries"]}
    assert {label: kind.removesuffix("MetadataEntry") for label, kind in kinds.items()} == {
        "records": "Int",
        "records_per_second": "Float",
        "arrival_age_p50_seconds": "Float",
        "arrival_age_p99_seconds": "Float",
        "dead_letters": "Int",
        "unaged": "Int",
        "traced_share": "Float",
        "completeness": "Float",
        "records_total": "Int",
        "dead_letters_total": "Int",
        "last_message_timestamp": "Float",
        "period_start": "Text",
        "period_end": "Text",
        "sequence": "Int",
        "stream": "Text",
        "life": "Text",
        "detail": "Json",
    }


@pytest.mark.parametrize(
    ("level", "passed", "severity"),
    [
        (Level.PASS, True, "WARN"),
        (Level.WARN, False, "WARN"),
        (Level.UNKNOWN, False, "WARN"),
        (Level.FAIL, False, "ERROR"),
    ],
)
@pytest.mark.parametrize("rest_only", [True, False], ids=["rest", "graphql"])
async def test_evaluation_arrives(server, connect, maker, level, passed, severity, rest_only):
    """Only a pass has passed, and only a failure is an error; both ways store the same."""
    verdict = maker.verdict(level=level, value=12.5)
    body = check_evaluation(verdict, maker.snapshot(after_ms=1_234)).body
    client = await connect(server.base_url, rest_only=rest_only)
    assert await client.report_check(body) == Accepted()
    (found,) = server.check_executions(maker.asset_key, verdict.check)
    assert (found.passed, found.severity, found.run_id) == (passed, severity, "")
    assert found.description == (None if rest_only else verdict.reason)
    assert found.metadata == {
        "reason": verdict.reason,
        "level": level.value,
        "value": 12.5,
        "limit": 10_000.0,
        "unit": "records",
        "since": "2027-01-15T08:00:00.000Z",
        "as_of": "2027-01-15T08:00:01.234Z",
        "stream": maker.stream,
        "life": "life-1",
    }


@pytest.mark.parametrize("rest_only", [True, False], ids=["rest", "graphql"])
async def test_numbers_keep_their_kinds(server, connect, maker, rest_only):
    """Dagster plots both; a count beyond 32 bits is none that it rounds."""
    client = await connect(server.base_url, rest_only=rest_only)
    verdict = maker.verdict(value=2**40, limit=0.5, level=Level.FAIL)
    body = check_evaluation(verdict, maker.snapshot()).body
    assert await client.report_check(body) == Accepted()
    (found,) = server.check_executions(maker.asset_key, verdict.check)
    assert (found.metadata["value"], found.metadata["limit"]) == (2**40, 0.5)
    assert isinstance(found.metadata["value"], int)


async def test_materialization_arrives_and_is_found_again(server, connect, maker):
    """With the data version of its observation, and only that version is found."""
    snapshot = maker.snapshot(20, after_ms=10_000)
    told = report(snapshot, None)
    client = await connect(server.base_url)
    assert await client.is_materialized(maker.asset_key, told.data_version) is False
    body = materialization(observation(told, snapshot).body)
    assert await client.report_materialization(body) == Accepted()
    assert await client.is_materialized(maker.asset_key, told.data_version) is True
    assert await client.is_materialized(maker.asset_key, "another") is False
    assert server.observations(maker.asset_key) == []


async def test_newest_report_is_read_back(server, connect, maker):
    """Of a stream and of a dead letter topic; nothing at first, and nothing of other streams."""
    client = await connect(server.base_url)
    assert await client.last_reported(maker.asset_key, maker.stream) is None
    first = maker.snapshot(20, 2, after_ms=10_000)
    told = report(first, None)
    second = maker.snapshot(25, 2, after_ms=20_123)
    for each, snapshot in ((told, first), (report(second, told), second)):
        assert await client.report_observation(observation(each, snapshot).body) == Accepted()
    view = second.dead_letters[0]
    letters = dead_letter_observation(dead_letter_report(second, view, None), view)
    assert await client.report_observation(letters.body) == Accepted()

    end = instant(second.as_of_ms)
    assert await client.last_reported(maker.asset_key, maker.stream) == LastReported(
        maker.stream, "life-1", 2, end, 25
    )
    assert await client.last_reported(maker.letters_key, maker.stream) == LastReported(
        maker.stream, "life-1", 1, end, 2
    )
    assert await client.last_reported(maker.asset_key, "another") is None


@pytest.mark.parametrize("rest_only", [True, False], ids=["rest", "graphql"])
async def test_any_text_is_stored(server, connect, maker, rest_only):
    """NUL, lone surrogates and endless texts do not make a report fail."""
    verdict = maker.verdict(reason="a\0b \ud800 ü 漢 " + "x" * 5_000, value=float("nan"))
    snapshot = maker.snapshot(1)
    client = await connect(server.base_url, rest_only=rest_only)
    assert await client.report_check(check_evaluation(verdict, snapshot).body) == Accepted()
    (found,) = server.check_executions(maker.asset_key, verdict.check)
    assert found.metadata["reason"].startswith("ab  ü 漢 xxx")
    assert len(found.metadata["reason"]) == 1_000
    assert "value" not in found.metadata


def test_charset_is_refused(server, maker):
    """The client never sends one; this holds the fake to the reason why."""
    answer = httpx.post(
        f"{server.base_url}/report_asset_check/",
        content=json.dumps(check_evaluation(maker.verdict(), maker.snapshot()).body),
        headers={"Content-Type": "application/json; charset=utf-8"},
    )
    assert answer.status_code == 400
    assert "Unhandled content type" in answer.json()["error"]


async def test_nothing_is_defined_where_there_are_no_definitions(server, connect, maker):
    """Undefined keys are simply absent."""
    client = await connect(server.base_url)
    assert await client.defined([maker.asset_key]) == {}
