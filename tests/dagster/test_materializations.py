"""New records are told as a materialization too, once, before the observation and the checks."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from streamgauge.core.report import report
from streamgauge.dagster.client import DagsterClient
from streamgauge.dagster.graphql import AnswerError
from streamgauge.dagster.materializations import materialization, read_materialized
from streamgauge.dagster.payloads import observation
from streamgauge.dagster.transport import DagsterAddress

from .waiting import until

PERIOD_MS = 100
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def start(run, fake, maker):
    """Start a sink that materializes the stream, with a short report period."""
    return lambda: run(fake.base_url, PERIOD_MS, materialized=frozenset({maker.stream}))


@pytest.fixture
def stream(maker):
    """Maker of snapshots of a stream without dead letters: `stream(records, **fields)`."""

    def stream(records, **fields):
        alone = {"dead_letters": 0, "dead_letter_partitions": ()}
        return maker.snapshot(records, **{"after_ms": records * 100} | alone | fields)

    return stream


@pytest.fixture
def spoil(fake):
    """Let reports of a kind fail, and give a way to let them pass again: `spoil(kind, status)`."""
    passing = fake.post

    def spoil(kind, status, *, stored=False):
        def post(handler, content):
            if kind not in handler.path:
                passing(handler, content)
                return
            if stored:
                fake.store(handler.path, "application/json", content)
            handler.answer(status, b"", {"Content-Type": "text/plain"})

        fake.post = post
        return lambda: setattr(fake, "post", passing)

    return spoil


@pytest.fixture
def quick(monkeypatch):
    """What failed is tried again at once."""
    for name in ("PAUSE_MIN_SECONDS", "PAUSE_MAX_SECONDS", "REFUSED_PAUSE_SECONDS"):
        monkeypatch.setattr(f"streamgauge.dagster.lane.{name}", 0.03)


def lines(log):
    """Names of the lines, without those about definitions."""
    return [line["event"] for line in log if line["event"] != "dagster_not_defined"]


def versions(events, maker):
    """Data versions of what was stored for the stream, the oldest first."""
    return [each["tags"][0]["value"] for each in events.get(maker.asset_key, ())]


def told(fake, maker):
    """Kinds of what was stored for the stream, in their order."""
    return [kind for kind, key in fake.stored if key == maker.asset_key]


async def test_it_goes_before_the_observation_under_the_same_version(fake, start, maker, stream):
    """Without a number, which would be plotted twice; the sentence is the observation's."""
    sink = start()
    sink.publish(stream(5))
    await until(lambda: versions(fake.observations, maker))
    assert told(fake, maker) == ["materialization", "observation"]
    (made,), (seen,) = (
        events[maker.asset_key] for events in (fake.materializations, fake.observations)
    )
    assert (made["tags"], made["description"]) == (seen["tags"], seen["description"])
    assert made["metadata"].keys() == {"period_end", "stream", "life"}
    await until(lambda: sink.health().delivered == 2)


async def test_only_new_records_are_told_so(fake, start, maker, stream):
    """A silent stream is observed and nothing more: it must not look fresh."""
    sink = start()
    for number, records in enumerate((0, 5, 5, 5, 7, 7)):
        sink.publish(stream(records, after_ms=number * 1_000))
        await until(lambda number=number: len(versions(fake.observations, maker)) > number)
    made, seen = versions(fake.materializations, maker), versions(fake.observations, maker)
    assert made == [seen[1], seen[4]]
    assert len(set(seen)) == 3


async def test_checks_are_told_after_it(fake, fault, run, maker, stream):
    """Though nothing of them has changed and their period is an hour: Dagster compares times."""
    sink = run(fake.base_url, materialized=frozenset({maker.stream}))
    sink.publish(stream(0, verdicts=(maker.verdict(),)))
    await until(lambda: sorted(told(fake, maker)) == ["check", "observation"])
    sink.publish(stream(5, verdicts=(maker.verdict(),)))
    await sink.flush(5.0)
    kinds = told(fake, maker)
    assert kinds.count("materialization") == 1
    assert "check" in kinds[kinds.index("materialization") :]


