"""The sink tells what is new at once, the rest once a period, and survives what Dagster does."""

from __future__ import annotations

import asyncio
import json
import time

import httpx
import pytest
from structlog.testing import capture_logs

from streamgauge.core.report import report
from streamgauge.core.taking_over import ToldPosition
from streamgauge.dagster import lane
from streamgauge.dagster.client import DagsterClient
from streamgauge.dagster.delivery import DagsterSink
from streamgauge.dagster.outcome import Accepted
from streamgauge.dagster.payloads import observation
from streamgauge.dagster.reported_asset import REFUSALS_MAX
from streamgauge.dagster.transport import DagsterAddress
from streamgauge.model import Blind, Level

from .waiting import until

HOUR_MS = 3_600_000
NOW_MS = 1_800_000_123_456


@pytest.fixture
def log():
    """The lines of the log, as they come."""
    with capture_logs() as lines:
        yield lines


def told(fake, key):
    """Metadata of the observations that the fake has, the oldest first."""
    return [each["metadata"] for each in fake.observations.get(key, [])]


def levels(fake, maker, check="lag__billing"):
    """Levels of a check that the fake has, the oldest first."""
    found = fake.evaluations.get((maker.asset_key, check), [])
    return [
        entry["text"]
        for each in found
        for entry in each["evaluation"]["metadataEntries"]
        if entry["label"] == "level"
    ]


def events(log):
    """Names of the lines, without those about definitions."""
    return [line["event"] for line in log if line["event"] != "dagster_not_defined"]


async def test_stream_dead_letters_and_checks_are_told_at_the_start(fake, run, maker):
    """One observation for each asset and one evaluation for each check, of the first snapshot."""
    sink = run(fake.base_url)
    sink.publish(maker.snapshot(5, 2, after_ms=1_000, verdicts=(maker.verdict(),)))
    await until(lambda: told(fake, maker.asset_key) and told(fake, maker.letters_key))
    await until(lambda: sink.health().delivered == 3)
    (stream,), (letters,) = told(fake, maker.asset_key), told(fake, maker.letters_key)
    assert (stream["records_total"], letters["dead_letters_total"]) == (5, 2)
    assert levels(fake, maker) == ["pass"]
    health = sink.health()
    assert (health.name, health.failed, health.dropped) == ("dagster", 0, 0)
    assert health.last_delivered_ms == NOW_MS
    assert health.last_error is None


async def test_changed_level_is_sent_without_delay(fake, run, maker):
    """From publish to a stored evaluation no pause is built in; best of three on a busy machine."""
    sink = run(fake.base_url)
    sink.publish(maker.snapshot(verdicts=(maker.verdict(),)))
    await until(lambda: levels(fake, maker))
    delays = []
    for number, level in enumerate((Level.FAIL, Level.PASS, Level.FAIL)):
        await asyncio.sleep(0.1)
        sink.publish(maker.snapshot(after_ms=number, verdicts=(maker.verdict(level=level),)))
        began = time.monotonic()
        await until(lambda level=level: levels(fake, maker)[-1] == level)
        delays.append(time.monotonic() - began)
    assert min(delays) < 0.05
    assert max(delays) < 1.0
    assert levels(fake, maker) == ["pass", "fail", "pass", "fail"]


async def test_everything_is_repeated_every_period(fake, run, maker):
    """Observations with the difference since the one before, evaluations though unchanged."""
    sink = run(fake.base_url, report_every_ms=200)
    began = time.monotonic()
    for number in range(1, 100):
        sink.publish(maker.snapshot(number, after_ms=number * 20, verdicts=(maker.verdict(),)))
        await asyncio.sleep(0.02)
    reports = told(fake, maker.asset_key)
    most = (time.monotonic() - began) / 0.2 + 1
    assert 4 <= len(reports) <= most
    assert 4 <= len(levels(fake, maker)) <= most
    assert [each["sequence"] for each in reports] == list(range(1, len(reports) + 1))
    assert sum(each["records"] for each in reports) == reports[-1]["records_total"]


