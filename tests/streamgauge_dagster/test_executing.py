"""Executing a check repeats the last report of it, and never makes a pass of anything else."""

import time

import dagster as dg
import pytest

from streamgauge_dagster import Presentation, build_definitions
from streamgauge_dagster.repeated import repeated_evaluation
from streamgauge_dagster.reports import LOOKED_AT_MOST, PAGE

from .reporting import FRESH, LETTERS

HOUR_MS = 3_600_000
ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


@pytest.fixture
def execute(build, run):
    """What executing a check says."""

    def execute(check=FRESH, defs=None):
        (told,) = run(defs or build(), checks={check}).get_asset_check_evaluations()
        return told

    return execute


@pytest.fixture
def later(instance):
    """What executing a check says so many milliseconds from now, silence beginning at an hour."""

    def later(milliseconds, check=FRESH):
        now_ms = round(time.time() * 1000) + milliseconds
        return repeated_evaluation(instance, check, silent_after_ms=HOUR_MS, now_ms=now_ms)

    return later


@pytest.mark.parametrize(
    ("level", "passed", "severity"),
    [("pass", True, WARN), ("warn", False, WARN), ("unknown", False, WARN), ("fail", False, ERROR)],
)
def test_the_last_report_is_repeated(execute, reports, level, passed, severity):
    """Level, reason and numbers, and from when they are; not what was reported before."""
    reports.evaluation("fail" if level == "pass" else "pass", reason="before")
    began = time.time()
    reports.evaluation(level, reason="it is so", value=12, limit=5.5)
    told = execute()
    assert (told.passed, told.severity, told.description) == (passed, severity, "it is so")
    metadata = dict(told.metadata)
    assert metadata.pop("replayed_from").value == pytest.approx(began, abs=10)
    assert {name: value.value for name, value in metadata.items()} == {
        "reason": "it is so",
        "level": level,
        "value": 12,
        "limit": 5.5,
    }


def test_a_check_that_was_never_reported_has_not_passed(execute, reports):
    """Whatever was reported of others."""
    reports.evaluation("pass")
    told = execute(dg.AssetCheckKey(LETTERS, "no_dead_letters"))
    assert (told.passed, told.severity) == (False, WARN)
    assert told.description.startswith("nothing was reported yet: is the gauge running")
    assert told.metadata["level"].value == "unknown"
    assert "replayed_from" not in told.metadata


def test_a_pass_of_a_run_is_no_report(execute, reports):
    """Neither its own last one nor any other."""
    reports.evaluation_of_a_run("pass")
    assert not execute().passed
    reports.evaluation("pass")
    reports.evaluation_of_a_run("fail")
    assert [execute().passed, execute().passed] == [True, True]


@pytest.mark.parametrize(
    ("level", "severity", "told"),
    [("pass", WARN, "unknown"), ("warn", WARN, "warn"), ("fail", ERROR, "fail")],
)
def test_an_old_report_passes_no_longer_and_a_failure_gets_no_milder(
    later, reports, level, severity, told
):
    """Silence is neither health nor recovery."""
    reports.evaluation(level, reason="it is so")
    result = later(3 * HOUR_MS + 5_000)
    assert (result.passed, result.severity) == (False, severity)
    assert result.description == (
        "the last report is 3 h old: the gauge is silent. It said: it is so"
    )
    assert result.metadata["level"].value == told
    assert result.metadata["reason"].value == result.description


def test_silence_begins_when_it_is_configured_to(later, reports):
    """Not before, and a clock that is behind makes nobody silent."""
    reports.evaluation("pass")
    assert later(HOUR_MS - 5_000).passed
    assert not later(HOUR_MS + 5_000).passed
    assert later(-HOUR_MS).passed


def test_silence_follows_the_given_time(config_file, reports, execute):
    """Through the definitions, as a user gives it."""
    reports.evaluation("pass")
    path = config_file()
    assert execute(defs=build_definitions(path, environ={})).passed
    strict = build_definitions(path, environ={}, silent_after_seconds=0)
    assert not execute(defs=strict).passed


def test_a_report_is_found_behind_pages_of_runs(later, reports):
    """And the newest of several; beyond the bound it is said that it was not found."""
    reports.evaluation("fail", reason="older")
    reports.evaluation("pass", reason="newest")
    for _ in range(PAGE + 1):
        reports.evaluation_of_a_run("fail")
    assert (later(0).passed, later(0).description) == (True, "newest")
    for _ in range(LOOKED_AT_MOST - PAGE - 2):
        reports.evaluation_of_a_run("pass")
    assert later(0).passed
    reports.evaluation_of_a_run("pass")
    beyond = later(0)
    assert (beyond.passed, beyond.severity) == (False, WARN)
    assert beyond.description == "none of the last 1,000 evaluations was reported by a gauge"


def test_names_in_a_reason_are_no_markup(later, reports):
    """Dagster shows the description as Markdown; the entry has the reason as it is."""
    reports.evaluation("pass", reason="lag of a_*b* [x](http://y) <img> `c` is 1")
    told = later(0)
    assert told.description == r"lag of a\_\*b\* \[x\](http://y) \<img\> \`c\` is 1"
    assert told.metadata["reason"].value == "lag of a_*b* [x](http://y) <img> `c` is 1"


def test_a_report_of_another_hand_is_repeated_too(later, reports):
    """Without a reason, as curl may have sent it."""
    reports.evaluation("pass", reason=None)
    assert (later(0).passed, later(0).description) == (True, "no reason was given")


@pytest.mark.parametrize(("level", "success"), [("pass", True), ("warn", True), ("fail", False)])
def test_a_run_fails_with_a_check_that_blocks(instance, config_file, reports, level, success):
    """Only where it is to block, and the report is recorded all the same."""
    defs = build_definitions(
        config_file(), environ={}, presentation=Presentation(blocking=["fresh"])
    )
    reports.evaluation(level)
    job = defs.resolve_implicit_global_asset_job_def()
    part = job.get_subset(asset_selection=set(), asset_check_selection={FRESH})
    done = part.execute_in_process(instance=instance, raise_on_error=False)
    assert done.success is success
    (told,) = done.get_asset_check_evaluations()
    assert (told.passed, told.blocking) == (level == "pass", True)