async def test_nobody_is_told_so_who_did_not_ask(fake, run, maker):
    """Neither other streams nor dead letter topics."""
    other = type(maker)()
    sink = run(fake.base_url, PERIOD_MS, materialized=frozenset({maker.stream}))
    sink.publish(maker.snapshot(5, 3, after_ms=1_000))
    sink.publish(other.snapshot(5, 3, after_ms=1_000))
    await until(lambda: len(fake.observations) == 4)
    assert fake.materializations.keys() == {maker.asset_key}


async def test_one_that_was_stored_with_an_error_is_not_told_again(
    fake, fault, start, maker, stream
):
    """It is read back, and the observation follows."""
    sink = start()
    fake.faults.append(fault(500, stored=True))
    sink.publish(stream(5))
    await until(lambda: versions(fake.observations, maker))
    assert told(fake, maker) == ["materialization", "observation"]
    assert sink.health().failed == 1


async def test_one_that_was_lost_holds_the_observation_up_until_it_is_told(
    fake, fault, start, maker, stream
):
    """Else an acknowledged observation would say that it had been."""
    sink = start()
    fake.faults.append(fault(503))
    sink.publish(stream(5))
    await until(lambda: sink.health().failed)
    assert told(fake, maker) == []
    sink.publish(stream(9))
    await until(lambda: versions(fake.observations, maker))
    assert told(fake, maker) == ["materialization", "observation"]
    assert fake.observations[maker.asset_key][0]["metadata"]["records"] == 9


async def test_one_that_is_refused_holds_nothing_up_and_is_told_of(
    fake, fault, start, maker, stream
):
    """Somebody may report observations and not materialize."""
    fake.faults.append(fault(403))
    with capture_logs() as log:
        sink = start()
        sink.publish(stream(5))
        await until(lambda: versions(fake.observations, maker))
        assert told(fake, maker) == ["observation"]
        sink.publish(stream(9))
        await until(lambda: len(versions(fake.observations, maker)) == 2)
    assert told(fake, maker) == ["observation", "materialization", "observation"]
    events = [line for line in log if line["event"] != "dagster_not_defined"]
    assert [line["event"] for line in events] == ["dagster_misconfigured", "dagster_recovered"]
    assert events[0]["delivery"].startswith("materialization of ")


async def test_a_process_that_died_after_it_is_followed_without_another(
    fake, start, connect, maker, stream
):
    """What Dagster has is asked before the first one."""
    dead = await connect(fake.base_url)
    first = stream(5)
    body = observation(report(first, None), first).body
    await dead.report_materialization(materialization(body))
    start().publish(stream(5, resumed=1))
    await until(lambda: versions(fake.observations, maker))
    assert told(fake, maker) == ["materialization", "observation"]


async def test_a_restart_without_new_records_makes_nothing_fresh(
    fake, start, connect, maker, stream
):
    """The last observation says what was told."""
    dead = await connect(fake.base_url)
    before = stream(5)
    await dead.report_observation(observation(report(before, None), before).body)
    start().publish(stream(5, after_ms=60_000, resumed=1))
    await until(lambda: len(versions(fake.observations, maker)) == 2)
    assert told(fake, maker) == ["observation", "observation"]


async def test_none_goes_out_where_graphql_is_refused(fake, fault, start, maker, stream):
    """Nobody says what Dagster has, and each restart would tell of old records as of new ones."""
    fake.question_fault = fault(403)
    with capture_logs() as log:
        sink = start()
        for records in (5, 9):
            sink.publish(stream(records))
            await until(lambda: versions(fake.observations, maker)[-1:])
            await until(lambda records=records: sums(fake, maker)[-1] == records)
    assert set(told(fake, maker)) == {"observation"}
    assert lines(log) == ["dagster_misconfigured"]


def sums(fake, maker):
    """Records that the observations have counted so far."""
    found = [each["metadata"]["records_total"] for each in fake.observations[maker.asset_key]]
    return found or [None]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("status", [413, 503])