async def test_hanging_observation_does_not_hold_a_check_up(fake, fault, run, maker):
    """Two lanes: what is urgent does not wait for what is long."""
    sink = run(fake.base_url)
    fake.faults.append(fault(wait_seconds=3.0))
    sink.publish(maker.snapshot(1))
    await until(lambda: not fake.faults)
    began = time.monotonic()
    sink.publish(maker.snapshot(1, after_ms=1, verdicts=(maker.verdict(level=Level.FAIL),)))
    await until(lambda: levels(fake, maker) == ["fail"])
    assert time.monotonic() - began < 1.0
    assert not told(fake, maker.asset_key)


async def test_outage_is_told_once_and_the_next_report_covers_it(fake, run, maker, log):
    """Server killed and back on the same address: resolution is lost, counts are not."""
    sink = run(fake.base_url, report_every_ms=200)
    sink.publish(maker.snapshot(5, verdicts=(maker.verdict(),), after_ms=1_000))
    await until(lambda: told(fake, maker.asset_key) and levels(fake, maker))
    fake.kill()
    failing = maker.verdict(level=Level.FAIL)
    for number in range(6, 40):
        sink.publish(maker.snapshot(number, after_ms=number * 1_000, verdicts=(failing,)))
        await asyncio.sleep(0.05)
    assert events(log).count("dagster_unavailable") == 1
    assert sink.health().failed >= 2
    fake.start()
    await until(lambda: levels(fake, maker)[-1] == "fail")
    await until(lambda: told(fake, maker.asset_key)[-1]["records_total"] == 39)
    first, *_, last = told(fake, maker.asset_key)
    assert (first["sequence"], last["sequence"]) == (1, 2)
    assert (last["records"], last["period_start"]) == (34, first["period_end"])
    await until(lambda: "dagster_recovered" in events(log))
    assert events(log) == ["dagster_unavailable", "dagster_recovered"]


async def test_report_that_was_stored_with_an_error_counts(fake, fault, run, maker):
    """The gauge reads it back and goes on with the next sequence: nothing is told twice."""
    sink = run(fake.base_url, report_every_ms=100)
    fake.faults.append(fault(500, stored=True))
    sink.publish(maker.snapshot(5, after_ms=1_000))
    await until(lambda: told(fake, maker.asset_key))
    sink.publish(maker.snapshot(9, after_ms=2_000))
    await until(lambda: len(told(fake, maker.asset_key)) == 2)
    first, second = told(fake, maker.asset_key)
    assert (first["sequence"], first["records"]) == (1, 5)
    assert (second["sequence"], second["records"], second["records_total"]) == (2, 4, 9)


async def test_report_that_was_lost_with_an_error_is_sent_again(fake, fault, run, maker):
    """Under the same sequence, with the totals of then."""
    sink = run(fake.base_url, report_every_ms=100)
    fake.faults.append(fault(reset=True))
    sink.publish(maker.snapshot(5, after_ms=1_000))
    await until(lambda: sink.health().failed)
    sink.publish(maker.snapshot(9, after_ms=2_000))
    (only,) = await until(lambda: told(fake, maker.asset_key))
    assert (only["sequence"], only["records"], only["records_total"]) == (1, 9, 9)


async def test_reports_go_on_while_graphql_is_refused(fake, fault, run, maker, log):
    """Without an answer the doubt is settled by the greatest totals."""
    fake.question_fault = fault(403)
    fake.faults.append(fault(500, stored=True))
    sink = run(fake.base_url, report_every_ms=100)
    sink.publish(maker.snapshot(5, after_ms=1_000, dead_letters=0))
    await until(lambda: told(fake, maker.asset_key))
    sink.publish(maker.snapshot(9, after_ms=2_000))
    await until(lambda: len(told(fake, maker.asset_key)) == 2)
    sink.publish(maker.snapshot(10, after_ms=3_000))
    await until(lambda: len(told(fake, maker.asset_key)) == 3)
    reports = told(fake, maker.asset_key)
    assert [(each["sequence"], each["records"]) for each in reports] == [(1, 5), (1, 9), (2, 1)]
    await until(lambda: events(log).count("dagster_misconfigured") == 1)


