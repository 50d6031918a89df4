"""Each report is told again once, with types, and as no new data."""

import time
from datetime import timedelta

import dagster as dg
import pytest

from streamgauge_dagster.reports import PAGE, last_observation
from streamgauge_dagster.sensors import observation_sensor
from streamgauge_dagster.sensors.cursor import CursorError
from streamgauge_dagster.sensors.retold import GROUPS_MAX

from .gauge import FOLLOWED, LETTERS, STREAM, VERSION, FollowedStream, Gauge, group


@pytest.fixture
def sensor():
    """Follows the stream and its dead letters."""
    return observation_sensor([FOLLOWED], silent_after_seconds=900)


def again(observed, key=STREAM):
    """What was told again of an asset, the newest first."""
    return [each for each in observed(key) if "replayed_from" in each.metadata]


def test_a_report_is_told_again_with_types(instance, gauge, daemon, observed):
    """Moments, links and a table; same version, same numbers, same words, and a mark."""
    links = {"runbook": "https://wiki.example/orders"}
    followed = FollowedStream(asset_key=STREAM, links=links)
    gauge.report(5, groups=[group(7), group(None, "audit", "unknown")])
    began = time.time()
    said = daemon(observation_sensor([followed], silent_after_seconds=900)).tick()
    (told,) = again(observed)
    assert told.description == "5 records in 1 m."
    assert told.tags == {VERSION: "a-life-5", f"{VERSION}_is_user_provided": "true"}
    metadata = dict(told.metadata)
    assert metadata.pop("replayed_from").value == pytest.approx(began, abs=10)
    table = metadata.pop("groups")
    assert [record.data for record in table.records] == [
        {"group": "billing", "status": "UNKNOWN", "lag": 7, "lag_bound": "upper",
         "time_lag_seconds": None, "time_lag_bound": "unknown"},
        {"group": "audit", "status": "UNKNOWN", "lag": None, "lag_bound": "unknown",
         "time_lag_seconds": None, "time_lag_bound": "unknown"},
    ]  # fmt: skip
    assert metadata == {
        "runbook": dg.UrlMetadataValue("https://wiki.example/orders"),
        "records": dg.IntMetadataValue(5),
        "records_total": dg.IntMetadataValue(5),
        "dead_letters": dg.IntMetadataValue(0),
        "dead_letters_total": dg.IntMetadataValue(0),
        "lag": dg.IntMetadataValue(7),
        "last_message_timestamp": dg.FloatMetadataValue(1_769_860_850.25),
        "dagster/last_updated_timestamp": dg.TimestampMetadataValue(1_769_860_850.25),
        "period_start": dg.TimestampMetadataValue(1_769_860_800.25),
        "period_end": dg.TimestampMetadataValue(1_769_860_860.25),
        "sequence": dg.IntMetadataValue(1),
        "stream": dg.TextMetadataValue("orders"),
        "life": dg.TextMetadataValue("a-life"),
    }
    assert said == "Told again with types: kafka/orders_placed."


def test_only_once(gauge, daemon, sensor, observed):
    """However often it ticks; the next report once too, and of several the last."""
    daemon = daemon(sensor)
    gauge.report(1)
    daemon.tick()
    assert daemon.tick() == daemon.tick() == "No new report."
    gauge.report(1)
    gauge.report(1)
    daemon.tick()
    daemon.tick()
    assert [each.data_version for each in again(observed)] == ["a-life-3", "a-life-1"]


def test_a_daemon_that_dies_before_it_remembers_tells_nothing_twice(
    gauge, daemon, sensor, observed
):
    """Events are stored before the cursor is; also on the very first tick."""
    daemon = daemon(sensor)
    for total in (1, 2):
        gauge.report(1)
        daemon.tick(dies=True)
        daemon.tick()
        assert len(again(observed)) == total


def test_a_cursor_that_was_reset_tells_nothing_twice(gauge, daemon, sensor, observed):
    """The log says what was told."""
    gauge.report(1)
    daemon(sensor).tick()
    daemon(sensor).tick()
    assert len(again(observed)) == 1


def test_what_comes_late_is_not_told_again(instance, gauge, daemon, sensor, observed):
    """A report that is stored twice, one of a reporter that was frozen, one of a life before."""
    daemon = daemon(sensor)
    old = Gauge(instance, "a-life-before")
    old.report(9)
    gauge.minute = 5
    gauge.report(1)
    gauge.report(1)
    daemon.tick()
    gauge.send()
    gauge.sequence, gauge.total, gauge.minute = 1, 1, 6
    gauge.send()
    old.send()
    daemon.tick()
    assert [each.data_version for each in again(observed)] == ["a-life-2"]


def test_of_several_the_greatest_is_told_again(gauge, daemon, sensor, observed):
    """Whichever was stored last."""
    gauge.report(1)
    gauge.report(1)
    gauge.sequence, gauge.total = 1, 1
    gauge.send()
    daemon(sensor).tick()
    assert [each.data_version for each in again(observed)] == ["a-life-2"]


def test_the_same_sequence_with_greater_totals_is_told_again(gauge, daemon, sensor, observed):
    """It went out again because nobody said that it was stored."""
    daemon = daemon(sensor)
    gauge.report(1)
    daemon.tick()
    gauge.report(2, again=True)
    daemon.tick()
    assert [each.data_version for each in again(observed)] == ["a-life-3", "a-life-1"]


def test_a_new_life_is_told_again(instance, gauge, daemon, sensor, observed):
    """Its sequence and totals begin anew."""
    daemon = daemon(sensor)
    gauge.report(9)
    gauge.report(9)
    daemon.tick()
    Gauge(instance, "another", minute=gauge.minute).report(1)
    daemon.tick()
    assert [each.data_version for each in again(observed)] == ["another-1", "a-life-18"]


