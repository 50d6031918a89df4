"""What a gauge's status page says, reported through the instance: as the gauge itself would."""

import json
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import dagster as dg
import pytest

from streamgauge.config import ConfigError
from streamgauge.core.report import dead_letter_report, report
from streamgauge.core.snapshot import (
    DeadLetterTopicView,
    GroupPartitionView,
    GroupView,
    Keeping,
    PartitionView,
    Snapshot,
    Verdict,
)
from streamgauge.core.totals import Totals
from streamgauge.dagster.payloads import check_evaluation, dead_letter_observation, observation
from streamgauge.model import Blind, GroupStatus, LagBound, Level
from streamgauge.web.status import status
from streamgauge_dagster import StatusError, fetch_status, report_status, status_job
from streamgauge_dagster.reports import LOOKED_AT_MOST, PAGE
from streamgauge_dagster.sensors.reported import latest, read_newest
from streamgauge_dagster.status import Status

from .reporting import LETTERS, STREAM

START_MS = 1_769_862_000_000
LETTERS_TOPIC = "orders.placed.dlq"


def group(*lags, bound=LagBound.UPPER):
    """A consumer group with these lags, by partition; None is unknown."""
    parts = {
        number: GroupPartitionView(0, lag, lag, bound, None, LagBound.UNKNOWN)
        for number, lag in enumerate(lags)
    }
    lag = None if None in lags else sum(lags)
    behind = 42.5 if lag else None
    of_whole = bound if lag is not None else LagBound.UNKNOWN
    status = GroupStatus.UNKNOWN
    return GroupView(status, lag, of_whole, behind, LagBound.LOWER, START_MS, parts)


def verdict(check="fresh", level=Level.PASS, key=STREAM, **more):
    """What a check says."""
    base = Verdict(check, tuple(key.path), level, "it *is* so_far", 2.0, "s", 300.0, START_MS)
    return replace(base, **more)


def snapshot(records=0, dead=0, *, minutes=5, markers=0, **fields):
    """A stream of two partitions, so many minutes after its life began.

    Markers of transactions move offsets and are no records.
    """
    as_of_ms = START_MS + minutes * 60_000 + 250
    own = [
        PartitionView("orders.placed", number, 5, at, at, as_of_ms, Totals(records=count))
        for number, at, count in ((0, 5 + records + markers, records), (1, 5, 0))
    ]
    died = Totals(dead_letters=dead)
    letters = PartitionView(LETTERS_TOPIC, 0, 0, dead, dead, as_of_ms, died)
    base = Snapshot(
        stream="orders",
        topic="orders.placed",
        asset_key=tuple(STREAM.path),
        life="a-life",
        life_start_ms=START_MS,
        as_of_ms=as_of_ms,
        totals=Totals(records=records, dead_letters=dead),
        partitions=tuple(own),
        dead_letter_partitions=(letters,),
        dead_letters=(
            DeadLetterTopicView(LETTERS_TOPIC, tuple(LETTERS.path), died, 0, as_of_ms - 9_000),
        ),
        groups={
            "billing": group(7, 5),
            "unseen": group(None, None),
            "half-seen": group(3, None),
        },
        watched_groups=("billing", "unseen", "half-seen"),
        window_ms=60_000,
        last_window=None,
        listening_since_ms=START_MS,
        last_record_ms=as_of_ms - 1_000,
        completeness=1.0,
        blind=(),
        verdicts=(
            verdict(),
            verdict("lag__billing", Level.FAIL, value=None, limit=None),
            verdict("no_dead_letters", Level.UNKNOWN, LETTERS),
        ),
        resolution_ms=100,
        keeping=Keeping(group="streamgauge.orders"),
    )
    return replace(base, **fields)


def told(*snapshots):
    """The document that a gauge serves of these."""
    return Status.model_validate(json.loads(document(*snapshots)))


def document(*snapshots):
    """The same as text."""
    return json.dumps(status(snapshots, (), max(each.as_of_ms for each in snapshots)))


