"""What starts downstream work: new data that was reported, and nothing that is done here."""

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from streamgauge_dagster.observable import observable
from streamgauge_dagster.sensors import (
    FollowedStream,
    PolledStream,
    PolledTopic,
    gauge_reporting_check,
    observation_sensor,
)
from streamgauge_dagster.sensors.poll_memory import Polled
from streamgauge_dagster.sensors.poll_report import advance, poll_observation
from streamgauge_dagster.sensors.polled import Found

from .reporting import FRESH, LETTERS, STREAM

pytestmark = pytest.mark.filterwarnings("ignore:Parameter `include_sources`")  # dagster's own call
CONDITIONS = {
    "eager": dg.AutomationCondition.eager(),
    "updated": dg.AutomationCondition.any_deps_updated(),
    "changed": dg.AutomationCondition.any_deps_match(dg.AutomationCondition.data_version_changed()),
    "newly_updated": dg.AutomationCondition.any_deps_match(dg.AutomationCondition.newly_updated()),
}
FAILED = dg.AutomationCondition.any_deps_match(
    dg.AutomationCondition.any_checks_match(dg.AutomationCondition.check_failed())
)
GATES = {
    "after_passing": dg.AutomationCondition.eager()
    & dg.AutomationCondition.all_deps_blocking_checks_passed(),
    "unless_failed": dg.AutomationCondition.eager() & ~FAILED,
}
"""Conditions that wait for checks."""


def downstream(conditions):
    """An asset downstream of the stream for each condition."""
    return [
        dg.asset(name=name, deps=[STREAM], automation_condition=condition)(lambda: None)
        for name, condition in conditions.items()
    ]


@pytest.fixture
def defs(build):
    """The stream with an asset downstream for each condition."""
    return dg.Definitions.merge(build(), dg.Definitions(assets=downstream(CONDITIONS)))


@pytest.fixture
def launching(instance):
    """Which of these downstream assets the daemon would launch: `launching(defs, CONDITIONS)()`."""

    def launching(defs, conditions):
        cursor = None

        def launched():
            nonlocal cursor
            told = dg.evaluate_automation_conditions(defs, instance, cursor=cursor)
            cursor = told.cursor
            return {name for name in conditions if told.get_num_requested(dg.AssetKey(name))}

        return launched

    return launching


@pytest.fixture
def launched(defs, launching):
    """Which downstream assets the daemon would launch for what came since it was asked last."""
    return launching(defs, CONDITIONS)


@pytest.fixture
def observing(instance):
    """A tick of the observation sensor, as the daemon makes it."""
    cursor = None
    followed = FollowedStream(asset_key=STREAM, dead_letters=(LETTERS,), checks=(FRESH,))
    sensor = observation_sensor([followed], silent_after_seconds=900)

    def tick():
        nonlocal cursor
        result = sensor(dg.build_sensor_context(instance, cursor=cursor))
        cursor = result.cursor
        for event in result.asset_events:
            instance.report_runless_asset_event(event)
        return len(result.asset_events)

    return tick


def report(reports, sequence, records, version):
    """What a gauge reports, with all that makes it a report."""
    reports.observation(
        version,
        records_total=records,
        sequence=sequence,
        stream="orders",
        life="a-life",
        period_end=f"2026-01-31T12:{sequence // 60:02}:{sequence % 60:02}.000Z",
    )


def test_observing_what_was_never_reported_launches_nothing(defs, run, launched):
    """Not even in an instance without any event, where a first observation counts as new data."""
    assert launched() == set()
    run(defs, [STREAM], checks=set())
    assert launched() == set()
    run(defs, [STREAM])
    assert launched() == set()


def test_only_a_new_data_version_launches(defs, reports, run, launched):
    """Reports without new data, observations and checks do not, in any order."""
    launched()
    reports.observation("v1")
    assert launched() == set(CONDITIONS)
    for version, expected in [("v1", set()), ("v2", set(CONDITIONS))]:
        run(defs, [STREAM])
        assert launched() == set()
        reports.observation(version)
        assert launched() == expected
        run(defs, [STREAM])
        run(defs, [STREAM])
        assert launched() == set()


def test_downstream_of_what_was_never_reported_nothing_runs_along(defs, run, reports):
    """A job with the stream and what is built on it skips the latter until there is a report."""
    eager = dg.AssetKey("eager")
    assert run(defs, [STREAM, eager]).asset_materializations_for_node("eager") == []
    reports.observation("v1")
    assert len(run(defs, [STREAM, eager]).asset_materializations_for_node("eager")) == 1


