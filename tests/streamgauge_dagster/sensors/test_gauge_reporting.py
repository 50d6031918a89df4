"""A gauge that is silent fails its own check, says since when, and passes when it is back."""

import re
import time

import dagster as dg
import pytest

from streamgauge_dagster.sensors import gauge_reporting_check, observation_sensor
from streamgauge_dagster.sensors.gauge_reporting import judge

from .gauge import FOLLOWED, FRESH, REPORTING, STREAM, Gauge

SILENT_AFTER = 900
MINUTE = 60_000


@pytest.fixture
def ticking(daemon):
    """The daemon of a sensor that waits 15 minutes for a report."""
    return daemon(observation_sensor([FOLLOWED], silent_after_seconds=SILENT_AFTER))


@pytest.fixture
def said(instance):
    """The evaluations of the check, the oldest first."""

    def said():
        storage = instance.event_log_storage
        return [row.evaluation for row in storage.get_asset_check_execution_history(REPORTING, 99)][
            ::-1
        ]

    return said


def levels(evaluations):
    """Level, whether it passed, and severity."""
    return [
        (each.metadata["level"].value, each.passed, each.severity.value) for each in evaluations
    ]


PASS, FAIL = ("pass", True, "WARN"), ("fail", False, "ERROR")
UNKNOWN = ("unknown", False, "WARN")


def test_once_for_each_report_and_for_each_change(gauge, ticking, said, clock):
    """A killed gauge: it passes with each report, fails once, and passes again when it is back."""
    for _ in range(3):
        gauge.report(1)
        ticking.tick()
        clock.seconds += 300
        ticking.tick()
    assert levels(said()) == [PASS] * 3
    told = []
    for _ in range(4):
        clock.seconds += 300
        told.append(ticking.tick())
    assert levels(said()) == [PASS] * 3 + [FAIL]
    assert told[0] == "No new report."
    assert re.fullmatch(
        r"Silent: kafka/orders_placed \(no report for 20 m, since 20\S+Z\)\.", told[2]
    )
    gauge.report(1)
    back = ticking.tick()
    assert levels(said()) == [PASS] * 3 + [FAIL, PASS]
    assert "Reporting again: kafka/orders_placed." in back


def test_it_says_since_when(gauge, ticking, said, clock):
    """In words and as metadata, with what was measured and its limit."""
    gauge.report(1)
    reported = time.time()
    ticking.tick()
    for _ in range(4):
        clock.seconds += 240
        ticking.tick()
    metadata = said()[-1].metadata
    assert re.fullmatch(
        r"no report for 16 m, since 20\S+Z: the gauge is stopped or stuck, or it cannot reach "
        "Dagster",
        metadata["reason"].value,
    )
    assert said()[-1].description == metadata["reason"].value
    assert metadata["since"] == metadata["last_report"]
    assert metadata["since"].value == pytest.approx(reported, abs=5)
    assert metadata["value"].value == pytest.approx(960, abs=5)
    assert (metadata["limit"].value, metadata["unit"].value) == (900.0, "s")
    assert metadata["as_of"].value == pytest.approx(reported + 960, abs=5)


def test_a_gauge_that_never_reported(ticking, said, clock):
    """Unknown at first; silence counts from the first look."""
    assert ticking.tick() == "Nothing was reported yet of kafka/orders_placed."
    clock.seconds += 600
    ticking.tick()
    assert levels(said()) == [UNKNOWN]
    clock.seconds += 360
    assert "no report was ever found, for 16 m since" in ticking.tick()
    assert levels(said()) == [UNKNOWN, FAIL]


def test_a_blind_gauge_is_not_silent(gauge, ticking, said, clock):
    """It observes nothing, and its checks say that it is blind."""
    gauge.report(1)
    ticking.tick()
    for _ in range(6):
        clock.seconds += 300
        gauge.judge("unknown")
        ticking.tick()
    assert levels(said()) == [PASS]


def test_what_runs_and_sensors_write_is_no_sign_of_life(
    gauge, reports, ticking, said, clock, run, build
):
    """Nor is what the sensor itself has told again."""
    gauge.report(1)
    gauge.judge()
    ticking.tick()
    for _ in range(4):
        clock.seconds += 300
        reports.observation_of_a_run()
        reports.evaluation_of_a_run()
        run(build(), [STREAM])
        ticking.tick()
    assert levels(said()) == [PASS, FAIL]


def test_absence_of_dagster_is_not_laid_to_the_gauge(gauge, ticking, said, clock):
    """After an hour without a tick the gauge gets its time; that old report is no pass either."""
    gauge.report(1)
    ticking.tick()
    clock.seconds += 3_600
    ticking.tick()
    assert levels(said()) == [PASS, UNKNOWN]
    assert "the last report is 1 h old, and nobody looked before 20" in said()[-1].description
    for _ in range(4):
        clock.seconds += 300
        ticking.tick()
    assert levels(said()) == [PASS, UNKNOWN, FAIL]
    assert "no report for 1 h" in said()[-1].description


def test_absence_of_dagster_and_then_a_report(gauge, ticking, said, clock):
    """No failure is ever told."""
    gauge.report(1)
    ticking.tick()
    clock.seconds += 3_600
    gauge.report(1)
    ticking.tick()
    assert levels(said()) == [PASS, PASS]


def test_a_cursor_that_was_reset_says_it_anew(gauge, ticking, said, clock):
    """It cannot know what it said."""
    gauge.report(1)
    ticking.tick()
    ticking.cursor = None
    ticking.tick()
    assert levels(said()) == [PASS, PASS]


@pytest.mark.parametrize(
    ("heard", "watched_since", "now", "level"),
    [
        (None, 100, 100, "unknown"),
        (None, 100, 115, "unknown"),
        (None, 100, 115.1, "fail"),
        (100, 0, 115, "pass"),
        (100, 0, 115.1, "fail"),
        (0, 100, 115, "unknown"),
        (0, 100, 115.1, "fail"),
        (120, 0, 100, "pass"),
    ],
)
def test_judging(heard, watched_since, now, level):
    """Minutes; silent after 15; a clock that was set back is no silence."""
    verdict = judge(
        None if heard is None else heard * MINUTE,
        watched_since_ms=watched_since * MINUTE,
        silent_after_ms=15 * MINUTE,
        now_ms=round(now * MINUTE),
    )
    assert verdict.level == level


@pytest.fixture
def execute(instance):
    """Execute the check in a run."""
    check = gauge_reporting_check(
        STREAM, silent_after_seconds=SILENT_AFTER, checks=(FRESH,), blocking=True
    )
    defs = dg.Definitions(assets=[dg.AssetSpec(STREAM)], asset_checks=[check])

    def execute():
        job = defs.resolve_implicit_global_asset_job_def()
        part = job.get_subset(asset_check_selection={REPORTING})
        result = part.execute_in_process(instance=instance, raise_on_error=False)
        (evaluation,) = result.get_asset_check_evaluations()
        return evaluation

    execute.spec = defs.resolve_asset_graph().get_check_spec(REPORTING)
    return execute


def test_executing_it_judges_now(instance, execute, clock):
    """Not what was said last."""
    assert levels([execute()]) == [UNKNOWN]
    Gauge(instance).report(1)
    assert levels([execute()]) == [PASS]
    clock.seconds += 960
    assert levels([execute()]) == [FAIL]
    Gauge(instance).judge()
    assert levels([execute()]) == [PASS]


def test_it_says_what_it_is(execute):
    """In the words of its definition."""
    assert execute.spec.blocking
    assert "fails after 15 m without a report" in execute.spec.description