async def test_evaluation_of_unknown_fate_is_told_again(fake, fault, run, maker):
    """Evaluations carry no counts: twice does no harm, but a pass must follow a failure."""
    sink = run(fake.base_url)
    sink.publish(maker.snapshot(verdicts=(maker.verdict(),), partitions=()))
    await until(lambda: levels(fake, maker))
    await until(lambda: told(fake, maker.letters_key))
    fake.faults.append(fault(500, stored=True))
    failing = maker.verdict(level=Level.FAIL)
    sink.publish(maker.snapshot(after_ms=1, verdicts=(failing,), partitions=()))
    await until(lambda: levels(fake, maker)[-1] == "fail")
    sink.publish(maker.snapshot(after_ms=2, verdicts=(maker.verdict(),), partitions=()))
    await until(lambda: levels(fake, maker)[-1] == "pass")


async def test_misconfiguration_is_told_once_and_loudly_and_its_end_too(
    fake, fault, run, maker, log
):
    """A read-only webserver, for all assets and checks: one line, and one when it is healed."""
    fake.fault = fault(401, b'{"error": "Not authorized"}')
    sink = run(fake.base_url)
    sink.publish(maker.snapshot(5, 2, verdicts=(maker.verdict(), maker.verdict("fresh"))))
    await until(lambda: sink.health().failed == 4)
    (line,) = [line for line in log if line["event"] == "dagster_misconfigured"]
    assert line["log_level"] == "error"
    assert "--read-only" in line["reason"]
    assert "--read-only" in sink.health().last_error
    await asyncio.sleep(0.3)
    assert sum(path != "/graphql" for path, _, _ in fake.requests) == 4
    fake.fault = None
    await sink.flush(5.0)
    assert told(fake, maker.asset_key)
    assert told(fake, maker.letters_key)
    assert levels(fake, maker) == levels(fake, maker, "fresh") == ["pass"]
    assert events(log) == ["dagster_misconfigured", "dagster_recovered"]


async def test_one_refused_check_holds_nothing_else_up(fake, fault, run, maker):
    """Only what was refused, by GraphQL and by REST, waits."""
    fake.faults.extend([fault(400), fault(400)])
    sink = run(fake.base_url)
    verdicts = (maker.verdict("first"), maker.verdict("second"))
    only_checks = {"partitions": (), "dead_letter_partitions": ()}
    sink.publish(maker.snapshot(verdicts=verdicts, **only_checks))
    await until(lambda: levels(fake, maker, "second"))
    assert not levels(fake, maker, "first")


async def test_withdrawn_while_it_asks_the_sink_goes_on(fake, fault, run, maker):
    """With whatever comes next; and nothing is told of what was withdrawn."""
    observed = b'{"data": {"assetOrError": {"assetObservations": []}}}'
    kind = {"Content-Type": "application/json"}
    fake.question_fault = fault(200, observed, kind, wait_seconds=0.3)
    sink = run(fake.base_url, report_every_ms=100)
    sink.publish(maker.snapshot(5, after_ms=1_000, resumed=1, dead_letter_partitions=()))
    await until(lambda: fake.requests)
    await asyncio.sleep(0.05)
    sink.withdraw(maker.stream)
    other = type(maker)()
    sink.publish(other.snapshot(7, after_ms=1_000))
    await until(lambda: told(fake, other.asset_key))
    assert told(fake, maker.asset_key) == []
    fake.question_fault = None
    sink.publish(maker.snapshot(9, after_ms=2_000, resumed=2))
    (only,) = await until(lambda: told(fake, maker.asset_key))
    assert only["records"] == 9