def test_fifty_heartbeats_launch_nothing(reports, observing, launched):
    """Nor does what the sensor tells again, however the two and the daemon take turns."""
    launched()
    report(reports, 1, 5, "v1")
    assert launched() == set(CONDITIONS)
    assert observing() == 2
    assert launched() == set()
    for sequence in range(2, 52):
        report(reports, sequence, 5, "v1")
        if sequence % 3:
            assert observing() == 2
        if sequence % 2:
            assert launched() == set()
    assert launched() == set()
    report(reports, 52, 6, "v2")
    observing()
    assert launched() == set(CONDITIONS)


def test_a_poll_launches_as_a_report_does(instance, launched):
    """By what was added to the log since the first poll; a poll that finds nothing new does not."""
    topic = PolledTopic(asset_key=STREAM, topic="orders.placed")
    stream = PolledStream(name="orders", topics=(topic,))
    polled = Polled()

    def poll(end):
        nonlocal polled
        found = Found(topic_id="t", partitions=(0,), start={0: 0}, end={0: end})
        polled, period = advance(polled, found, "a-life", 1_000)
        event = poll_observation(stream, topic, polled, period, found)
        instance.report_runless_asset_event(event)
        return launched()

    launched()
    assert poll(5) == set(CONDITIONS)
    assert poll(5) == set()
    assert poll(6) == set(CONDITIONS)
    assert poll(6) == set()


@pytest.fixture
def gated():
    """The stream with two checks that block, and what waits for them downstream."""
    checks = [dg.AssetCheckSpec("fresh", asset=STREAM, blocking=True)]
    stream = observable([dg.AssetSpec(STREAM)], checks, silent_after_ms=900_000)
    reporting = gauge_reporting_check(STREAM, silent_after_seconds=900, blocking=True)
    assets = dg.Definitions(assets=downstream(GATES), asset_checks=[reporting])
    return dg.Definitions.merge(stream, assets)


@pytest.mark.parametrize("level", ["warn", "unknown", "fail"])
def test_blocking_checks_hold_back_until_they_pass(gated, reports, observing, launching, level):
    """What was held back is launched by the pass alone, once."""
    launched = launching(gated, GATES)
    launched()
    report(reports, 1, 5, "v1")
    reports.evaluation(level)
    observing()
    assert launched() == set()
    report(reports, 2, 5, "v1")
    observing()
    assert launched() == set()
    reports.evaluation("pass")
    assert launched() == set(GATES)
    reports.evaluation("pass")
    assert launched() == set()


def test_a_check_that_was_never_reported_blocks(gated, reports, observing, launching):
    """Only who asks for a failure does not wait for it."""
    launched = launching(gated, GATES)
    launched()
    report(reports, 1, 5, "v1")
    observing()
    assert launched() == {"unless_failed"}


def test_silence_blocks(gated, reports, observing, launching, instance):
    """New data that somehow comes is not built on while `gauge_reporting` fails."""
    launched = launching(gated, GATES)
    launched()
    reports.evaluation("pass")
    observing()
    reports.evaluation("fail", dg.AssetCheckKey(STREAM, "gauge_reporting"), "no report for 16 m")
    report(reports, 1, 5, "v1")
    assert launched() == set()
    observing()
    assert launched() == set(GATES)


def test_a_pass_alone_can_start_work(build, reports, launching):
    """Once for each time that a check begins to pass; an asset needs no new data for it."""
    passes = dg.AutomationCondition.any_deps_match(
        dg.AutomationCondition.any_checks_match(dg.AutomationCondition.check_passed())
    ).newly_true()
    defs = dg.Definitions.merge(build(), dg.Definitions(assets=downstream({"passes": passes})))
    launched = launching(defs, {"passes"})
    launched()
    for level, expected in [
        ("fail", set()),
        ("pass", {"passes"}),
        ("pass", set()),
        ("unknown", set()),
        ("pass", {"passes"}),
    ]:
        reports.evaluation(level)
        assert launched() == expected


def test_upstream_changed_is_shown(defs, instance, run, reports, observing):
    """By new data alone, until downstream is built anew."""
    eager = dg.AssetKey("eager")

    def shown():
        loading, graph = LoadingContextForTest(instance), defs.resolve_asset_graph()
        stale = CachingStaleStatusResolver(instance, graph, loading)
        causes = [
            (cause.dependency.asset_key, cause.reason) for cause in stale.get_stale_causes(eager)
        ]
        return stale.get_status(eager).value, causes

    report(reports, 1, 5, "v1")
    assert shown() == ("MISSING", [])
    run(defs, [eager])
    assert shown() == ("FRESH", [])
    report(reports, 2, 5, "v1")
    observing()
    run(defs, [STREAM])
    assert shown() == ("FRESH", [])
    report(reports, 3, 6, "v2")
    assert shown() == ("STALE", [(STREAM, "has a new dependency data version")])
    observing()
    assert shown()[0] == "STALE"
    run(defs, [eager])
    assert shown() == ("FRESH", [])