@contextmanager
def serving(text, code=200, asked=None):
    """A server that answers everything so; gives its address. `asked` takes what was sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if asked is not None:
                asked.append(self.headers)
            self.send_response(code)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/status"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


SHARED = (
    "records",
    "records_per_second",
    "lag",
    "time_lag_seconds",
    "dead_letters",
    "completeness",
    "records_total",
    "dead_letters_total",
    "last_message_timestamp",
    "sequence",
    "stream",
    "life",
    "life_reason",
)
"""Entries that have the same value as in a report of the gauge, or are left out in both."""


def assert_alike(recorded, payload):
    """What was recorded says what the gauge would have said over REST."""
    metadata, body = recorded.metadata, payload.body
    for name in SHARED:
        value = metadata[name].value if name in metadata else None
        assert value == pytest.approx(body["metadata"].get(name)), name
    assert recorded.data_version == body["data_version"]
    positions = [row[:2] for row in body["metadata"]["detail"]["positions"]["rows"]]
    assert metadata["detail"].value["positions"]["rows"] == positions
    for name in ("period_start", "period_end"):
        assert isinstance(metadata[name], dg.TimestampMetadataValue)
    newest = metadata["last_message_timestamp"].value
    assert metadata["dagster/last_updated_timestamp"] == dg.MetadataValue.timestamp(newest)


def test_reports_say_what_the_gauge_would_say(instance, observed):
    """Over several reports, one of them without a new record, and over the end of a life."""
    before = before_letters = None
    for now in (
        snapshot(7, 2),
        snapshot(7, 2, minutes=10, markers=3),
        snapshot(1_000, 3, minutes=15, groups={}),
        snapshot(4, 1, minutes=20, life="b", life_start_ms=START_MS + 900_000, life_reason="lost"),
    ):
        done = report_status(instance, told(now))
        assert (len(done.observations), done.evaluations, done.not_observed) == (2, 3, {})
        (view,) = now.dead_letters
        before = report(now, before)
        before_letters = dead_letter_report(now, view, before_letters)
        assert_alike(observed()[0], observation(before, now))
        assert_alike(observed(LETTERS)[0], dead_letter_observation(before_letters, view))


def test_checks_say_what_the_gauge_would_say(instance):
    """With their reason as description, and times as times."""
    now = snapshot()
    report_status(instance, told(now))
    for verdict in now.verdicts:
        key = dg.AssetCheckKey(dg.AssetKey(verdict.asset_key), verdict.check)
        (row,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=5)
        body, recorded = check_evaluation(verdict, now).body, row.evaluation
        assert (row.run_id, recorded.passed) == ("", body["passed"])
        assert recorded.severity.value == body["severity"]
        assert recorded.description == r"it \*is\* so\_far"
        for name in ("reason", "level", "value", "limit", "unit", "stream", "life"):
            value = recorded.metadata[name].value if name in recorded.metadata else None
            assert value == body["metadata"].get(name), name
        assert recorded.metadata["since"] == dg.MetadataValue.timestamp(START_MS / 1000)


def test_of_several_topics_each_has_its_own_evaluation(instance):
    """The page tells the worst one first, under one name."""
    other = dg.AssetKey(["kafka", "other_dlq"])
    both = (
        verdict("no_dead_letters", Level.PASS, LETTERS),
        verdict("no_dead_letters", Level.FAIL, other),
    )
    assert report_status(instance, told(snapshot(verdicts=both))).evaluations == 2
    history = instance.event_log_storage.get_asset_check_execution_history
    (passed,) = history(dg.AssetCheckKey(LETTERS, "no_dead_letters"), limit=5)
    (failed,) = history(dg.AssetCheckKey(other, "no_dead_letters"), limit=5)
    assert (passed.evaluation.passed, failed.evaluation.passed) == (True, False)


@pytest.mark.parametrize(
    ("now", "reason", "evaluations"),
    [
        (snapshot(7), "nothing was measured since the last report", 0),
        (snapshot(6, minutes=10), "the last report counts 7, the status 6", 3),
        (snapshot(9, minutes=10, partitions=()), "no offset of its topic is known yet", 3),
    ],
)
def test_what_is_not_new_is_not_observed(instance, observed, now, reason, evaluations):
    """And it is said why; checks that were judged since are told all the same."""
    report_status(instance, told(snapshot(7)))
    done = report_status(instance, told(now))
    assert done.not_observed[STREAM.to_user_string()] == reason
    assert done.evaluations == evaluations
    assert len(observed()) == 1


def test_a_check_that_was_not_judged_since_is_not_told_again(instance):
    """It would be a fresh pass on old evidence; also where another status is the older one."""
    key = dg.AssetCheckKey(STREAM, "fresh")
    for minutes in (10, 10, 5):
        report_status(instance, told(snapshot(7, minutes=minutes)))
    assert len(instance.event_log_storage.get_asset_check_execution_history(key, limit=5)) == 1


@pytest.mark.parametrize(("age_ms", "recorded"), [(60_000, True), (60_001, False)])
def test_what_is_no_news_is_not_recorded(instance, observed, age_ms, recorded):
    """A gauge that is stuck, or stands by, keeps its last snapshot in the document."""
    stuck = snapshot(7)
    document = json.dumps(status([stuck], (), stuck.as_of_ms + age_ms))
    done = report_status(instance, Status.model_validate(json.loads(document)))
    assert (len(observed()), done.evaluations) == ((1, 3) if recorded else (0, 0))
    reason = "the gauge has measured nothing for 1 m: it is stuck, or another one has the stream"
    keys = [STREAM.to_user_string(), LETTERS.to_user_string()]
    assert done.not_observed == ({} if recorded else dict.fromkeys(keys, reason))


def test_the_last_report_is_found_behind_what_others_observe(instance, reports, observed):
    """Else its records would be counted again."""
    report_status(instance, told(snapshot(7)))
    for _ in range(PAGE + 1):
        reports.observation_of_a_run()
    report_status(instance, told(snapshot(9, minutes=10)))
    metadata = observed()[0].metadata
    assert (metadata["sequence"].value, metadata["records"].value) == (2, 2)


def test_what_was_not_found_is_not_counted_again(instance, reports, observed):
    """But said."""
    report_status(instance, told(snapshot(7)))
    for _ in range(LOOKED_AT_MOST):
        reports.observation_of_a_run()
    done = report_status(instance, told(snapshot(9, minutes=10)))
    assert done.not_observed == {
        STREAM.to_user_string(): "the last report was not found: none of the newest 1,000 "
        "observations is of a gauge"
    }
    assert "sequence" not in observed()[0].metadata


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://user:s3cret@127.0.0.1:1/status", "http://127.0.0.1:1/status does not answer ("),
        ("http://[::1]:1/status?token=s3cret#s3cret", "http://[::1]:1/status does not answer ("),
        ("http://user:s3cret@host:port/status", "the address is no address: name the address"),
        ("ftp://user:s3cret@host/status", "ftp://host/status is no address: name the address of"),
        ("s3cret", "the address is no address: name the address of a gauge's status document"),
        ("http://s3cret@\ud800/status", "the address "),
    ],
)
def test_an_error_holds_no_secret_of_the_address(address, told):
    """It ends in the event log, which everybody can read."""
    with pytest.raises(StatusError) as refused:
        fetch_status(address, timeout_seconds=1)
    assert str(refused.value).startswith(told)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("token", ["Bearer s3cret\n", "Bearer s3crät"])
def test_an_error_holds_no_secret_of_a_header(instance, monkeypatch, token):
    """Neither in the events of the run."""
    monkeypatch.setenv("TOKEN", token)
    with serving(document(snapshot(7))) as url:
        job = status_job(url, headers={"Authorization": dg.EnvVar("TOKEN")})
        done = job.execute_in_process(instance=instance, raise_on_error=False)
    assert not done.success
    events = [str(event) for event in instance.all_logs(done.run_id)]
    assert any("a header to be sent holds characters that headers cannot" in e for e in events)
    assert not [event for event in events if "s3cr" in event]


def test_a_header_may_come_from_a_variable(monkeypatch):
    """It is sent; where it is not set, it is named."""
    monkeypatch.setenv("TOKEN", "Bearer s3cret")
    headers = {"Authorization": dg.EnvVar("TOKEN"), "X-Plain": "text"}
    asked = []
    with serving(document(snapshot(7)), asked=asked) as url:
        assert fetch_status(url, headers=headers).streams.keys() == {"orders"}
    (sent,) = asked
    assert (sent["Authorization"], sent["X-Plain"]) == ("Bearer s3cret", "text")
    monkeypatch.delenv("TOKEN")
    with pytest.raises(StatusError, match="TOKEN is not set: set it to the header Authorization"):
        fetch_status(url, headers=headers)


def test_a_proxy_that_is_none_is_told(monkeypatch):
    """Without what the environment says of it."""
    monkeypatch.setenv("HTTP_PROXY", "socks9://user:s3cret@proxy")
    with pytest.raises(StatusError, match="names a proxy that is not http:// or https://") as told:
        fetch_status("http://127.0.0.1:1/status", timeout_seconds=1)
    assert "s3cret" not in str(told.value)


def test_links_hold_no_secret(instance):
    """As those of definitions."""
    links = {"runbook": "https://ghp_secret@example.org/"}
    for refuse in (
        lambda: report_status(instance, told(snapshot(7)), links=links),
        lambda: status_job("http://localhost:8080/status", links=links),
    ):
        with pytest.raises(ConfigError, match=r"links\.runbook: must hold no user name or passw"):
            refuse()


def test_it_is_a_report_to_whatever_reads_reports(instance, observed):
    """It has its types already, so nobody tells it again; a dead gauge's page says it is blind."""
    unseen = Blind("topic orders.placed", START_MS, "absent")
    report_status(instance, told(snapshot(7, blind=(unseen,), completeness=0.5)))
    found = latest(read_newest(instance, STREAM).reports)
    assert (found.typed, found.life, found.sequence, found.total) == (True, "a-life", 1, 7)
    (only,) = observed()
    assert only.metadata["source"].value == "status"
    assert only.metadata["detail"].value["blind"][0]["reason"] == "absent"
    assert only.description == (
        "7 records in 5 m; billing has at most 12 records still to read; "
        "blind about topic orders.placed."
    )
    table = only.metadata["groups"].records
    assert [row.data["group"] for row in table] == ["billing", "half-seen", "unseen"]