async def test_withdrawn_while_a_doubt_is_settled_the_sink_goes_on(fake, fault, run, maker):
    """The report in doubt is somebody else's matter now."""
    fake.faults.append(fault(500))
    sink = run(fake.base_url, report_every_ms=100)
    kind = {"Content-Type": "application/json"}
    fake.question_fault = fault(200, b'{"data": {"assetOrError": {}}}', kind, wait_seconds=0.3)
    sink.publish(maker.snapshot(5, after_ms=1_000, dead_letter_partitions=()))
    # for the definitions, and for the report
    await until(lambda: sum(path == "/graphql" for path, _, _ in fake.requests) == 2)
    await asyncio.sleep(0.05)
    sink.withdraw(maker.stream)
    fake.question_fault = None
    other = type(maker)()
    sink.publish(other.snapshot(7, after_ms=1_000))
    await until(lambda: told(fake, other.asset_key))
    assert told(fake, maker.asset_key) == []


async def test_answer_to_a_question_of_before_a_withdrawal_is_not_used(fake, fault, run, maker):
    """It does not tell what somebody else has reported meanwhile."""
    first = maker.snapshot(5, after_ms=1_000)
    there = run(fake.base_url, report_every_ms=100)
    there.publish(first)
    await until(lambda: told(fake, maker.asset_key))
    observed = b'{"data": {"assetOrError": {"assetObservations": []}}}'
    kind = {"Content-Type": "application/json"}
    fake.question_fault = fault(200, observed, kind, wait_seconds=0.3)
    asked = len(fake.requests)
    here = run(fake.base_url, report_every_ms=100)
    here.publish(maker.snapshot(7, after_ms=2_000, resumed=1, dead_letter_partitions=()))
    await until(lambda: len(fake.requests) > asked)
    await asyncio.sleep(0.05)
    here.withdraw(maker.stream)
    fake.question_fault = None
    here.publish(maker.snapshot(9, after_ms=3_000, resumed=2, dead_letter_partitions=()))
    await until(lambda: len(told(fake, maker.asset_key)) == 2)
    last = told(fake, maker.asset_key)[-1]
    assert (last["sequence"], last["records"]) == (2, 4)


async def test_check_that_somebody_else_told_meanwhile_is_told_again(fake, run, maker):
    """Its level is the one that was told here last, but not the one that Dagster has."""
    here, there = run(fake.base_url), run(fake.base_url)
    failing, passing = maker.verdict(level=Level.FAIL), maker.verdict()
    here.publish(maker.snapshot(verdicts=(failing,), after_ms=1_000, resumed=1))
    await until(lambda: levels(fake, maker) == ["fail"])
    await until(lambda: here.health().delivered)
    here.withdraw(maker.stream)
    there.publish(maker.snapshot(verdicts=(passing,), after_ms=2_000, resumed=1))
    await until(lambda: levels(fake, maker) == ["fail", "pass"])
    there.withdraw(maker.stream)
    here.publish(maker.snapshot(verdicts=(failing,), after_ms=3_000, resumed=2))
    await until(lambda: levels(fake, maker) == ["fail", "pass", "fail"])


async def test_undefined_assets_and_checks_are_told_once(fake, run, maker, log):
    """A 200 does not say that anybody sees the report."""
    similar = (*maker.letters_key[:-1], maker.letters_key[-1] + "s")
    fake.definitions = {maker.asset_key: ["fresh", "lag__billings"], similar: []}
    sink = run(fake.base_url, report_every_ms=50)
    verdicts = (maker.verdict("fresh"), maker.verdict("lag__billing"))
    for number in range(20):
        sink.publish(maker.snapshot(5, after_ms=number, verdicts=verdicts))
        await asyncio.sleep(0.02)
    lines = [line for line in log if line["event"] == "dagster_not_defined"]
    assert {(line["asset"], line.get("check"), line["nearest"]) for line in lines} == {
        ("/".join(maker.letters_key), None, "/".join(similar)),
        ("/".join(maker.asset_key), "lag__billing", "lag__billings"),
    }
    assert len(lines) == 2
    assert sink.health().failed == 0


