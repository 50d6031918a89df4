"""Observing an asset repeats the last report, and invents nothing where there is none."""

import time

import dagster as dg
import pytest

from streamgauge_dagster import build_definitions
from streamgauge_dagster.reports import LOOKED_AT_MOST, PAGE

from .reporting import FRESH, LETTERS, STREAM, VERSION, checks_of_groups

PERIOD = {"period_start": "2026-01-31T12:30:00.000Z", "period_end": "2026-01-31T12:35:00.250Z"}


def test_the_last_report_is_repeated_with_types(build, reports, run, observed):
    """Same version, same numbers; moments are moments, and Dagster's own key has its type."""
    reports.observation("v1", records=1)
    began = time.time()
    reports.observation("v2", description="one sentence", records=5, **PERIOD,
                        last_message_timestamp=1_769_862_899.5, stream="orders")  # fmt: skip
    run(build(), [STREAM])
    repeated, *before = observed()
    assert len(before) == 2
    assert repeated.data_version == "v2"
    assert repeated.tags == {VERSION: "v2", "dagster/data_version_is_user_provided": "true"}
    told = dict(repeated.metadata)
    assert told.pop("replayed_from").value == pytest.approx(began, abs=10)
    assert told == {
        "records": dg.IntMetadataValue(5),
        "stream": dg.TextMetadataValue("orders"),
        "period_start": dg.TimestampMetadataValue(1_769_862_600.0),
        "period_end": dg.TimestampMetadataValue(1_769_862_900.25),
        "last_message_timestamp": dg.FloatMetadataValue(1_769_862_899.5),
        "dagster/last_updated_timestamp": dg.TimestampMetadataValue(1_769_862_899.5),
        "summary": dg.TextMetadataValue("one sentence"),
    }


def test_repeating_again_repeats_the_report_and_not_the_repetition(build, reports, run, observed):
    """However often: `replayed_from` stays, and the text does not grow."""
    reports.observation("v1", description="one sentence")
    defs = build()
    for _ in range(2):
        run(defs, [STREAM])
    second, first, _ = observed()
    assert second.metadata == first.metadata


def test_what_was_never_reported_is_not_observed(build, reports, run, observed):
    """The run goes on with the others and says so; nothing is invented."""
    reports.observation("v1", key=LETTERS)
    result = run(build(), [STREAM, LETTERS])
    assert observed(STREAM) == []
    assert [each.data_version for each in observed(LETTERS)] == ["v1", "v1"]
    assert result.success


def test_the_log_of_the_run_says_why_nothing_was_observed(build, instance, run, capfd):
    """In words that help."""
    run(build(), [STREAM])
    assert (
        "kafka/orders_placed is not observed: nothing was reported yet: is the gauge running with "
        "this configuration?"
    ) in capfd.readouterr().err


def test_what_has_no_version_is_not_repeated(build, reports, run, observed):
    """It would count as new data wherever there was a version before."""
    reports.observation("v1")
    reports.observation(None)
    run(build(), [STREAM])
    assert [each.data_version for each in observed()] == [None, "v1"]


def test_moments_that_are_none_stay_as_they_are(build, reports, run, observed):
    """A clock beyond the calendar, a time without a zone, and numbers that are not known."""
    odd = {"period_start": "?", "period_end": "2026-01-31T12:30:00"}
    reports.observation("v1", **odd)
    run(build(), [STREAM])
    metadata = observed()[0].metadata
    assert {name: metadata[name].value for name in odd} == odd
    assert "dagster/last_updated_timestamp" not in metadata


def test_a_silent_gauge_is_named(config_file, reports, run, observed):
    """The observation is new and the report is not."""
    reports.observation("v1", description="one sentence")
    run(build_definitions(config_file(), environ={}, silent_after_seconds=0), [STREAM])
    (summary, version) = (observed()[0].metadata["summary"].value, observed()[0].data_version)
    assert summary.startswith("the last report is ")
    assert summary.endswith(" old: the gauge is silent. It said: one sentence")
    assert version == "v1"


def test_a_report_is_found_behind_pages_of_runs(build, reports, run, observed):
    """And the newest of several."""
    reports.observation("v1")
    reports.observation("v2")
    for _ in range(PAGE + 1):
        reports.observation_of_a_run()
    run(build(), [STREAM])
    assert observed()[0].data_version == "v2"


def test_a_report_that_is_too_far_back_is_said_to_be_not_found(
    build, reports, run, observed, capfd
):
    """The last one that is looked at is repeated; one more and nothing is observed."""
    reports.observation("v1")
    for _ in range(LOOKED_AT_MOST - 1):
        reports.observation_of_a_run()
    defs = build()
    found, beyond = (run(defs, [STREAM]).all_events for _ in range(2))
    assert observed()[0].data_version == "v1"
    assert "ASSET_OBSERVATION" in [event.event_type_value for event in found]
    assert "ASSET_OBSERVATION" not in [event.event_type_value for event in beyond]
    assert "none of the last 1,000 observations was reported by a gauge" in capfd.readouterr().err


def test_checks_are_executed_only_if_they_are_selected(build, reports, run):
    """An asset with all of its checks, without any, and a check without the asset."""
    reports.observation("v1")
    defs = build()
    with_checks = run(defs, [STREAM])
    assert {told.check_name for told in with_checks.get_asset_check_evaluations()} == {
        "fresh",
        "arrival_age",
        *checks_of_groups("fulfillment", "billing__"),
    }
    without = run(defs, [STREAM], checks=set())
    assert without.get_asset_check_evaluations() == []
    (alone,) = run(defs, checks={FRESH}).get_asset_check_evaluations()
    assert alone.asset_check_key == FRESH
