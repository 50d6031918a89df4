"""The sink and each kind of real webserver: readable in a second, killed, prefixed, read-only."""

from __future__ import annotations

import asyncio
import time

import pytest
from structlog.testing import capture_logs

from streamgauge.dagster.client import DagsterClient
from streamgauge.dagster.outcome import Misconfigured
from streamgauge.dagster.payloads import check_evaluation
from streamgauge.dagster.transport import DagsterAddress
from streamgauge.model import Level
from streamgauge_demo.parts.dagster_oldest import OLDEST

from .waiting import until_answered

pytestmark = pytest.mark.timeout(240)  # each starts a webserver, which takes long on a busy machine


def test_each_kind_is_what_it_says(kind, real_server):
    """Else the others would meet one server several times."""
    told = real_server(kind).graphql("{ version instance { info } }")
    assert (told["version"] == OLDEST) == kind.is_oldest
    assert ("PostgresEventLogStorage" in told["instance"]["info"]) == kind.has_postgres


async def test_failing_check_is_readable_within_a_second(kind, real_server, run, maker):
    """From publish to GraphQL's answer."""
    server = real_server(kind)
    sink = run(server.base_url)

    def newest():
        found = server.check_executions(maker.asset_key, "lag__billing", 1)
        return found[0].metadata["level"] if found else None

    sink.publish(maker.snapshot(verdicts=(maker.verdict(),)))
    await until_answered(lambda: newest() == "pass")
    delays = []
    for number, level in enumerate((Level.FAIL, Level.PASS, Level.FAIL)):
        sink.publish(maker.snapshot(after_ms=number, verdicts=(maker.verdict(level=level),)))
        began = time.monotonic()
        await until_answered(lambda level=level: newest() == level)
        delays.append(time.monotonic() - began)
    assert min(delays) < 1.0


async def test_webserver_that_is_killed_gets_every_count_in_the_end(
    launch, run, maker, page_definitions
):
    """Behind a prefix, with the definitions of the page: killed while reports go on, then back."""
    maker.asset_key = ("kafka", "orders_placed")
    check = "lag__fulfillment"
    server = await launch(page_definitions, path_prefix="/dagster")
    with capture_logs() as log:
        sink = run(server.base_url, report_every_ms=500)
        counts = iter(range(10, 10_000, 10))

        def grow(level=Level.PASS):
            records = next(counts)
            verdicts = (maker.verdict(check, level), maker.verdict("undefined"))
            sink.publish(maker.snapshot(records, 3, after_ms=records, verdicts=verdicts))
            return records

        def told():
            return server.observations(maker.asset_key, 1000)

        while not await asyncio.to_thread(told):
            grow()
            await asyncio.sleep(0.1)
        server.kill()
        for _ in range(20):
            grow(Level.FAIL)
            await asyncio.sleep(0.05)
        await asyncio.to_thread(server.restart)
        last = grow(Level.FAIL)
        await until_answered(lambda: told()[0].metadata["records_total"] == last)
        await until_answered(
            lambda: (
                [each.severity for each in server.check_executions(maker.asset_key, check, 1)]
                == ["ERROR"]
            )
        )
        await until_answered(lambda: sum(e["event"] == "dagster_not_defined" for e in log) == 2)
        final = grow()
        await sink.flush(10.0)

        by_sequence = {}
        for each in reversed(told()):
            metadata = each.metadata
            best = by_sequence.setdefault(metadata["sequence"], metadata)
            if metadata["records_total"] > best["records_total"]:
                by_sequence[metadata["sequence"]] = metadata
        assert sorted(by_sequence) == list(range(1, len(by_sequence) + 1))
        assert sum(each["records"] for each in by_sequence.values()) == final
        assert sum(each["dead_letters"] for each in by_sequence.values()) == 3
        assert max(each["records_total"] for each in by_sequence.values()) == final

    events = [line["event"] for line in log]
    assert events.count("dagster_unavailable") == 1
    assert events.count("dagster_recovered") == 1
    missing = {
        (line["asset"], line.get("check")) for line in log if line["event"] == "dagster_not_defined"
    }
    assert missing == {
        ("/".join(maker.letters_key), None),
        ("/".join(maker.asset_key), "undefined"),
    }


async def test_read_only_webserver_and_missing_prefix_are_misconfigured(launch, maker):
    """The real answers, with what they mean."""
    server = await launch(path_prefix="/dagster", options=["--read-only"])
    body = check_evaluation(maker.verdict(), maker.snapshot()).body
    told = []
    for base_url in (
        server.base_url,
        server.base_url.removesuffix("/dagster"),
        f"{server.base_url}/more",
    ):
        async with DagsterClient(DagsterAddress(base_url)) as client:
            told.append(await client.report_check(body))
    assert all(isinstance(outcome, Misconfigured) for outcome in told)
    read_only, bare, wrong = (outcome.reason for outcome in told)
    assert "--read-only" in read_only
    assert "Not authorized to report runless asset events." in read_only
    assert bare.startswith("HTTP 404")
    assert "--path-prefix" in bare
    assert wrong.startswith("HTTP 405")