def test_what_is_too_much_is_counted(instance, observed):
    """Of groups; and a name that no database takes is cleaned."""
    many = {f"group-{number}": group(number) for number in range(150)}
    odd = {"a\0b\ud800c": group(1_000_000)}
    report_status(instance, told(snapshot(7, groups=many | odd)))
    detail = observed()[0].metadata["detail"].value
    assert detail["groups"][0]["group"] == "abc"
    assert len(detail["groups"]) == 100
    assert detail["left_out"] == {"groups": 51}


def test_only_wanted_streams_are_reported(instance):
    """One that the gauge does not know is named."""
    both = told(snapshot(), snapshot(stream="clicks", asset_key=("kafka", "clicks")))
    done = report_status(instance, both, streams=["clicks"])
    assert done.observations[0] == "kafka/clicks"
    assert len(done.observations) == 2  # with its dead letters
    with pytest.raises(StatusError, match='no stream of the gauge is named "click"; did you mean'):
        report_status(instance, both, streams=["click"])


def test_a_job_fetches_and_reports(instance, observed):
    """Outside of its own run, as the gauge's reports are."""
    links = {"runbook": "https://example.org/orders"}
    with serving(document(snapshot(7))) as url:
        assert status_job(url, links=links).execute_in_process(instance=instance).success
    (record,) = instance.fetch_observations(STREAM, limit=5).records
    assert record.run_id == ""
    assert observed()[0].metadata["runbook"] == dg.MetadataValue.url(links["runbook"])