def test_dead_letters_are_told_again(instance, daemon, sensor, observed):
    """With what their own report says."""
    Gauge(instance, key=LETTERS).report(3)
    said = daemon(sensor).tick()
    (told,) = again(observed, LETTERS)
    assert told.metadata["dead_letters_total"] == dg.IntMetadataValue(3)
    assert isinstance(told.metadata["period_end"], dg.TimestampMetadataValue)
    assert said == (
        "Told again with types: kafka/orders_placed_dlq. "
        "Nothing was reported yet of kafka/orders_placed."
    )


@pytest.mark.parametrize(
    "metadata",
    [
        {"life": None},
        {"sequence": "1"},
        {"period_end": "?"},
        {"period_end": "2026-01-31T12:00:00"},
        {"records_total": None, "dead_letters_total": None},
    ],
)
def test_what_is_no_report_is_not_told_again(gauge, daemon, sensor, observed, metadata):
    """Observations that somebody else makes of the asset."""
    gauge.report(1, **metadata)
    daemon(sensor).tick()
    assert again(observed) == []


def test_runs_and_partitions_are_no_reports(instance, reports, daemon, sensor, observed):
    """Observing writes the same entries, in a run."""
    Gauge(instance).report(1)
    (report,) = observed()
    reports.observation_of_a_run("of a run", **report.metadata | {"sequence": 2})
    part = dg.AssetObservation(
        STREAM,
        metadata=report.metadata | {"sequence": 3},
        partition="p",
        tags={VERSION: "of a part"},
    )
    instance.report_runless_asset_event(part)
    daemon(sensor).tick()
    assert [(each.data_version, each.partition) for each in again(observed)] == [("a-life-1", None)]


def test_what_has_types_already_is_not_told_again(instance, gauge, daemon, sensor, observed):
    """Who reports from inside Dagster has given them."""
    gauge.report(1, period_end=dg.MetadataValue.timestamp(1_769_860_860.25))
    said = daemon(sensor).tick()
    assert again(observed) == []
    assert said == "No new report."


def test_what_was_told_again_is_no_report(instance, gauge, daemon, sensor, observed, run, build):
    """Observing repeats the report and not the repetition, whose `detail` is gone."""
    gauge.report(5, groups=[group(7)])
    daemon(sensor).tick()
    assert "detail" in last_observation(instance, STREAM)[0].metadata
    run(build(), [STREAM], checks=set())
    newest = observed()[0]
    assert "detail" in newest.metadata
    assert newest.metadata["replayed_from"] == observed()[1].metadata["replayed_from"]


def test_a_table_has_a_limit(gauge, daemon, sensor, observed):
    """The greatest lags stand in it, and it is said how many more groups there are."""
    groups = [group(lag, f"g{lag}") for lag in range(GROUPS_MAX + 2, 0, -1)]
    gauge.report(1, detail={"groups": groups, "left_out": {"groups": 3}})
    daemon(sensor).tick()
    metadata = again(observed)[0].metadata
    assert len(metadata["groups"].records) == GROUPS_MAX
    assert metadata["groups_left_out"] == dg.IntMetadataValue(5)


def test_after_a_long_sleep_only_the_newest_is_told(gauge, daemon, sensor, observed):
    """However many reports came meanwhile."""
    daemon = daemon(sensor)
    gauge.report(1)
    daemon.tick()
    for _ in range(PAGE + 10):
        gauge.report(1)
    daemon.tick()
    assert [each.data_version for each in again(observed)] == [f"a-life-{PAGE + 11}"]


def test_many_streams_take_turns(instance, daemon, monkeypatch, observed):
    """A tick ends in time; the next one goes on with the streams that are left."""
    keys = [dg.AssetKey(["kafka", f"t{number}"]) for number in range(5)]
    for key in keys:
        gauge = Gauge(instance, key=key)
        gauge.report(1)
    ticking = iter(range(0, 10_000, 12))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(ticking)))
    streams = [FollowedStream(asset_key=key) for key in keys]
    daemon = daemon(observation_sensor(streams, silent_after_seconds=900))
    told = []
    for _ in range(3):
        said = daemon.tick()
        told.append([bool(again(observed, key)) for key in keys])
    assert told == [[True, True, False, False, False], [True] * 4 + [False], [True] * 5]
    assert said.startswith("Told again with types: kafka/t4.")
    assert "No time for 3 more streams" in said


def test_a_foreign_cursor_is_named(daemon, sensor):
    """And what to do."""
    daemon = daemon(sensor)
    daemon.cursor = "tomorrow"
    with pytest.raises(CursorError, match="reset it in the sensor's page"):
        daemon.tick()


@pytest.mark.filterwarnings("ignore:Function `build_last_update_freshness_checks`")
def test_a_freshness_check_of_dagster_passes(instance, gauge, daemon, sensor):
    """Which a report alone cannot make it do, because its entries have no types."""
    checks = dg.build_last_update_freshness_checks(
        assets=[STREAM], lower_bound_delta=timedelta(minutes=5)
    )
    defs = dg.Definitions(assets=[dg.AssetSpec(STREAM)], asset_checks=checks)
    job = defs.resolve_implicit_global_asset_job_def()

    def passed():
        result = job.execute_in_process(instance=instance)
        (evaluation,) = result.get_asset_check_evaluations()
        return evaluation.passed

    gauge.report(1, last_message_timestamp=time.time() - 60)
    assert not passed()
    daemon(sensor).tick()
    assert passed()
    gauge.report(0, last_message_timestamp=time.time() - 600)
    daemon(sensor).tick()
    assert not passed()