async def test_new_check_is_looked_up_at_once(fake, run, maker, log):
    """It is warned of without waiting for the next look."""
    fake.definitions = {maker.asset_key: ["fresh"], maker.letters_key: []}
    sink = run(fake.base_url)
    sink.publish(maker.snapshot(verdicts=(maker.verdict("fresh"),)))
    await until(lambda: told(fake, maker.letters_key))
    assert not [line for line in log if line["event"] == "dagster_not_defined"]
    sink.publish(maker.snapshot(after_ms=1, verdicts=(maker.verdict("new"),)))
    await until(lambda: [line for line in log if line.get("check") == "new"])


async def test_flush_tells_everything_of_the_newest_snapshots(fake, run, maker):
    """Though the period is an hour and nothing has changed."""
    sink = run(fake.base_url)
    sink.publish(maker.snapshot(5, 1, after_ms=1_000, verdicts=(maker.verdict(),)))
    await until(lambda: told(fake, maker.asset_key) and levels(fake, maker))
    await until(lambda: told(fake, maker.letters_key))
    sink.publish(maker.snapshot(50, 3, after_ms=2_000, verdicts=(maker.verdict(),)))
    await asyncio.sleep(0.05)
    await sink.flush(5.0)
    assert [each["records_total"] for each in told(fake, maker.asset_key)] == [5, 50]
    assert [each["dead_letters_total"] for each in told(fake, maker.letters_key)] == [1, 3]
    assert levels(fake, maker) == ["pass", "pass"]


async def test_flush_works_without_run(fake, maker):
    """Also for one that was never started, or was cancelled before."""
    client = DagsterClient(DagsterAddress(fake.base_url))
    sink = DagsterSink(client, report_every_ms=HOUR_MS, clock=lambda: NOW_MS)
    sink.publish(maker.snapshot(5, verdicts=(maker.verdict(),)))
    await sink.flush(5.0)
    assert told(fake, maker.asset_key)
    assert levels(fake, maker) == ["pass"]


async def test_flush_after_a_cancelled_request_settles_the_doubt(fake, fault, maker):
    """The report that was on its way when the service stopped is not told twice."""
    client = DagsterClient(DagsterAddress(fake.base_url))
    sink = DagsterSink(client, report_every_ms=HOUR_MS, clock=lambda: NOW_MS)
    running = asyncio.create_task(sink.run())
    fake.faults.append(fault(200, wait_seconds=1.0, stored=True))
    sink.publish(maker.snapshot(5, after_ms=1_000))
    await until(lambda: told(fake, maker.asset_key))
    sink.publish(maker.snapshot(9, after_ms=2_000))
    running.cancel()
    await asyncio.wait({running})
    await sink.flush(5.0)
    reports = told(fake, maker.asset_key)
    assert [(each["sequence"], each["records"]) for each in reports] == [(1, 5), (2, 4)]


@pytest.mark.parametrize("how", ["hangs", "is away", "errs"])
async def test_flush_ends_within_its_deadline(fake, fault, run, maker, log, how):
    """Whatever the server does; what stays untold is told to the log."""
    sink = run(fake.base_url)
    if how == "hangs":
        fake.fault = fake.question_fault = fault(wait_seconds=3.0)
    elif how == "errs":
        fake.fault = fault(500)
    else:
        fake.kill()
    sink.publish(maker.snapshot(5, verdicts=(maker.verdict(),)))
    await asyncio.sleep(0.1)
    began = time.monotonic()
    await sink.flush(0.5)
    assert time.monotonic() - began < 1.0
    last = [line for line in log if line["event"] == "dagster_unavailable"][-1]
    assert last["untold"] == 3


