"""Runs are launched by new data and by a stream that is well: once, and for all that came."""

import json
from uuid import uuid4

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge_dagster.sensors import freshness_trigger
from streamgauge_dagster.sensors.pending import LIVES_MAX, Pending
from streamgauge_dagster.sensors.reported import READ_AT_MOST, Report

from .gauge import FRESH, LAG, STREAM, VERSION, Gauge, group


@dg.asset(deps=[STREAM])
def revenue():
    """What is built on the stream."""


@pytest.fixture
def trigger(daemon):
    """The daemon of a trigger: `trigger(min_messages=10)`."""
    return lambda **settings: daemon(freshness_trigger(STREAM, [revenue], **settings))


def fired(daemon):
    """For how much each run was launched."""
    return [each.tags["streamgauge/new"] for each in daemon.launched]


def run_of(instance, request, status=dg.DagsterRunStatus.SUCCESS):
    """The run that Dagster makes of a request."""
    return instance.add_run(
        dg.DagsterRun(
            job_name="a_job",
            run_id=str(uuid4()),
            status=status,
            tags=dict(request.tags),
        )
    )


def test_once_for_new_records(gauge, trigger):
    """Not for a report without any, and not again for one that is there still."""
    trigger = trigger()
    assert trigger.tick() == "Nothing was reported yet of kafka/orders_placed."
    gauge.report(0)
    assert trigger.tick() == "No new records were reported yet."
    gauge.report(3)
    assert trigger.tick() is None
    assert trigger.tick() == "No new records came since the last run."
    for _ in range(50):
        gauge.report(0)
        assert trigger.tick() == "No new records came since the last run."
    gauge.report(2)
    trigger.tick()
    assert fired(trigger) == ["3 records", "2 records"]


def test_records_add_up_until_there_are_enough(gauge, trigger):
    """Over reports, and however many of them came between two ticks."""
    trigger = trigger(min_messages=10)
    gauge.report(4)
    assert trigger.tick() == "4 records are new, of at least 10."
    gauge.report(3)
    gauge.report(2)
    assert trigger.tick() == "9 records are new, of at least 10."
    gauge.report(1)
    trigger.tick()
    gauge.report(1)
    assert trigger.tick() == "1 record is new, of at least 10."
    assert fired(trigger) == ["10 records"]


def test_records_add_up_over_lives(instance, gauge, trigger):
    """Also if a life ended and two began between two ticks; the totals of each begin at zero."""
    trigger = trigger(min_messages=100)
    gauge.report(5)
    trigger.tick()
    gauge.report(7)
    Gauge(instance, "second", minute=5).report(20)
    third = Gauge(instance, "third", minute=9)
    third.report(60)
    assert trigger.tick() == "92 records are new, of at least 100."
    third.report(8)
    trigger.tick()
    assert fired(trigger) == ["100 records"]


def test_one_report_fires_once_however_it_is_stored(instance, gauge, trigger):
    """Twice; late, after a later one; as the report of a frozen reporter; of the life before."""
    trigger = trigger()
    gauge.report(3)
    trigger.tick()
    gauge.send()
    trigger.tick()
    gauge.report(3)
    trigger.tick()
    gauge.sequence, gauge.total = 1, 3
    gauge.send()
    trigger.tick()
    Gauge(instance, "another", minute=5).report(1)
    trigger.tick()
    gauge.send()
    trigger.tick()
    assert fired(trigger) == ["3 records", "3 records", "1 record"]


def test_a_report_that_was_sent_again_with_more_counts_once(gauge, trigger):
    """Under the same sequence, with the totals of then."""
    trigger = trigger()
    gauge.report(3)
    trigger.tick()
    gauge.report(2, again=True)
    trigger.tick()
    assert fired(trigger) == ["3 records", "2 records"]
    assert len({each.run_key for each in trigger.launched}) == 2


def test_the_run_key_is_what_was_reported(gauge, trigger):
    """Whatever storage it lies in."""
    trigger = trigger()
    gauge.report(3)
    trigger.tick()
    (request,) = trigger.launched
    assert request.run_key == "kafka/orders_placed:a-life:1:a-life-3"
    assert json.loads(request.tags["streamgauge/totals"]) == {"a-life": 3}


def test_the_first_tick_finds_the_life_of_now(instance, trigger):
    """What it has counted since it began is new; earlier lives are over."""
    Gauge(instance, "before").report(1_000)
    now = Gauge(instance, "now", minute=5)
    now.report(3)
    now.report(4)
    trigger = trigger()
    trigger.tick()
    assert fired(trigger) == ["7 records"]


def test_what_runs_and_sensors_write_fires_nothing(instance, gauge, reports, trigger, observed):
    """Nor does what is written under the name of a report."""
    trigger = trigger()
    gauge.report(3)
    trigger.tick()
    (report,) = observed()
    metadata = report.metadata | {"records_total": 99}
    reports.observation_of_a_run("of a run", **metadata)
    replayed = dg.AssetObservation(
        STREAM, metadata=metadata | {"replayed_from": 1.0}, tags={VERSION: "told again"}
    )
    instance.report_runless_asset_event(replayed)
    assert trigger.tick() == "No new records came since the last run."


