"""A check that fails reaches a person: once, also over a webhook that is away, and recovery too."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import dagster as dg
import pytest

from streamgauge_dagster.reports import PAGE
from streamgauge_dagster.sensors import failed_check_alert, observation_sensor, webhook

from .gauge import FOLLOWED, FRESH, LAG, REPORTING


class Receiver(ThreadingHTTPServer):
    """A webhook; `answers` are given first, then 200.

    Attributes:
        got: path and body of each request that was answered with 2xx.
        requests: how many there were, and their headers.
    """

    def __init__(self):
        self.got, self.headers, self.answers = [], [], []
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/services/SECRET"


class Handler(BaseHTTPRequestHandler):
    """Answers as it is told to."""

    def do_POST(self):
        """Take one body."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.headers.append(dict(self.headers))
        status = self.server.answers.pop(0) if self.server.answers else 200
        if status is None:
            self.connection.close()
            return
        if status < 300:
            self.server.got.append(body)
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", self.server.url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def receiver():
    """A webhook of this test alone."""
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def alerts(daemon, receiver, monkeypatch):
    """The daemon of an alert, which does not wait between attempts: `alerts(levels=["warn"])`."""
    monkeypatch.setattr(webhook, "WAIT_SECONDS", (0.0, 0.0))

    def alerts(checks=(FRESH, LAG), **settings):
        return daemon(failed_check_alert(checks, settings.pop("url", receiver.url), **settings))

    return alerts


def told(receiver):
    """Check, level, level before and number of changes of each alert."""
    return [
        (each["check"], each["level"], each["before"], each["changes"]) for each in receiver.got
    ]


def test_once_for_each_change(gauge, alerts, receiver):
    """Whatever is reported meanwhile; recovery is told too."""
    ticking = alerts()
    for _ in range(2):
        gauge.judge()
        assert ticking.tick() == "No check has changed."
    for level, said in [
        ("fail", "Told: kafka/orders_placed:fresh says fail."),
        ("fail", "No check has changed."),
        ("pass", "Told: kafka/orders_placed:fresh says pass."),
        ("pass", "No check has changed."),
        ("warn", "No check has changed."),
        ("fail", "Told: kafka/orders_placed:fresh says fail."),
        ("warn", "Told: kafka/orders_placed:fresh says warn."),
    ]:
        gauge.judge(level)
        assert ticking.tick() == said
        assert ticking.tick() == "No check has changed."
    assert told(receiver) == [
        ("fresh", "fail", None, 1),
        ("fresh", "pass", "fail", 1),
        ("fresh", "fail", "pass", 1),
        ("fresh", "warn", "fail", 1),
    ]


def test_what_a_person_and_a_program_read(instance, alerts, receiver):
    """All that is needed to act, and nothing else of the evaluation."""
    evaluation = dg.AssetCheckEvaluation(
        asset_key=LAG.asset_key,
        check_name=LAG.name,
        passed=False,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "reason": "billing has 120,000 records still to read, above 100,000",
            "level": "fail",
            "value": 120_000,
            "limit": 100_000.0,
            "unit": "records",
            "since": "2026-01-31T12:34:56.789Z",
            "breaches": {"fail": {"counts": True}},
        },
    )
    instance.report_runless_asset_event(evaluation)
    alerts(dagster_url="https://dagster.example/", headers={"X-Token": "t"}).tick()
    link = "https://dagster.example/assets/kafka/orders_placed?view=checks&checkDetail=lag__billing"
    (document,) = receiver.got
    assert document.pop("reported_at").startswith("20")
    assert document == {
        "text": "FAIL: lag__billing of kafka/orders_placed: billing has 120,000 records still to "
        f"read, above 100,000. Since 2026-01-31T12:34:56Z.\n{link}",
        "asset_key": ["kafka", "orders_placed"],
        "check": "lag__billing",
        "level": "fail",
        "before": None,
        "changes": 1,
        "reason": "billing has 120,000 records still to read, above 100,000",
        "since": "2026-01-31T12:34:56Z",
        "value": 120_000,
        "limit": 100_000.0,
        "unit": "records",
        "url": link,
    }
    assert receiver.headers[0]["X-Token"] == "t"
    assert receiver.headers[0]["Content-Type"] == "application/json"


def test_text_alone(gauge, alerts, receiver):
    """As chat programs want it."""
    gauge.judge("fail", reason="it is silent")
    alerts(body="text").tick()
    assert receiver.got == [{"text": "FAIL: fresh of kafka/orders_placed: it is silent."}]


def test_what_changed_between_two_ticks_is_told_as_one(gauge, alerts, receiver):
    """Also a failure that is over already."""
    ticking = alerts()
    gauge.judge()
    ticking.tick()
    gauge.judge("fail")
    gauge.judge()
    ticking.tick()
    for level in ("fail", "pass", "fail"):
        gauge.judge(level, LAG)
    ticking.tick()
    gauge.judge("fail", LAG)
    for _ in range(PAGE):
        gauge.judge("pass", LAG)
    ticking.tick()
    assert told(receiver) == [
        ("fresh", "pass", None, 2),
        ("lag__billing", "fail", None, 1),
        ("lag__billing", "pass", "fail", 1),
    ]
    assert receiver.got[0]["text"] == (
        "PASS: fresh of kafka/orders_placed, it changed 2 times: as told."
    )


