"""Streams that are cut into Dagster's partitions: what is defined, and what executing it does."""

import dagster as dg
import pytest

from streamgauge.config import ConfigError
from streamgauge_dagster import (
    Following,
    FreshnessTrigger,
    Partitions,
    Poll,
    Presentation,
    build_definitions,
)

from .defs_yaml import (
    COMPONENT_WARNINGS,
    INLINE,
    checks_of,
    load_component,
    refused_component,
    specs_of,
)
from .reporting import CHECKS_OF_DEAD_LETTERS, LETTERS, ORDERS, STREAM, VERSION, checks_of_groups

pytestmark = COMPONENT_WARNINGS
BY_PARTITION = dg.AssetKey(["kafka", "orders_placed_by_partition"])
HOURLY = dg.AssetKey(["kafka", "orders_placed_hourly"])
FRESH = dg.AssetCheckKey(HOURLY, "fresh")
HOUR = "2026-01-31-12:00"
WINDOWS = {"event_time": "hourly", "start": "2026-01-31", "timezone": "Europe/Berlin",
           "allowed_lateness": "10m"}  # fmt: skip
OBSERVED = {"sensors": {}}


def windows(**settings):
    """A component with windows."""
    return load_component(**INLINE, partitions=WINDOWS, **OBSERVED | settings)


def test_partitions_of_the_topic_are_an_asset_beside_the_stream():
    """Which stays as it is, with its checks; the gauge judges no partition."""
    plain = load_component(**INLINE, **OBSERVED)
    defs = load_component(**INLINE, partitions={"kafka": 3}, **OBSERVED, owners=["team:a"])
    specs = specs_of(defs)
    assert specs.keys() - specs_of(plain).keys() == {BY_PARTITION}
    held = specs[BY_PARTITION]
    assert held.partitions_def.get_partition_keys() == ["0", "1", "2"]
    assert [dep.asset_key for dep in held.deps] == [STREAM]
    assert held.owners == ["team:a"]
    assert held.group_name == "streams"
    assert held.tags["streamgauge/stream"] == "orders"
    assert specs[STREAM].partitions_def is None
    assert checks_of(defs) == checks_of(plain)
    assert defs.resolve_asset_graph().get(BY_PARTITION).is_observable


def test_windows_have_the_checks_of_the_stream_and_its_dead_letters():
    """Of the same partitions, and blocking where those are."""
    defs = windows(blocking=["fresh"])
    held = specs_of(defs)[HOURLY].partitions_def
    assert held == dg.HourlyPartitionsDefinition("2026-01-31-00:00", timezone="Europe/Berlin")
    of_windows = {key.name for key in checks_of(defs) if key.asset_key == HOURLY}
    assert of_windows == {"fresh", "arrival_age", *CHECKS_OF_DEAD_LETTERS} | checks_of_groups(
        "fulfillment", "billing__"
    )
    graph = defs.resolve_asset_graph()
    assert graph.get(FRESH).partitions_def == held
    assert graph.get(FRESH).blocking
    assert not graph.get(dg.AssetCheckKey(HOURLY, "arrival_age")).blocking
    days = {"event_time": "daily", "start": "2026-01-31"}
    specs = specs_of(load_component(**INLINE, partitions=days, **OBSERVED))
    daily = specs[dg.AssetKey(["kafka", "orders_placed_daily"])]
    assert daily.partitions_def == dg.DailyPartitionsDefinition("2026-01-31", timezone="UTC")


def test_each_stream_is_cut(config_file):
    """And plain assets have partitions too, where nothing is observed."""
    look = Presentation(partitions=Partitions(kafka=2), observable=False)
    path = config_file(orders=ORDERS, clicks={"topic": "clicks"})
    defs = build_definitions(path, environ={}, presentation=look, sensors=Following(poll=Poll()))
    clicks = dg.AssetKey(["kafka", "clicks_by_partition"])
    assert {BY_PARTITION, clicks} < specs_of(defs).keys()
    assert not defs.resolve_asset_graph().get(clicks).is_executable