def test_a_daemon_that_dies_fires_once(instance, gauge, trigger):
    """The same key, or a run that is there: also if another report came before it was back."""
    trigger = trigger()
    gauge.report(3)
    trigger.tick(dies=True)
    run_of(instance, trigger.launched[0])
    trigger.tick(dies=True)
    gauge.report(2)
    trigger.tick()
    assert fired(trigger) == ["3 records", "2 records"]


def test_a_cursor_that_was_reset_fires_nothing_again(instance, gauge, trigger):
    """The run tells what it was launched for."""
    trigger = trigger()
    gauge.report(3)
    trigger.tick()
    run_of(instance, trigger.launched[0])
    trigger.cursor = None
    assert trigger.tick() == "No new records came since the last run."


def test_what_was_not_read_yet_is_read_on(gauge, trigger):
    """Nothing is launched on the word of an old report, and nothing is missed."""
    trigger = trigger(min_messages=READ_AT_MOST + 50)
    gauge.report(1)
    trigger.tick()
    for _ in range(READ_AT_MOST + 49):
        gauge.report(1)
    assert trigger.tick() == "Reports are read that came before: the next tick goes on."
    trigger.tick()
    assert fired(trigger) == [f"{READ_AT_MOST + 50:,} records"]


@pytest.mark.parametrize(
    ("settings", "groups", "waits_for"),
    [
        ({"max_lag": 10}, [group(10)], None),
        ({"max_lag": 10}, [group(11)], "the lag of billing is 11 records, above 10 records"),
        ({"max_lag": 10}, [group(None)], "the lag of billing is unknown"),
        ({"max_lag": 10}, [group(5, bound="unknown")], "the lag of billing is unknown"),
        (
            {"max_lag": 10},
            [group(11, bound="unknown")],
            "the lag of billing is 11 records, above 10 records",
        ),
        ({"max_lag": 10}, [], "the lag is unknown: the report has no consumer group"),
        (
            {"max_lag": 10},
            [group(99), group(5, "audit")],
            "the lag of billing is 99 records, above 10 records",
        ),
        ({"max_lag": 10, "groups": ["audit"]}, [group(99), group(5, "audit")], None),
        ({"max_lag": 10, "groups": ["gone"]}, [group(5)], "the lag of gone is unknown"),
        ({"max_time_lag_seconds": 60}, [group(5, time_lag_seconds=59.5)], None),
        (
            {"max_time_lag_seconds": 60},
            [group(5, time_lag_seconds=60.5)],
            "the time lag of billing is 60.5 s, above 60 s",
        ),
        ({"max_time_lag_seconds": 60}, [group(5)], "the time lag of billing is unknown"),
        ({"max_time_lag_seconds": 60}, [group(0, bound="exact")], None),
        (
            {"max_lag": 1, "max_time_lag_seconds": 1},
            [group(2), group(3, "audit"), group(4, "c")],
            (
                "the lag of billing is 2 records, above 1 record; the time lag of billing is "
                "unknown; the lag of audit is 3 records, above 1 record; and 3 more"
            ),
        ),
    ],
)
def test_lag_has_to_be_low_and_known(gauge, trigger, settings, groups, waits_for):
    """A bound that does not prove it, and a group that is not there, are not enough."""
    gauge.report(7, groups=groups)
    said = trigger(**settings).tick()
    assert said == (waits_for and f"7 records are new, but {waits_for}.")


def test_groups_that_were_left_out_may_be_behind(gauge, trigger):
    """A report has room for so many."""
    gauge.report(1, detail={"groups": [group(1)], "left_out": {"groups": 4}})
    assert trigger(max_lag=5).tick() == (
        "1 record is new, but the lag of 4 more groups is not in the report."
    )
    assert trigger(max_lag=5, groups=["billing"]).tick() is None


def test_a_lag_that_has_become_low_launches_what_waited(gauge, trigger):
    """All of it, with the next report, which needs no new record."""
    trigger = trigger(max_lag=10, min_messages=5)
    gauge.report(5, groups=[group(50)])
    gauge.report(4, groups=[group(30)])
    assert "above 10 records" in trigger.tick()
    gauge.report(0, groups=[group(3)])
    trigger.tick()
    assert fired(trigger) == ["9 records"]


@pytest.mark.parametrize(
    ("level", "settings", "waits_for"),
    [
        ("pass", {}, None),
        ("warn", {}, "fresh says warn: it is late"),
        ("warn", {"accept_warnings": True}, None),
        ("unknown", {"accept_warnings": True}, "fresh says unknown: it is late"),
        ("fail", {"accept_warnings": True}, "fresh says fail: it is late"),
    ],
)
def test_checks_have_to_pass(gauge, trigger, level, settings, waits_for):
    """By their last report."""
    gauge.report(7)
    gauge.judge("pass" if level == "fail" else "fail", reason="before")
    gauge.judge(level, reason="it is late.")
    said = trigger(checks=[FRESH], **settings).tick()
    assert said == (waits_for and f"7 records are new, but {waits_for}.")