def test_levels_that_are_told(gauge, alerts, receiver):
    """A change between two of them is one too."""
    ticking = alerts(levels=["warn", "fail", "unknown"])
    for level in ("warn", "fail", "unknown", "pass"):
        gauge.judge(level)
        ticking.tick()
    assert [level for _, level, *_ in told(receiver)] == ["warn", "fail", "unknown", "pass"]


def test_what_runs_write_is_not_told(gauge, reports, alerts, receiver, run, build):
    """Executing a check repeats what was reported."""
    ticking = alerts()
    gauge.judge()
    ticking.tick()
    reports.evaluation_of_a_run("fail")
    run(build(), checks={FRESH})
    assert ticking.tick() == "No check has changed."
    assert receiver.got == []


@pytest.mark.parametrize("answers", [[503], [None, 500], [429, 408]])
def test_a_webhook_that_stumbles_gets_it_in_the_same_tick(gauge, alerts, receiver, answers):
    """Within three attempts."""
    receiver.answers[:] = answers
    gauge.judge("fail")
    alerts().tick()
    assert told(receiver) == [("fresh", "fail", None, 1)]


def test_a_webhook_that_is_away_gets_it_later(gauge, alerts, receiver):
    """As it is then; a tick tries three times, and asks for nothing else."""
    receiver.answers[:] = [500] * 6
    ticking = alerts()
    gauge.judge("fail")
    gauge.judge("fail", LAG)
    host = "127.0.0.1 answers 500"
    assert ticking.tick() == (
        f"Not told: kafka/orders_placed:fresh says fail, because {host}. "
        "1 more changes wait for the next tick."
    )
    assert len(receiver.headers) == 3
    gauge.judge("fail")
    ticking.tick()
    assert len(receiver.headers) == 6
    ticking.tick()
    assert told(receiver) == [("fresh", "fail", None, 1), ("lag__billing", "fail", None, 1)]
    assert ticking.tick() == "No check has changed."


@pytest.mark.parametrize("status", [400, 403, 404, 410, 301, 307])
def test_what_another_attempt_does_not_better_is_tried_once_a_tick(gauge, alerts, receiver, status):
    """A redirect is not followed: it would end somewhere else, and as a GET."""
    receiver.answers[:] = [status]
    gauge.judge("fail")
    ticking = alerts()
    assert f"because 127.0.0.1 answers {status}" in ticking.tick()
    assert len(receiver.headers) == 1
    ticking.tick()
    assert told(receiver) == [("fresh", "fail", None, 1)]


def test_the_address_is_never_told(gauge, alerts, closed_port, caplog):
    """Whoever knows it can write there."""
    caplog.set_level("DEBUG")
    ticking = alerts(url=f"http://127.0.0.1:{closed_port}/services/SECRET")
    gauge.judge("fail")
    said = ticking.tick()
    assert "127.0.0.1 does not answer: ConnectionRefusedError" in said
    assert "SECRET" not in said + caplog.text + repr(webhook.Webhook("http://h/SECRET"))


def test_the_address_may_stand_in_the_environment(gauge, alerts, receiver, monkeypatch):
    """It is read when it is needed; without it the tick fails and says so."""
    ticking = alerts(url=dg.EnvVar("ALERTS_URL"))
    gauge.judge("fail")
    with pytest.raises(ValueError, match="the environment variable ALERTS_URL has to hold"):
        ticking.tick()
    monkeypatch.setenv("ALERTS_URL", "ftp://h/SECRET")
    with pytest.raises(ValueError, match="begins with https:// or http://") as raised:
        ticking.tick()
    assert "SECRET" not in str(raised.value)
    monkeypatch.setenv("ALERTS_URL", receiver.url)
    ticking.tick()
    assert told(receiver) == [("fresh", "fail", None, 1)]


def test_silence_reaches_a_person(gauge, daemon, alerts, receiver, clock):
    """The observation sensor's own check is told like the others."""
    observing = daemon(observation_sensor([FOLLOWED], silent_after_seconds=900))
    alerting = alerts(FOLLOWED.every_check)

    def tick():
        observing.tick()
        alerting.tick()

    gauge.report(1)
    tick()
    for _ in range(5):
        clock.seconds += 240
        tick()
    gauge.report(1)
    tick()
    assert told(receiver) == [
        (REPORTING.name, "fail", None, 1),
        (REPORTING.name, "pass", "fail", 1),
    ]
    assert "no report for 16 m, since" in receiver.got[0]["text"]


def test_a_tick_ends_in_time(gauge, alerts, receiver, monkeypatch):
    """The next one goes on."""
    ticking_seconds = iter(range(0, 10_000, 20))
    monkeypatch.setattr("time.monotonic", lambda: float(next(ticking_seconds)))
    checks = [dg.AssetCheckKey(FRESH.asset_key, f"c{number}") for number in range(3)]
    for check in checks:
        gauge.judge("fail", check)
    ticking = alerts(checks)
    assert "2 more changes wait for the next tick." in ticking.tick()
    ticking.tick()
    ticking.tick()
    assert [check for check, *_ in told(receiver)] == ["c0", "c1", "c2"]