NO_DAY = "is no day: write for example 2026-01-31"


@pytest.mark.parametrize(
    ("partitions", "told"),
    [
        ({}, "partitions: give one of kafka and event_time"),
        ({"kafka": 3, "event_time": "daily"}, "partitions: give one of kafka and event_time"),
        ({"kafka": 0}, "partitions.kafka: is 0: give 1 to 1,000"),
        ({"kafka": 1001}, "partitions.kafka: is 1001: give 1 to 1,000"),
        ({"kafka": 1, "start": "2026-01-31"}, "partitions.start: partitions of a topic have none;"),
        ({"event_time": "daily"}, "partitions.start: is missing: name the first day, such as "),
        (WINDOWS | {"start": "31.1.2026"}, f'partitions.start: "31.1.2026" {NO_DAY}'),
        (WINDOWS | {"start": "2026-1-31"}, f'partitions.start: "2026-1-31" {NO_DAY}'),
        (
            WINDOWS | {"timezone": "Berlin"},
            'partitions.timezone: "Berlin" is no time zone: write for example Europe/Berlin',
        ),
        (WINDOWS | {"timezone": "../x"}, 'partitions.timezone: "../x" is no time zone'),
        (
            WINDOWS | {"allowed_lateness": "soon"},
            'partitions.allowed_lateness: "soon" is not a durat',
        ),
    ],
)
def test_partitions_that_cannot_be_are_told(partitions, told):
    """What it is, and what to do."""
    (problem,) = refused_component(**INLINE, partitions=partitions, **OBSERVED)
    assert problem.startswith(told)


def test_partitions_need_somebody_to_tell_of_them():
    """Without a sensor none would ever be observed."""
    told = "partitions: nothing would be told of them; the sensors of observations, or a poll, tell"
    for sensors in ({}, {"sensors": {"observations": False}}):
        (problem,) = refused_component(**INLINE, partitions={"kafka": 3}, **sensors)
        assert problem.startswith(told)


def test_an_asset_of_that_name_is_in_the_way():
    """Two assets cannot have one key."""
    letters = [{"topic": "x", "asset_key": "kafka/orders-placed-hourly"}]
    given = INLINE | {"dead_letters": letters}
    (problem,) = refused_component(**given, partitions=WINDOWS, **OBSERVED)
    assert problem == (
        "partitions: there is an asset kafka/orders_placed_hourly already: give that another key"
    )


@pytest.mark.parametrize(
    ("partitions", "trigger", "told"),
    [
        (None, {}, "by_partition: the streams have no partitions: give the component partitions"),
        (WINDOWS, {"min_messages": 5}, "min_messages: has no effect with by_partition; remove"),
        (WINDOWS, {"at_most_every_seconds": 5}, "at_most_every_seconds: has no effect with by_"),
        (WINDOWS, {"target": "kafka/orders_placed_hourly"}, "target: is the stream itself, which"),
        (WINDOWS, {"max_lag": -1}, " max_lag is -1: give 0 or more"),
    ],
)
def test_triggers_of_partitions_that_cannot_be_are_told(partitions, trigger, told):
    """With the place."""
    triggers = [{"target": "a_table", "by_partition": True} | trigger]
    cut = {} if partitions is None else {"partitions": partitions}
    (problem,) = refused_component(**INLINE, **cut, sensors={"freshness_triggers": triggers})
    assert problem.startswith("sensors.freshness_triggers[0]" + (":" if told[0] == " " else "."))
    assert told in problem


