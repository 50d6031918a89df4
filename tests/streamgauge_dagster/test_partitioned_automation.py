"""What new data of a partition launches downstream: that partition, once."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from streamgauge_dagster import Following, Partitions, Presentation, build_definitions

from .reporting import ORDERS, STREAM, VERSION

pytestmark = pytest.mark.filterwarnings("ignore:Parameter `include_sources`")  # dagster's own call
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
WHEN = dg.AutomationCondition
CONDITIONS = {
    "eager": WHEN.eager(),
    "changed": WHEN.any_deps_match(WHEN.data_version_changed()),
    "all_windows": WHEN.eager().without(WHEN.in_latest_time_window()),
    "gated": WHEN.any_deps_updated() & WHEN.all_deps_blocking_checks_passed(),
}
CONFIG = {"kafka": {"bootstrap_servers": "broker:9092"}, "streams": {"orders": ORDERS}}


class Project:
    """Definitions with assets on the partitions of the stream, a gauge and a daemon."""

    def __init__(self, instance, partitions):
        look = Presentation(partitions=partitions, blocking=["fresh"])
        defs = build_definitions(CONFIG, environ={}, presentation=look, sensors=Following())
        (held,) = [spec for spec in defs.resolve_all_asset_specs() if spec.partitions_def]
        assets = [
            dg.asset(
                name=name,
                deps=[held.key],
                partitions_def=held.partitions_def,
                automation_condition=condition,
            )(lambda: None)
            for name, condition in CONDITIONS.items()
        ]
        whole = dg.asset(name="whole", deps=[STREAM], automation_condition=WHEN.eager())
        self.defs = dg.Definitions.merge(
            defs, dg.Definitions(assets=[*assets, whole(lambda: None)])
        )
        self.held = held
        self._instance, self._sensor = instance, next(iter(defs.sensors))
        self._ticked = self._evaluated = None
        self._sequence, self._ended = 0, NOON + timedelta(minutes=12)

    def report(self, minute, *counts, level=None):
        """Report offsets of each partition at a minute after noon, and what `fresh` says."""
        self._sequence += 1
        began, self._ended = self._ended, NOON + timedelta(minutes=minute)
        rows = [[number, count, count] for number, count in enumerate(counts)]
        told = dg.AssetObservation(
            STREAM,
            metadata={
                "records_total": sum(counts), "sequence": self._sequence, "life": "a-life",
                "completeness": 1.0, "period_start": began.isoformat(),
                "period_end": self._ended.isoformat(), "detail": {"positions": {"rows": rows}},
            },
            tags={VERSION: f"v{counts}"},
        )  # fmt: skip
        self._instance.report_runless_asset_event(told)
        if level is not None:
            self.judge(self._ended, level)

    def judge(self, at, level):
        """Report what `fresh` says."""
        judged = dg.AssetCheckEvaluation(
            asset_key=STREAM, check_name="fresh", passed=level == "pass",
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"level": level, "reason": "as told", "as_of": at.isoformat()},
        )  # fmt: skip
        self._instance.report_runless_asset_event(judged)

    def tick(self):
        """A tick of the sensor that tells of partitions."""
        result = self._sensor(dg.build_sensor_context(self._instance, cursor=self._ticked))
        for event in result.asset_events:
            self._instance.report_runless_asset_event(event)
        self._ticked = result.cursor

    def launched(self):
        """The partitions that the daemon would launch of each asset."""
        told = dg.evaluate_automation_conditions(
            self.defs,
            self._instance,
            cursor=self._evaluated,
            evaluation_time=self._ended,
        )
        self._evaluated = told.cursor
        names = [*CONDITIONS, "whole"]
        requested = {name: told.get_requested_partitions(dg.AssetKey(name)) for name in names}
        return {name: sorted(keys, key=str) for name, keys in requested.items() if keys}


def each_launched(partitions):
    """What is launched where every condition launches these partitions."""
    return dict.fromkeys(CONDITIONS, partitions)


def partitions_of(launched):
    """Without what is built on the whole stream."""
    return {name: keys for name, keys in launched.items() if name != "whole"}


def test_a_partition_of_the_topic_launches_its_own(instance):
    """With its new records alone; the stream goes on launching what is built on all of it."""
    project = Project(instance, Partitions(kafka=3))
    project.launched()
    project.report(5, 3, 4)
    assert project.launched() == {"whole": [None]}
    project.tick()
    assert project.launched() == each_launched(["0", "1"])
    project.report(10, 3, 4)
    project.tick()
    assert project.launched() == {}
    project.report(15, 3, 5)
    project.tick()
    assert project.launched() == each_launched(["1"]) | {"whole": [None]}
    project.report(20, 3, 5, 0, 9)  # a partition that is not defined
    project.tick()
    project.launched()
    project.tick()
    assert project.launched() == {}


def test_a_window_launches_its_own_once(instance):
    """When it is complete; `eager` looks at the latest window alone, so a late one needs more."""
    windows = Partitions(event_time="hourly", start="2026-01-31", allowed_lateness="10m")
    project = Project(instance, windows)
    project.launched()
    project.judge(NOON, "pass")
    for minute in (15, 30, 45, 60, 70):
        project.report(minute, minute, 1, level="pass")
        project.tick()
        assert partitions_of(project.launched()) == {}, minute
    project.report(72, 72, 1, level="pass")
    project.tick()
    told = each_launched(["2026-01-31-12:00"])
    assert partitions_of(project.launched()) == told
    project.report(73, 73, 1, level="pass")
    project.tick()
    assert partitions_of(project.launched()) == {}
    project.report(200, 80, 1)  # after a silence, in which nobody said that it passes
    project.tick()
    assert partitions_of(project.launched()) == {
        "eager": ["2026-01-31-14:00"],
        "changed": ["2026-01-31-13:00", "2026-01-31-14:00"],
        "all_windows": ["2026-01-31-13:00", "2026-01-31-14:00"],
    }


def test_a_check_that_failed_holds_back_its_window_alone(instance):
    """The next one passes."""
    project = Project(instance, Partitions(event_time="hourly", start="2026-01-31"))
    project.launched()
    for minute in range(20, 130, 10):
        project.report(minute, minute, level="warn" if minute == 30 else "pass")
        project.tick()
        launched = project.launched()
        hour = {70: ["2026-01-31-12:00"], 130: ["2026-01-31-13:00"]}.get(minute, [])
        assert launched.get("changed", []) == hour
        assert "gated" not in launched
    project.report(130, 130, level="pass")
    project.tick()
    assert project.launched()["gated"] == ["2026-01-31-13:00"]