async def test_run_ends_when_flush_takes_over(fake, maker):
    """By itself, so that nothing is delivered twice at the same time."""
    client = DagsterClient(DagsterAddress(fake.base_url))
    sink = DagsterSink(client, report_every_ms=HOUR_MS, clock=lambda: NOW_MS)
    running = asyncio.create_task(sink.run())
    sink.publish(maker.snapshot(5))
    await asyncio.sleep(0.05)
    await sink.flush(5.0)
    await asyncio.wait_for(running, 1.0)


async def test_streams_share_the_sink(fake, run, maker):
    """Each has its own reports."""
    sink = run(fake.base_url)
    other = type(maker)()
    sink.publish(maker.snapshot(5))
    sink.publish(other.snapshot(7))
    await until(lambda: told(fake, maker.asset_key) and told(fake, other.asset_key))
    assert told(fake, maker.asset_key)[0]["records_total"] == 5
    assert told(fake, other.asset_key)[0]["records_total"] == 7


async def test_topic_that_was_never_seen_is_told_by_its_checks_only(fake, run, maker):
    """Without positions there is nothing to report; the checks say that the gauge is blind."""
    sink = run(fake.base_url)
    blind = maker.verdict("fresh", Level.UNKNOWN, reason="blind about topic orders")
    sink.publish(
        maker.snapshot(
            partitions=(),
            dead_letter_partitions=(),
            blind=(Blind("topic orders", maker.start_ms, "it does not exist"),),
            verdicts=(blind,),
        )
    )
    await until(lambda: levels(fake, maker, "fresh") == ["unknown"])
    await asyncio.sleep(0.1)
    assert fake.observations == {}


async def told_before(fake, maker, records=5):
    """Another process reports so many records."""
    async with DagsterClient(DagsterAddress(fake.base_url)) as client:
        snapshot = maker.snapshot(records, after_ms=1_000)
        body = observation(report(snapshot, None), snapshot).body
        assert await client.report_observation(body) == Accepted()


def evaluations_sent(fake):
    """How many evaluations went out by REST, whatever was answered."""
    return sum(path == "/report_asset_check/" for path, _, _ in fake.requests)


async def test_nothing_that_was_withdrawn_is_told(fake, fault, run, maker):
    """Another process tells of the stream now; other streams are none of its business."""
    sink, other = run(fake.base_url), type(maker)()
    fake.fault = fault(503)
    sink.publish(maker.snapshot(5, 2, verdicts=(maker.verdict(level=Level.FAIL),)))
    sink.publish(other.snapshot(7, verdicts=(other.verdict(level=Level.FAIL),)))
    await until(lambda: sink.health().failed)
    sink.withdraw(maker.stream)
    enough = evaluations_sent(fake) + 2
    await until(lambda: evaluations_sent(fake) >= enough)
    fake.fault = None  # by now nothing is under way that began before
    await sink.flush(5.0)
    assert fake.observations.keys() == {other.asset_key, other.letters_key}
    assert {asset_key for asset_key, _ in fake.evaluations} == {other.asset_key}


@pytest.mark.parametrize("asks", ["in doubt", "to follow"])
async def test_stream_may_be_withdrawn_while_dagster_is_asked_about_it(maker, asks):
    """The answer comes too late to be of use, and breaks nothing."""
    asked, answers, sent = asyncio.Event(), asyncio.Event(), []

    async def handler(request):
        body = json.loads(request.content)
        if "asset_key" in body:
            sent.append(tuple(body["asset_key"]))
            return httpx.Response(500 if sent == [maker.asset_key] else 200, json={})
        if "LastReported" in body["query"]:
            asked.set()
            await answers.wait()
        return httpx.Response(200, json={"data": {"assetOrError": {}, "assetNodes": []}})

    address = DagsterAddress("http://dagster.example")
    client = DagsterClient(address, httpx.MockTransport(handler))
    sink = DagsterSink(client, report_every_ms=HOUR_MS, clock=lambda: NOW_MS)
    running, other = asyncio.create_task(sink.run()), type(maker)()
    fields = {"dead_letter_partitions": (), "resumed": asks == "to follow"}
    sink.publish(maker.snapshot(5, **fields))
    await asyncio.wait_for(asked.wait(), 15.0)
    sink.withdraw(maker.stream)
    sink.publish(other.snapshot(7))
    answers.set()
    await until(lambda: other.asset_key in sent or running.done())
    await sink.flush(5.0)
    await running
    assert sent.count(maker.asset_key) == (asks == "in doubt")