async def test_none_follows_before_the_observation_is_acknowledged(
    fake, run, spoil, maker, stream, status
):
    """However often that is tried and whatever comes meanwhile: it goes out with the same counts.

    Nor is anything told to the log, to health or to the checks for each time that it is tried.
    """
    heal = spoil("observation", status)
    with capture_logs() as log:
        sink = run(fake.base_url, materialized=frozenset({maker.stream}))
        sink.publish(stream(5, verdicts=(maker.verdict(),)))
        for number in range(1, 40):
            await asyncio.sleep(0.01)
            sink.publish(stream(5 + number, verdicts=(maker.verdict(),)))
        await until(lambda: sink.health().failed > 5)
        assert versions(fake.observations, maker) == []
        assert len(versions(fake.materializations, maker)) == 1
        assert told(fake, maker).count("check") <= 2
        assert sink.health().delivered == 1 + told(fake, maker).count("check")
        heal()
        await until(lambda: versions(fake.observations, maker))
        await until(lambda: len(lines(log)) == 2)
    assert lines(log)[1] == "dagster_recovered"
    assert versions(fake.observations, maker) == versions(fake.materializations, maker)
    assert sums(fake, maker) == [5]
    await sink.flush(5.0)
    assert sums(fake, maker) == [5, 44]
    assert versions(fake.observations, maker) == versions(fake.materializations, maker)


@pytest.mark.usefixtures("quick")
async def test_none_follows_while_one_is_in_doubt(fake, run, spoil, maker, stream):
    """A gateway that gives up does not say what became of it; Dagster does."""
    heal = spoil("materialization", 504, stored=True)
    sink = run(fake.base_url, materialized=frozenset({maker.stream}))
    sink.publish(stream(5))
    await until(lambda: sink.health().failed)
    sink.publish(stream(9))
    await until(lambda: versions(fake.observations, maker))
    assert versions(fake.observations, maker) == versions(fake.materializations, maker)
    assert sums(fake, maker) == [5]
    heal()


@pytest.mark.usefixtures("quick")
async def test_after_a_takeover_dagster_is_asked_again(fake, run, spoil, maker, stream):
    """The other process may have told one, and died before the observation."""
    here, there = (run(fake.base_url, PERIOD_MS, materialized={maker.stream}) for _ in range(2))
    here.publish(stream(5, resumed=1))
    await until(lambda: versions(fake.observations, maker))
    here.withdraw(maker.stream)
    heal = spoil("observation", 503)
    there.publish(stream(9, resumed=1))
    await until(lambda: len(versions(fake.materializations, maker)) == 2)
    await until(lambda: there.health().failed)
    there.withdraw(maker.stream)
    heal()
    here.publish(stream(9, after_ms=3_000, resumed=2))
    await until(lambda: len(versions(fake.observations, maker)) == 2)
    assert versions(fake.observations, maker) == versions(fake.materializations, maker)


async def test_withdrawn_meanwhile_the_observation_stays_away(fake, fault, start, maker, stream):
    """Somebody else reports now."""
    fake.faults.append(fault(200, b"{}", JSON, stored=True, wait_seconds=0.3))
    sink = start()
    sink.publish(stream(5))
    await until(lambda: versions(fake.materializations, maker))
    sink.withdraw(maker.stream)
    await until(lambda: sink.health().delivered)
    await sink.flush(5.0)
    assert told(fake, maker) == ["materialization"]


async def test_trouble_of_the_question_is_that_of_the_request(closed_port):
    """Nothing is told while it is not known."""
    async with DagsterClient(DagsterAddress(f"http://127.0.0.1:{closed_port}")) as client:
        assert not isinstance(await client.is_materialized(("k",), "v"), bool)


def test_what_a_run_made_is_none_of_the_gauge():
    """And another answer is told."""
    tags = '"tags": [{"key": "dagster/data_version", "value": "v"}]'
    for run_id, found in (("", True), ("a", False)):
        events = f'[{{"runId": "{run_id}", {tags}}}]'
        content = f'{{"data": {{"assetOrError": {{"assetMaterializations": {events}}}}}}}'
        assert read_materialized(content.encode(), "v") is found
    for content in (b"[]", b"{}", b'{"data": {"assetOrError": {"assetMaterializations": [{}]}}}'):
        with pytest.raises(AnswerError):
            read_materialized(content, "v")


async def test_life_that_was_told_more_of_is_not_materialized_anew(fake, maker, start, stream):
    """Its last report counts again what was told before, and is no new data."""
    before = stream(131)
    body = observation(report(before, None), before).body
    async with DagsterClient(DagsterAddress(fake.base_url)) as client:
        await client.report_materialization(materialization(body))
        await client.report_observation(body)
    sink = start()
    sink.publish(stream(130, after_ms=90_000, resumed=1))
    await until(lambda: len(fake.observations[maker.asset_key]) == 2)
    assert sink.is_ahead(maker.stream, before.life)
    assert len(fake.materializations[maker.asset_key]) == 1
