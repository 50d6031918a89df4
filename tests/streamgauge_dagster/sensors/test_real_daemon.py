"""The sensors in a real daemon, beside a real webserver that a gauge reports to over REST."""

import time
from contextlib import contextmanager

import dagster as dg
import httpx
import pytest
from dagster._core.scheduler.instigation import InstigatorType

from streamgauge.dagster.graphql import last_reported_question, read_last_reported

from .daemon import server_and_daemon

pytestmark = pytest.mark.timeout(240)  # servers are started, which takes long on a busy machine
ORDERS, CLICKS = ("kafka", "orders"), ("kafka", "clicks")
DEFINITIONS = """
import dagster as dg
from streamgauge_dagster.sensors import (
    FollowedStream, failed_check_alert, freshness_trigger, gauge_reporting_check, observation_sensor
)

ORDERS, CLICKS = dg.AssetKey(["kafka", "orders"]), dg.AssetKey(["kafka", "clicks"])
LAG = dg.AssetCheckKey(ORDERS, "lag__billing")
EVERY = {"minimum_interval_seconds": 1, "default_status": dg.DefaultSensorStatus.RUNNING}
SILENT = {"silent_after_seconds": 8}
streams = [FollowedStream(asset_key=ORDERS, checks=(LAG,)), FollowedStream(asset_key=CLICKS)]


@dg.asset(deps=[ORDERS])
def revenue():
    pass


defs = dg.Definitions(
    assets=[dg.AssetSpec(ORDERS), dg.AssetSpec(CLICKS), revenue],
    asset_checks=[gauge_reporting_check(each.asset_key, **SILENT) for each in streams],
    sensors=[
        observation_sensor(streams, **SILENT, **EVERY),
        freshness_trigger(
            ORDERS, [revenue], min_messages=10, max_lag=100, checks=[LAG],
            one_at_a_time=False, name="revenue_trigger", **EVERY,
        ),
    ],
)
"""


@pytest.fixture(scope="module")
def server():
    """A webserver; a daemon with the definitions runs beside it on the same instance."""
    with server_and_daemon(DEFINITIONS) as running:
        yield running


class Gauge:
    """Reports over REST."""

    def __init__(self, server, key):
        self._base_url, self._key = server.base_url, list(key)
        self.total = self.sequence = 0

    def report(self, records=0, lag=5):
        """One observation."""
        self.total += records
        self.sequence += 1
        group = {"group": "billing", "lag": lag, "lag_bound": "upper"}
        metadata = {
            "records": records,
            "records_total": self.total,
            "last_message_timestamp": time.time(),
            "period_start": "2026-01-31T12:00:00.000Z",
            "period_end": f"2026-01-31T12:00:{self.sequence // 1000:02}.{self.sequence % 1000:03}Z",
            "sequence": self.sequence,
            "stream": self._key[-1],
            "life": "a-life",
            "detail": {"groups": [group], "left_out": {}},
        }
        self._post("observation", data_version=f"v{self.total}", metadata=metadata)

    def judge(self, level):
        """One evaluation of a check."""
        severity = "ERROR" if level == "fail" else "WARN"
        metadata = {"level": level, "reason": "as measured", "stream": self._key[-1]}
        self._post(
            "check",
            check_name="lag__billing",
            passed=level == "pass",
            severity=severity,
            metadata=metadata,
        )

    def _post(self, what, **body):
        url = f"{self._base_url}/report_asset_{what}/"
        httpx.post(url, json={"asset_key": self._key, **body}).raise_for_status()


@contextmanager
def instance_of(server):
    """The instance that webserver and daemon share."""
    with dg.DagsterInstance.from_config(str(server.home)) as instance:
        yield instance


def ticks(instance, sensor):
    """The ticks of a sensor that are over, the newest first."""
    for state in instance.all_instigator_state(instigator_type=InstigatorType.SENSOR):
        if state.instigator_name == sensor:
            found = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=50)
            return [tick for tick in found if tick.end_timestamp]
    return []


def test_by_data_and_passing_checks_and_not_by_heartbeats(server):
    """Fifty reports without new data launch nothing; a gauge that stops is silent, and comes back.

    All the while a gauge of another stream is silent.
    """
    orders, clicks = Gauge(server, ORDERS), Gauge(server, CLICKS)
    clicks.report(1)
    orders.report(20)
    orders.judge("pass")
    with instance_of(server) as instance:

        def until(condition):
            """Wait for something while heartbeats go on, and give it."""
            deadline = time.monotonic() + 60
            while not (found := condition()):
                assert time.monotonic() < deadline, "it did not come true in time"
                time.sleep(0.5)
                orders.report()
            return found

        def launched():
            runs = instance.get_runs(dg.RunsFilter(tags={"streamgauge/trigger": "revenue_trigger"}))
            return [run.tags["streamgauge/new"] for run in reversed(runs)]

        def next_tick():
            """The trigger's next tick that began after now."""
            now = time.time()
            newest = until(
                lambda: [t for t in ticks(instance, "revenue_trigger") if t.timestamp > now]
            )
            return newest[0]

        def silence(key):
            """What was said of a gauge, the oldest first."""
            check = dg.AssetCheckKey(dg.AssetKey(key), "gauge_reporting")
            rows = instance.event_log_storage.get_asset_check_execution_history(check, 100)
            return [row.evaluation.metadata["level"].value for row in reversed(rows)]

        until(lambda: launched() == ["20 records"])
        for _ in range(50):
            orders.report()
        assert next_tick().skip_reason == "No new records came since the last run."
        orders.report(30)
        orders.judge("fail")
        assert next_tick().skip_reason == (
            "30 records are new, but lag__billing says fail: as measured."
        )
        orders.judge("pass")
        until(lambda: launched() == ["20 records", "30 records"])
        until(lambda: silence(CLICKS)[-1] == "fail")
        assert set(silence(ORDERS)) == {"pass"}
        clicks.report(1)
        until(lambda: silence(CLICKS)[-1] == "pass")
        assert silence(CLICKS).count("fail") == 1
        assert launched() == ["20 records", "30 records"]
        assert {tick.status.value for tick in ticks(instance, "streamgauge_observations")} == {
            "SKIPPED"
        }


def test_a_gauge_finds_its_own_report_behind_what_was_told_again(server):
    """Asked as it asks after a restart; what was told again has all types."""
    gauge = Gauge(server, CLICKS)
    gauge.sequence, gauge.total = 100, 7
    gauge.report(5)
    deadline = time.monotonic() + 60
    with instance_of(server) as instance:

        def newest():
            (record,) = instance.fetch_observations(dg.AssetKey(CLICKS), limit=1).records
            return record.asset_observation.metadata

        while "replayed_from" not in newest():
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert newest()["sequence"].value == 101
        assert isinstance(newest()["groups"], dg.TableMetadataValue)
    question = last_reported_question(CLICKS)
    answer = httpx.post(f"{server.base_url}/graphql", json=question).content
    last = read_last_reported(answer, "clicks", "a-life")
    assert (last.sequence, last.arrived_total) == (101, 12)
    assert last.detail["groups"][0]["group"] == "billing"
