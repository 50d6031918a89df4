"""A window of event time is told of once, when all is counted that arrived until it was over."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from streamgauge_dagster import Partitions
from streamgauge_dagster.partitioned import partitioned
from streamgauge_dagster.sensors import FollowedStream, observation_sensor
from streamgauge_dagster.sensors.window_reports import WINDOWS_AT_ONCE

from .gauge import FRESH, LETTERS, NOON, STREAM, Gauge

DEAD = dg.AssetCheckKey(LETTERS, "no_dead_letters")
HOURLY = dg.AssetKey(["kafka", "orders_placed_hourly"])
NO_GAP = 10_000_000
"""Seconds of silence that no check of these tests keeps."""


def windows(lateness="10m", timezone="UTC", every="hourly", start="2026-01-31", checks=()):
    """Windows of the stream."""
    asked = Partitions(event_time=every, start=start, timezone=timezone, allowed_lateness=lateness)
    assert not list(asked.problems())
    return partitioned(asked, STREAM, checks)


@pytest.fixture
def ticks(daemon):
    """A daemon with a sensor that follows a stream with windows: `ticks(windows())`."""

    def ticks(held, silent_after_seconds=NO_GAP):
        followed = FollowedStream(asset_key=STREAM, partitions=held)
        return daemon(observation_sensor([followed], silent_after_seconds=silent_after_seconds))

    return ticks


@pytest.fixture
def told(observed):
    """The windows that were told of, in the order in which they were."""
    return lambda key=HOURLY: [each.partition for each in observed(key)][::-1]


def report(gauge, minute, completeness=1.0, **metadata):
    """A report whose period ends so many minutes after noon (12:00:00.250).

    It begins with the end of the one before, the first one a minute before its end.
    """
    before = gauge.minute if gauge.sequence else minute - 1
    gauge.minute = minute - 1
    started = (NOON + timedelta(minutes=before)).isoformat()
    rows = [[0, 100 + minute, 5], [1, 40, 4]]
    detail = {"positions": {"columns": [], "rows": rows}, "groups": [], "left_out": {}}
    gauge.report(
        1, completeness=completeness, period_start=started, **{"detail": detail} | metadata
    )


def test_a_window_waits_for_its_end_for_what_is_late_and_for_the_report(gauge, ticks, told):
    """To the minute: what arrived in the last one before a report may not be counted yet."""
    daemon = ticks(windows("10m"))
    for minute, expected in ((1, 0), (10, 0), (11, 1), (59, 1), (60, 1), (70, 1), (71, 2)):
        report(gauge, minute)
        daemon.tick()
        assert told() == ["2026-01-31-11:00", "2026-01-31-12:00"][:expected]


@pytest.mark.parametrize("minute", range(59, 64))
def test_no_first_window_slips_between_two_reports(gauge, ticks, told, minute):
    """Wherever the period of the one that completes it begins."""
    daemon = ticks(windows("0s"))
    for each in (20, minute, minute + 3):
        report(gauge, each)
        daemon.tick()
    assert told() == ["2026-01-31-12:00"]


def test_what_was_over_before_the_first_report_is_not_told(gauge, ticks, told):
    """The first period begins a minute before its end."""
    daemon = ticks(windows("0s"))
    report(gauge, 63)
    daemon.tick()
    assert told() == []
    report(gauge, 121)
    daemon.tick()
    assert told() == ["2026-01-31-13:00"]


def test_a_window_says_where_to_read_to(gauge, ticks, observed):
    """And up to when all that arrived is there."""
    daemon = ticks(windows("10m"))
    report(gauge, 21)
    daemon.tick()
    report(gauge, 72, detail={
        "positions": {"rows": [[0, 172, 5], [1, 40, 4]]}, "left_out": {"positions": 7}
    })  # fmt: skip
    assert "Partitions told of: kafka/orders_placed_hourly (1 partition)." in daemon.tick()
    (window,) = observed(HOURLY)
    assert window.description == (
        "All is counted that arrived until 2026-01-31T13:11:00Z, 11 m after the end of the window."
    )
    assert window.metadata == {
        "stream": dg.TextMetadataValue("orders"),
        "life": dg.TextMetadataValue("a-life"),
        "sequence": dg.IntMetadataValue(2),
        "as_of": dg.TimestampMetadataValue(NOON.timestamp() + 72 * 60),
        "window_start": dg.TimestampMetadataValue(1_769_860_800.0),
        "window_end": dg.TimestampMetadataValue(1_769_864_400.0),
        "complete_until": dg.TimestampMetadataValue(NOON.timestamp() + 71 * 60),
        "allowed_lateness_seconds": dg.FloatMetadataValue(600.0),
        "positions": dg.JsonMetadataValue({"0": 172, "1": 40}),
        "positions_left_out": dg.IntMetadataValue(7),
    }


@pytest.mark.parametrize("completeness", [0.5, 0.999, None])
def test_a_report_that_lacks_a_partition_completes_nothing(gauge, ticks, told, completeness):
    """Unknown is not complete; the tick says why, and the next whole report makes up for it."""
    daemon = ticks(windows("0s"))
    for minute in (3, 62):
        report(gauge, minute)
        daemon.tick()
    report(gauge, 130, completeness)
    assert daemon.tick().endswith(
        "kafka/orders_placed_hourly waits: the last report does not hold all partitions of the "
        "topic."
    )
    assert told() == ["2026-01-31-12:00"]
    report(gauge, 131)
    daemon.tick()
    assert told() == ["2026-01-31-12:00", "2026-01-31-13:00"]


def test_a_clock_that_is_ahead_completes_nothing(instance, ticks, told):
    """What a gauge says of tomorrow was recorded today."""
    gauge = Gauge(instance)
    minutes = round((datetime.now(UTC) - NOON).total_seconds() / 60)
    daemon = ticks(windows("0s"))
    report(gauge, minutes - 5)
    daemon.tick()
    report(gauge, minutes + 24 * 60)
    daemon.tick()
    assert len(told()) <= 1  # the hour may just have ended


def test_each_window_is_told_once_whatever_becomes_of_the_cursor(gauge, ticks, told):
    """Also where the daemon dies before it stores it."""
    held = windows("0s", checks=[FRESH])
    daemon = ticks(held)
    report(gauge, 3)
    daemon.tick()
    report(gauge, 130)
    daemon.tick(dies=True)
    daemon.tick()
    ticks(held).tick()
    report(gauge, 135)
    ticks(held).tick()
    assert told() == ["2026-01-31-12:00", "2026-01-31-13:00"]


def test_after_a_long_silence_windows_come_in_parts(gauge, ticks, told):
    """So many with each report, and the tick says that there are more."""
    daemon = ticks(windows("0s"))
    report(gauge, 3)
    daemon.tick()
    report(gauge, 60 * 2 * WINDOWS_AT_ONCE + 1)
    assert "has more windows that are complete: the next report tells of them" in daemon.tick()
    assert len(told()) == WINDOWS_AT_ONCE
    report(gauge, 60 * 2 * WINDOWS_AT_ONCE + 2)
    daemon.tick()
    assert len(set(told())) == len(told()) == 2 * WINDOWS_AT_ONCE


def test_a_window_that_somebody_else_tells_of_stops_nothing(instance, gauge, ticks, told):
    """Dagster takes any name of a partition."""
    instance.report_runless_asset_event(dg.AssetObservation(HOURLY, partition="zzz"))
    daemon = ticks(windows("0s"))
    report(gauge, 3)
    daemon.tick()
    report(gauge, 62)
    daemon.tick()
    assert told() == ["zzz", "2026-01-31-12:00"]


def test_days_begin_where_people_live(gauge, ticks, told):
    """At 23:00 UTC in winter."""
    daemon = ticks(windows("0s", "Europe/Berlin", "daily"))
    key = dg.AssetKey(["kafka", "orders_placed_daily"])
    report(gauge, 1)
    for hours, expected in ((11, []), (11.05, ["2026-01-31"])):
        report(gauge, round(60 * hours))
        daemon.tick()
        assert told(key) == expected


@pytest.mark.parametrize(
    ("midnight", "expected"),
    [
        (
            datetime(2025, 10, 25, 22, tzinfo=UTC),
            ["10-26-00:00", "10-26-01:00", "10-26-02:00", "10-26-02:00+0100", "10-26-03:00"],
        ),
        (datetime(2026, 3, 28, 23, tzinfo=UTC), ["03-29-00:00", "03-29-01:00", "03-29-03:00"]),
    ],
)
def test_the_hour_that_comes_twice_is_two_windows(gauge, ticks, told, midnight, expected):
    """On the day on which clocks are set back; the one that is left out in spring is none."""
    daemon = ticks(windows("0s", "Europe/Berlin", start="2025-01-31"))
    minute = round((midnight - NOON).total_seconds() / 60)
    report(gauge, minute + 5)
    daemon.tick()
    report(gauge, minute + 60 * len(expected) + 2)
    daemon.tick()
    assert [each[5:] for each in told()] == expected


def test_windows_begin_with_their_definition(gauge, ticks, told):
    """Nothing is told of what lies before it."""
    daemon = ticks(windows("0s", start="2026-02-01"))
    report(gauge, 1)
    daemon.tick()
    report(gauge, 14 * 60)
    daemon.tick()
    assert told() == ["2026-02-01-00:00"]


@pytest.fixture
def evaluated(instance):
    """What a check said of each window: level and reason."""

    def evaluated(name="fresh"):
        key = dg.AssetCheckKey(HOURLY, name)
        rows = instance.event_log_storage.get_asset_check_execution_history(key, 100)
        return {
            row.partition: (
                row.evaluation.metadata["level"].value,
                row.evaluation.metadata["reason"].value,
                row.evaluation.passed,
                row.evaluation.severity.value,
            )
            for row in rows
        }

    return evaluated


@pytest.fixture
def judge(instance):
    """Report what a check said so many minutes after noon."""

    def judge(minute, level, key=FRESH, reason="as told"):
        failed = level == "fail"
        at = datetime.fromtimestamp(NOON.timestamp() - 0.25 + 60 * minute, UTC)
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=key.asset_key,
                check_name=key.name,
                passed=level == "pass",
                severity=dg.AssetCheckSeverity.ERROR if failed else dg.AssetCheckSeverity.WARN,
                metadata={"level": level, "reason": reason, "as_of": at.isoformat(), "value": 3.5},
            )
        )

    return judge


HELD, NOBODY = "at 2026-01-31T11:58:00Z: as told", "fresh is not known to have said anything for"
FROM_NOON = ", from 2026-01-31T12:00:00Z"


@pytest.mark.parametrize(
    ("said", "level", "reason"),
    [
        ([], "unknown", f"kafka/orders_placed:{NOBODY} 1 h 10 m{FROM_NOON}"),
        ([(5, "pass")], "unknown", f"kafka/orders_placed:{NOBODY} 5 m{FROM_NOON}"),
        ([(-2, "pass")], "pass", HELD),
        ([(-3, "fail"), (-2, "pass")], "pass", HELD),
        ([(-2, "fail"), (1, "pass")], "fail", HELD),
        ([(-2, "pass"), (20, "warn")], "warn", "at 2026-01-31T12:20:00Z: as told"),
        ([(-2, "pass"), (69, "fail")], "fail", "at 2026-01-31T13:09:00Z: as told"),
        ([(-2, "pass"), (71, "fail")], "pass", HELD),
    ],
)
def test_a_check_says_the_worst_of_a_window(gauge, ticks, judge, evaluated, said, level, reason):
    """From what held at its start until it had waited for what is late, at 13:10."""
    daemon = ticks(windows("10m", checks=[FRESH]))
    report(gauge, 15)
    daemon.tick()
    for each in said:
        judge(*each)
    report(gauge, 72)
    daemon.tick()
    severity = "ERROR" if level == "fail" else "WARN"
    assert evaluated() == {"2026-01-31-12:00": (level, reason, level == "pass", severity)}


@pytest.mark.parametrize(
    ("minutes", "level"),
    [
        ((-5, 10, 25, 40, 55), "pass"),
        ((-5, 10, 40, 55), "unknown"),
        ((-21, 10, 25, 40, 55), "unknown"),
        ((-5, 10, 25, 39), "unknown"),
    ],
)
def test_a_check_that_was_silent_too_long_has_not_passed(
    gauge, ticks, judge, evaluated, minutes, level
):
    """For more than 20 minutes: within the window, at its beginning and at its end."""
    daemon = ticks(windows("0s", checks=[FRESH]), silent_after_seconds=20 * 60)
    report(gauge, 2)
    daemon.tick()
    for minute in minutes:
        judge(minute, "pass")
    report(gauge, 62)
    daemon.tick()
    assert evaluated()["2026-01-31-12:00"][0] == level


def test_what_was_said_too_long_before_a_window_is_nothing(gauge, ticks, judge, evaluated):
    """A failure of then is none of the window."""
    daemon = ticks(windows("0s", checks=[FRESH]), silent_after_seconds=20 * 60)
    report(gauge, 2)
    daemon.tick()
    judge(-11, "fail")
    for minute in (10, 25, 40, 55):
        judge(minute, "pass")
    report(gauge, 62)
    daemon.tick()
    assert evaluated()["2026-01-31-12:00"][0] == "unknown"


def test_a_daemon_that_dies_behind_the_checks_evaluates_none_twice(
    instance, gauge, ticks, judge, told, evaluated
):
    """Dagster would refuse that, again with each tick."""
    daemon = ticks(windows("0s", checks=[FRESH]))
    report(gauge, 2)
    daemon.tick()
    judge(-1, "pass")
    report(gauge, 62)
    events = daemon.sensor(dg.build_sensor_context(instance, cursor=daemon.cursor)).asset_events
    (check,) = [each for each in events if getattr(each, "check_name", "") == "fresh"]
    instance.report_runless_asset_event(check)
    assert told() == []
    daemon.tick()
    assert told() == list(evaluated()) == ["2026-01-31-12:00"]


def test_a_failure_is_no_milder_for_a_silence(gauge, ticks, judge, evaluated):
    """It is the worst."""
    daemon = ticks(windows("0s", checks=[FRESH]), silent_after_seconds=20 * 60)
    report(gauge, 2)
    daemon.tick()
    judge(5, "fail")
    report(gauge, 62)
    daemon.tick()
    assert evaluated()["2026-01-31-12:00"][0] == "fail"


def test_checks_of_one_name_are_one(instance, gauge, ticks, judge, evaluated):
    """Of several dead letter topics the worst."""
    other = dg.AssetCheckKey(dg.AssetKey("other_dlq"), "no_dead_letters")
    daemon = ticks(windows("0s", checks=[FRESH, DEAD, other]))
    report(gauge, 2)
    daemon.tick()
    judge(-1, "pass", DEAD)
    judge(-1, "fail", other, "one died")
    report(gauge, 62)
    daemon.tick()
    assert evaluated("no_dead_letters")["2026-01-31-12:00"][:2] == (
        "fail",
        "at 2026-01-31T11:59:00Z: one died",
    )
    assert set(evaluated()) == {"2026-01-31-12:00"}