def test_a_trigger_may_run_partitions(instance):
    """A run of the window that was told of, and of no other."""
    wanted = {"target": "orders_table", "by_partition": True}
    (trigger,) = [
        sensor
        for sensor in windows(sensors={"freshness_triggers": [wanted]}).sensors
        if sensor.name.endswith("triggers_orders_table")
    ]
    identity = {"sequence": 1, "life": "a", "period_end": "2026-01-31T12:35:00.250Z"}
    for event in (
        dg.AssetObservation(STREAM, metadata=identity | {"records_total": 1}, tags={VERSION: "v"}),
        dg.AssetObservation(HOURLY, partition=HOUR, tags={VERSION: HOUR}),
    ):
        instance.report_runless_asset_event(event)
    (request,) = trigger(dg.build_sensor_context(instance)).run_requests
    assert request.partition_key == HOUR


@pytest.fixture
def run_partition(instance):
    """Execute assets, or checks, of one partition: `run_partition(defs, "3", assets, checks)`."""

    def run_partition(defs, partition, assets=(), checks=()):
        job = defs.resolve_implicit_global_asset_job_def()
        part = job.get_subset(asset_selection=set(assets), asset_check_selection=set(checks))
        return part.execute_in_process(instance=instance, partition_key=partition)

    return run_partition


def test_observing_a_partition_repeats_what_was_told_of_it(instance, run_partition, observed):
    """Under the same version, for another one would launch what is downstream."""
    defs = windows()
    for partition, version in (("2026-01-31-11:00", "other"), (HOUR, "v1")):
        told = dg.AssetObservation(
            HOURLY, partition=partition, metadata={"n": 5}, tags={VERSION: version}
        )
        instance.report_runless_asset_event(told)
    for _ in range(2):
        run_partition(defs, HOUR, [HOURLY])
    again, before, *_ = observed(HOURLY)
    assert again.metadata == before.metadata  # and not the repetition
    assert (again.partition, again.data_version) == (HOUR, "v1")
    assert again.metadata["n"].value == 5
    assert "replayed_from" in again.metadata
    run_partition(defs, "2026-01-31-10:00", [HOURLY])
    assert len(observed(HOURLY)) == 4


def test_executing_a_check_of_a_window_repeats_what_it_said(instance, run_partition):
    """What was never told has not passed."""
    defs = windows()
    told = dg.AssetCheckEvaluation(
        asset_key=HOURLY, check_name="fresh", partition=HOUR, passed=False,
        severity=dg.AssetCheckSeverity.ERROR, metadata={"reason": "as told", "level": "fail"},
    )  # fmt: skip
    instance.report_runless_asset_event(told)
    for partition, level, reason in (
        (HOUR, "fail", "as told"),
        ("2026-01-31-11:00", "unknown", "of this window nothing was told yet, or not lately"),
    ):
        (again,) = run_partition(defs, partition, checks=[FRESH]).get_asset_check_evaluations()
        assert (again.partition, again.passed) == (partition, False)
        assert again.metadata["level"].value == level
        assert again.metadata["reason"].value == again.description == reason


def test_the_stream_itself_is_observed_and_checked_as_without_partitions(reports, run, observed):
    """Nobody has to name a partition for it."""
    reports.observation("v1")
    reports.observation("v1", key=LETTERS)
    result = run(windows(), [STREAM, LETTERS])
    assert len(observed(STREAM)) == len(observed(LETTERS)) == 2
    checked = {told.asset_key for told in result.get_asset_check_evaluations()}
    assert checked == {STREAM, LETTERS}


def test_in_code(config_file):
    """The same as in a component."""
    look = Presentation(partitions=Partitions(kafka=3))
    trigger = FreshnessTrigger(target=dg.AssetKey("a_table"), by_partition=True)
    sensors = Following(freshness_triggers=[trigger])
    defs = build_definitions(config_file(), environ={}, presentation=look, sensors=sensors)
    assert specs_of(defs)[BY_PARTITION].partitions_def.get_partition_keys() == ["0", "1", "2"]
    with pytest.raises(ConfigError, match=r"partitions: nothing would be told of them"):
        build_definitions(config_file(), environ={}, presentation=look)
