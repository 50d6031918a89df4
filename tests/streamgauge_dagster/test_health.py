"""What an asset that is built on a stream is told of it: whether to rely on it, and up to where."""

import os
import subprocess
import sys
import time

import dagster as dg
import pytest

from streamgauge.model import Level
from streamgauge_dagster import NoReportError, StreamHealthResource, StreamTroubleError

from .reporting import FRESH, STREAM, Reports

LAG = dg.AssetCheckKey(STREAM, "lag__fulfillment")
CHECKS = ["fresh", "lag__fulfillment"]
REPORT = {
    "life": "a",
    "sequence": 3,
    "records": 5,
    "completeness": 1.0,
    "detail": {"positions": {"rows": [[0, 12, 5], [1, 40, 9]]}, "blind": []},
}


@pytest.fixture
def ask(instance, build):
    """Ask inside an asset: `ask(lambda streams, context: streams.read(context, STREAM))`."""

    def ask(question, silent_after_seconds=900.0):
        answers = []

        @dg.asset(deps=[STREAM])
        def orders_table(context: dg.AssetExecutionContext, streams: StreamHealthResource):
            try:
                answers.append(question(streams, context))
            except LookupError as error:
                answers.append(error)
            except RuntimeError as error:
                answers.append(error)

        streams = StreamHealthResource(silent_after_seconds=silent_after_seconds)
        own = dg.Definitions(assets=[orders_table], resources={"streams": streams})
        job = dg.Definitions.merge(build(), own).resolve_implicit_global_asset_job_def()
        part = job.get_subset(asset_selection={orders_table.key})
        assert part.execute_in_process(instance=instance).success
        return answers[0]

    return ask


@pytest.fixture
def well(reports):
    """A stream of which nothing but good is reported."""
    reports.observation(**REPORT)
    for key in (FRESH, LAG):
        reports.evaluation(key=key)


def test_a_well_stream_can_be_relied_on(ask, well):
    """With the offsets up to which that is so."""
    health = ask(lambda streams, context: streams.demand(context, STREAM, CHECKS))
    assert health.positions == {0: 12, 1: 40}
    assert (health.life, health.sequence, health.completeness) == ("a", 3, 1.0)
    assert {name: check.level for name, check in health.checks.items()} == {
        "fresh": Level.PASS,
        "lag__fulfillment": Level.PASS,
    }
    assert 0 <= health.age_seconds < 60
    assert health.trouble is None


CODE = """
import dagster as dg
from streamgauge_dagster import StreamHealthResource, build_definitions

@dg.asset(deps=[["kafka", "orders_placed"]])
def orders_table(context: dg.AssetExecutionContext, streams: StreamHealthResource):
    health = streams.read(context, "kafka/orders_placed")
    print("CHECKS", *health.checks)
    print("TROUBLE", health.trouble)

defs = dg.Definitions.merge(
    build_definitions("CONFIG", environ={}),
    dg.Definitions(assets=[orders_table], resources={"streams": StreamHealthResource()}),
)
"""


def test_all_checks_that_are_defined_matter_unless_some_are_named(tmp_path, config_file):
    """In a run as Dagster makes one; a check of which nothing was reported is unknown."""
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        reports = Reports(instance)
        reports.observation(**REPORT)
        reports.evaluation(key=FRESH)
    code = tmp_path / "project.py"
    code.write_text(CODE.replace("CONFIG", str(config_file())))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dagster", "asset", "materialize"),
            *("--select", "orders_table", "--python-file", str(code)),
        ],
        env=os.environ | {"DAGSTER_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    (checks,) = [line for line in done.stdout.splitlines() if line.startswith("CHECKS ")]
    assert {"fresh", "lag__fulfillment", "lag__billing__", "arrival_age"} <= set(checks.split())
    assert "TROUBLE arrival_age says unknown: nothing was reported yet" in done.stdout


@pytest.mark.parametrize(
    ("level", "trouble"),
    [
        ("fail", "kafka/orders_placed: fresh says fail: no record for 9 m"),
        ("unknown", "kafka/orders_placed: fresh says unknown: no record for 9 m"),
        ("warn", None),
    ],
)
def test_a_check_decides(ask, well, reports, level, trouble):
    """A warning is no reason to wait."""
    reports.evaluation(level, reason="no record for 9 m")
    answer = ask(lambda streams, context: streams.demand(context, STREAM, CHECKS))
    if trouble is None:
        assert answer.trouble is None
    else:
        assert isinstance(answer, StreamTroubleError)
        assert str(answer) == trouble


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        ({"completeness": 0.5}, "the report holds 50% of the partitions"),
        (
            {"detail": {"blind": [{"what": "topic a", "since_ms": 1, "reason": "absent"}]}},
            "the gauge is blind: topic a, absent",
        ),
    ],
)
def test_what_the_gauge_does_not_see_is_trouble(ask, well, reports, change, trouble):
    """Its checks may still say what they said before."""
    reports.observation(**REPORT | change)
    assert ask(lambda streams, context: streams.read(context, STREAM, CHECKS)).trouble == trouble


def test_a_silent_gauge_is_trouble(ask, well):
    """Whatever its last report says."""
    time.sleep(0.02)
    health = ask(lambda streams, context: streams.read(context, STREAM, CHECKS), 0.01)
    assert health.trouble.startswith("the gauge is silent: no report for ")


def test_an_unknown_completeness_is_trouble(ask, well, reports):
    """Left out is not all."""
    reports.observation(**{name: v for name, v in REPORT.items() if name != "completeness"})
    health = ask(lambda streams, context: streams.read(context, STREAM, CHECKS))
    assert health.completeness is None
    assert health.trouble == "the report holds an unknown share of the partitions"


def test_nothing_reported_is_told(ask):
    """There is no offset to rely on."""
    assert isinstance(ask(lambda streams, context: streams.read(context, STREAM)), NoReportError)
