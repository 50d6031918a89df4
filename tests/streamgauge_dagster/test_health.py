"""What an asset that is built on a stream is told of it: whether to rely on it, and up to where."""

import time
from dataclasses import replace

import dagster as dg
import pytest

from streamgauge.model import Level
from streamgauge_dagster import NoReportError, StreamHealthResource, StreamTroubleError
from streamgauge_dagster.reports import PAGE
from streamgauge_dagster.sensors.reported import read_newest

from .reporting import FRESH, LETTERS, STREAM

LAG = dg.AssetCheckKey(STREAM, "lag__fulfillment")
CHECKS = ["fresh", "lag__fulfillment"]
REPORT = {
    "life": "a",
    "sequence": 3,
    "stream": "orders",
    "period_end": "2026-01-31T12:35:00.250Z",
    "records_total": 14,
    "records": 5,
    "completeness": 1.0,
    "detail": {"positions": {"rows": [[0, 12, 5], [1, 40, 9]]}, "blind": []},
}
NEXT = REPORT | {"sequence": 4}


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
            except (RuntimeError, ValueError) as error:
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
    told = {"checks": " ".join(health.checks), "trouble": health.trouble}
    return dg.MaterializeResult(metadata=told)

defs = dg.Definitions.merge(
    build_definitions(CONFIG, environ={}),
    dg.Definitions(assets=[orders_table], resources={"streams": StreamHealthResource()}),
)
"""


def test_all_checks_that_are_defined_matter_unless_some_are_named(run_code, reports, config_file):
    """In a run as Dagster makes one; a check of which nothing was reported is unknown."""
    reports.observation(**REPORT)
    reports.evaluation(key=FRESH)
    code = CODE.replace("CONFIG", repr(str(config_file())))
    with run_code(code, [dg.AssetKey("orders_table")]) as done:
        (built,) = done.asset_materializations_for_node("orders_table")
    checks = set(built.metadata["checks"].value.split())
    assert {"fresh", "lag__fulfillment", "lag__billing__", "arrival_age"} <= checks
    assert built.metadata["trouble"].value.startswith("arrival_age says unknown: nothing was rep")


@pytest.mark.parametrize(
    ("period", "own", "silent_seconds"),
    [("1h", None, 10_800.0), ("1s", None, 60.0), ("1h", 5.0, 5.0), (None, None, 900.0)],
)
def test_a_report_counts_for_as_long_as_its_stream_says(
    run_code, reports, config_file, period, own, silent_seconds
):
    """Three report periods of the gauge that reports it, unless the resource says otherwise."""
    section = period and {"base_url": "http://localhost:3000", "report_every": period}
    reports.observation(**REPORT)
    code = CODE.replace("CONFIG", repr(str(config_file(dagster=section))))
    code = code.replace('"trouble": health.trouble', '"silent": health.silent_after_seconds')
    code = code.replace("Resource()", f"Resource(silent_after_seconds={own})")
    with run_code(code, [dg.AssetKey("orders_table")]) as done:
        (built,) = done.asset_materializations_for_node("orders_table")
    assert built.metadata["silent"].value == silent_seconds


def test_a_report_is_found_behind_what_others_observe(ask, well, reports):
    """Runs and sensors write more than reports come."""
    for _ in range(PAGE + 1):
        reports.observation_of_a_run()
    assert ask(lambda streams, context: streams.read(context, STREAM, CHECKS)).sequence == 3


def test_without_a_code_location_checks_have_to_be_named(ask, well):
    """Rather than taking no check for a pass of all."""
    answer = ask(lambda streams, context: streams.read(context, STREAM))
    assert isinstance(answer, ValueError)
    assert str(answer).endswith("name them, checks=[...]")


def test_a_test_may_call_the_asset_directly(instance, well):
    """There is no code location then either."""
    context = dg.build_asset_context(instance=instance)
    health = StreamHealthResource().read(context, STREAM, CHECKS)
    assert (health.sequence, health.silent_after_seconds) == (3, 900.0)
    with pytest.raises(ValueError, match=r"name them, checks=\[\.\.\.\]"):
        StreamHealthResource().read(context, STREAM)


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
            {"detail": {"left_out": {"positions": 7}}},
            "the report has no room for the offsets of 7 partitions",
        ),
        (
            {"detail": {"blind": [{"what": "topic a", "since_ms": 1, "reason": "absent"}]}},
            "the gauge is blind: topic a, absent",
        ),
    ],
)
def test_what_the_gauge_does_not_see_is_trouble(ask, well, reports, change, trouble):
    """Its checks may still say what they said before."""
    reports.observation(**NEXT | change)
    assert ask(lambda streams, context: streams.read(context, STREAM, CHECKS)).trouble == trouble


def test_a_silent_gauge_is_trouble(ask, well):
    """Whatever its last report says."""
    time.sleep(0.02)
    health = ask(lambda streams, context: streams.read(context, STREAM, CHECKS), 0.01)
    assert health.trouble.startswith("the gauge is silent: no report for ")


def test_an_unknown_completeness_is_trouble(ask, well, reports):
    """Left out is not all."""
    reports.observation(**{name: v for name, v in NEXT.items() if name != "completeness"})
    health = ask(lambda streams, context: streams.read(context, STREAM, CHECKS))
    assert health.completeness is None
    assert health.trouble == "the report holds an unknown share of the partitions"


@pytest.mark.parametrize(
    ("level", "told"),
    [
        ("pass", (Level.UNKNOWN, "nothing was said for 3 h; before, as told")),
        ("warn", (Level.UNKNOWN, "nothing was said for 3 h; before, as told")),
        ("fail", (Level.FAIL, "as told")),
    ],
)
def test_a_check_that_is_silent_passes_no_longer(ask, reports, monkeypatch, level, told):
    """Though observations come; a failure stays one, because silence is no recovery."""
    with monkeypatch.context() as earlier:
        now = time.time()
        earlier.setattr("time.time", lambda: now - 3 * 3_600)
        reports.evaluation(level)
    reports.observation(**REPORT)
    health = ask(lambda streams, context: streams.read(context, STREAM, ["fresh"]))
    assert health.age_seconds < 60
    assert (health.checks["fresh"].level, health.checks["fresh"].reason) == told


def test_a_late_report_is_not_the_last_one(ask, well, reports):
    """Of a life the one that tells most counts, in whichever order they were stored."""
    reports.observation(**NEXT | {"records_total": 20})
    reports.observation(**REPORT)
    assert ask(lambda streams, context: streams.read(context, STREAM, [])).sequence == 4


def test_what_was_built_on_is_told_with_types(ask, well):
    """For the metadata of what was built."""
    health = ask(lambda streams, context: streams.read(context, STREAM, CHECKS))
    told = health.metadata()
    assert told["stream"] == dg.MetadataValue.asset(STREAM)
    assert told["stream_positions"].value == {"0": 12, "1": 40}
    assert told["stream_reported"] == dg.MetadataValue.timestamp(health.reported_seconds)
    assert "stream_trouble" not in told
    silent = replace(health, age_seconds=1_000.0).metadata()["stream_trouble"]
    assert silent.value == "the gauge is silent: no report for 16 m 40 s"


@pytest.mark.filterwarnings("ignore:Parameter `include_sources`")  # dagster's own call
def test_an_observation_that_a_run_logs_is_no_new_data(instance, well, build, observed):
    """It stands among the observations, is no report, and launches nothing downstream."""
    condition = dg.AutomationCondition.eager()

    @dg.asset(deps=[STREAM], automation_condition=condition)
    def downstream(): ...

    @dg.op
    def tell(context: dg.OpExecutionContext):
        health = StreamHealthResource().read(context, STREAM, CHECKS)
        context.log_event(health.observation("read"))

    defs = dg.Definitions.merge(build(), dg.Definitions(assets=[downstream]))
    first = dg.evaluate_automation_conditions(defs, instance)
    job = dg.JobDefinition(graph_def=dg.GraphDefinition("tell_it", node_defs=[tell]))
    assert job.execute_in_process(instance=instance).success
    assert observed()[0].description == "read"
    assert observed()[0].metadata["replayed_from"].value == pytest.approx(time.time(), abs=60)
    then = dg.evaluate_automation_conditions(defs, instance, cursor=first.cursor)
    assert then.get_num_requested(downstream.key) == 0
    (report,) = read_newest(instance, STREAM).reports
    assert report.observation.description is None


@pytest.mark.parametrize(
    "detail",
    [None, "text", [], {"positions": 5, "blind": {}}, {"positions": {"rows": [5, [1], ["a", 2]]}}],
)
def test_a_detail_of_another_hand_is_no_offset(ask, reports, detail):
    """Whoever has access may report what he likes."""
    reports.observation(**REPORT | {"detail": detail})
    health = ask(lambda streams, context: streams.read(context, STREAM, []))
    assert (health.positions, health.blind) == ({}, ())


def test_dead_letters_have_a_health_too(ask, reports):
    """Their reports say nothing of completeness, which their stream's do."""
    told = {n: v for n, v in REPORT.items() if not n.startswith("records") and n != "completeness"}
    reports.observation(key=LETTERS, dead_letters_total=1, dead_letters=0, **told)
    health = ask(lambda streams, context: streams.read(context, LETTERS, []))
    assert (health.completeness, health.trouble) == (1.0, None)


def test_nothing_reported_is_told(ask, reports):
    """There is no offset to rely on; what others have observed is none of a gauge."""
    reports.observation("v1", records=5)
    answer = ask(lambda streams, context: streams.read(context, STREAM, []))
    assert isinstance(answer, NoReportError)
    assert str(answer).startswith("kafka/orders_placed: no report of a gauge is among its observ")