@pytest.mark.parametrize(
    ("text", "code", "why"),
    [
        ("gone", 404, "answers 404: name the address of a gauge's status document"),
        ("<html>", 200, "answers what is no status (it is not JSON): name the address"),
        ("[" * 100_000, 200, "answers what is no status (it is not JSON)"),
        ("[]", 200, "answers what is no status (the document: Input should be"),
        ('{"schema": 2, "as_of_ms": 1, "streams": {}}', 200, "no status (schema: Input should"),
        ('{"schema": 1, "as_of_ms": 1, "streams": {"a": {}}}', 200, "(streams.a.asset_key: Field"),
    ],
)
def test_what_is_no_status_fails_the_run(instance, text, code, why):
    """With where it was asked for, why, and what to do."""
    with serving(text, code) as url, pytest.raises(dg.Failure) as failed:
        status_job(url).execute_in_process(instance=instance)
    assert failed.value.description.startswith(f"{url} answers ")
    assert why in failed.value.description


def test_a_gauge_that_is_away_fails_the_run(instance, monkeypatch):
    """And an address that is not set is named by its variable."""
    with serving("") as url:
        pass
    with pytest.raises(StatusError, match=r"does not answer .*: is the gauge running"):
        fetch_status(url)
    monkeypatch.delenv("GAUGE_STATUS", raising=False)
    with pytest.raises(dg.Failure) as failed:
        status_job(dg.EnvVar("GAUGE_STATUS")).execute_in_process(instance=instance)
    assert "GAUGE_STATUS is not set" in failed.value.description