async def test_check_is_told_again_after_another_process_has_judged_it(fake, run, maker):
    """What this one had told last says nothing of what Dagster has now."""
    sink = run(fake.base_url)
    sink.publish(maker.snapshot(verdicts=(maker.verdict(),)))
    await until(lambda: levels(fake, maker) == ["pass"])
    sink.withdraw(maker.stream)
    theirs = run(fake.base_url)
    theirs.publish(maker.snapshot(after_ms=1, verdicts=(maker.verdict(level=Level.FAIL),)))
    await until(lambda: levels(fake, maker) == ["pass", "fail"])
    theirs.withdraw(maker.stream)
    sink.publish(maker.snapshot(after_ms=2, verdicts=(maker.verdict(),)))
    await until(lambda: levels(fake, maker) == ["pass", "fail", "pass"], 5.0)


TROUBLES = {
    "read-only": {"status": 401},
    "a proxy": {"status": 403},
    "another path": {"status": 404},
    "overloaded": {"status": 503},
    "broken": {"status": 500},
    "cut off": {"reset": True},
    "a login page": {"status": 200, "body": b"<html>"},
    "another GraphQL": {
        "status": 200,
        "body": b'{"errors": [{"message": "Cannot query field"}]}',
        "headers": {"Content-Type": "application/json"},
    },
}


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_trouble_with_the_question_is_no_answer_that_nothing_was_told(
    fake, fault, run, maker, trouble
):
    """Who takes it for one begins where the configuration says, and loses what came before."""
    sink, assets = run(fake.base_url), {"orders": maker.asset_key, "dlq": maker.letters_key}
    await told_before(fake, maker)
    fake.question_fault = fault(**TROUBLES[trouble])
    assert await sink.last_positions(maker.stream, assets) is None
    fake.question_fault = None
    found = await sink.last_positions(maker.stream, assets)
    assert found == {("orders", 0): ToldPosition("life-1", 5)}


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_report_waits_for_the_one_that_it_follows(fake, fault, run, maker, trouble):
    """Else it would tell the whole life once more."""
    await told_before(fake, maker)
    sink = run(fake.base_url)
    fake.question_fault = fault(**TROUBLES[trouble])
    sink.publish(maker.snapshot(9, after_ms=2_000, resumed=1))
    await until(lambda: sink.health().failed)
    assert len(told(fake, maker.asset_key)) == 1
    fake.question_fault = None
    await sink.flush(5.0)
    _, second = told(fake, maker.asset_key)
    assert (second["sequence"], second["records"], second["records_total"]) == (2, 4, 9)


async def test_report_goes_on_where_the_one_that_it_follows_is_refused_for_ever(
    fake, fault, run, maker, monkeypatch
):
    """A proxy that lets reports through and no question: totals are right nevertheless."""
    monkeypatch.setattr(lane, "REFUSED_PAUSE_SECONDS", 0.05)
    await told_before(fake, maker)
    sink = run(fake.base_url)
    fake.question_fault = fault(403)
    before = len(fake.requests)
    sink.publish(maker.snapshot(9, after_ms=2_000, resumed=1))
    await until(lambda: len(told(fake, maker.asset_key)) == 2)
    paths = [path for path, *_ in fake.requests[before:]]
    asked = paths[: paths.index("/report_asset_observation/")].count("/graphql")
    assert asked >= REFUSALS_MAX
    second = told(fake, maker.asset_key)[-1]
    assert (second["sequence"], second["records_total"]) == (1, 9)