def test_a_check_that_was_never_reported_does_not_pass(gauge, trigger, reports):
    """A run that repeats one is no report."""
    gauge.report(1)
    gauge.judge()
    reports.evaluation_of_a_run("pass", LAG)
    said = trigger(checks=[FRESH, LAG]).tick()
    assert said == "1 record is new, but lag__billing was never reported."


def test_a_check_that_passes_launches_what_waited(gauge, trigger):
    """Without any other report."""
    trigger = trigger(checks=[FRESH])
    gauge.report(7)
    gauge.judge("fail")
    trigger.tick()
    gauge.judge()
    trigger.tick()
    trigger.tick()
    assert fired(trigger) == ["7 records"]


def test_what_is_old_is_unknown(gauge, trigger, clock):
    """A silent gauge says nothing of lag and checks of now; what it counted is true still."""
    gauge.report(7, groups=[group(1)])
    gauge.judge()
    clock.seconds += 960
    waiting = "7 records are new, but {}."
    assert trigger(max_lag=5).tick() == waiting.format(
        "the last report is 16 m old, so the lag of now is unknown"
    )
    assert trigger(checks=[FRESH]).tick() == waiting.format("fresh was judged last 16 m ago")
    assert trigger().tick() is None


def test_runs_are_not_launched_too_often(gauge, trigger, clock):
    """What comes meanwhile waits."""
    trigger = trigger(at_most_every_seconds=600)
    gauge.report(1)
    trigger.tick()
    clock.seconds += 300
    gauge.report(2)
    assert trigger.tick() == (
        "2 records are new, but the last run was launched 5 m ago, and one in 10 m is allowed."
    )
    gauge.report(3)
    clock.seconds += 300
    trigger.tick()
    assert fired(trigger) == ["1 record", "5 records"]


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED])
def test_one_run_at_a_time(instance, gauge, trigger, status):
    """Until it is done, however it ends."""
    trigger = trigger()
    gauge.report(1)
    trigger.tick()
    run = run_of(instance, trigger.launched[0], status)
    gauge.report(2)
    said = trigger.tick()
    assert said == f"2 records are new, but run {run.run_id[:8]} is not done yet."
    instance.report_run_failed(run)
    trigger.tick()
    assert fired(trigger) == ["1 record", "2 records"]


def test_several_runs_at_a_time_if_they_may(instance, gauge, trigger):
    """Then nothing waits for the one before."""
    trigger = trigger(one_at_a_time=False)
    gauge.report(1)
    trigger.tick()
    run_of(instance, trigger.launched[0], dg.DagsterRunStatus.STARTED)
    gauge.report(2)
    trigger.tick()
    assert fired(trigger) == ["1 record", "2 records"]


def test_a_trigger_does_not_count_the_runs_of_another(instance, gauge, daemon):
    """Each has its own name."""
    first, second = (daemon(freshness_trigger(STREAM, [revenue], name=name)) for name in "ab")
    gauge.report(1)
    first.tick()
    run_of(instance, first.launched[0])
    second.tick()
    assert fired(second) == ["1 record"]


@pytest.mark.parametrize(
    "settings", [{"min_messages": 0}, {"max_lag": -1}, {"at_most_every_seconds": -1}]
)
def test_what_no_stream_can_meet_is_refused(settings):
    """With the name of the setting."""
    ((name, value),) = settings.items()
    with pytest.raises(ValueError, match=f"{name} is {value}: give"):
        freshness_trigger(STREAM, [revenue], **settings)


def report(life, total):
    """A report of which only the total counts."""
    observation = dg.AssetObservation(STREAM)
    return Report(1, 0.0, life, 1, 0.0, total, "records", observation)


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.integers(1, 3), st.booleans()),
        max_size=40,
    ),
    st.randoms(),
)
def test_every_record_is_launched_for_once(steps, shuffled):
    """Whatever is repeated, late or lost on the way, as long as the last of a life comes."""
    totals, pending, launched, late = dict.fromkeys("abc", 0), Pending(), 0, []
    for life, grown, repeated, launches in steps:
        totals[life] += grown
        late += [report(life, totals[life])] * repeated
        shuffled.shuffle(late)
        for _ in range(len(late) // 2):
            pending.take_in(late.pop())
        if launches:
            launched += pending.count
            pending.launch()
            assert pending.count == 0
    for each in [*(report(life, total) for life, total in totals.items()), *late]:
        pending.take_in(each)
    assert launched + pending.count == sum(totals.values())


def test_old_lives_stay_pending():
    """Only so many are told apart."""
    pending = Pending()
    for number in range(LIVES_MAX * 2):
        pending.take_in(report(f"life {number}", 2))
    assert len(pending.lives) == LIVES_MAX
    assert pending.count == LIVES_MAX * 4
    pending.launch()
    assert pending.count == 0
