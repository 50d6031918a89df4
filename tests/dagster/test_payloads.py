"""Payloads say what is known, leave out what is not, and stay small whatever they are made of."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.core.dead_letters.cause import CauseName
from streamgauge.core.dead_letters.dead_letter import Address, Kind
from streamgauge.core.histogram import SIZE, Histogram
from streamgauge.core.report import dead_letter_report, report
from streamgauge.core.snapshot import CauseView, PartitionView, Window
from streamgauge.core.totals import Totals
from streamgauge.dagster.detail import ROOMS, histogram_text
from streamgauge.dagster.payloads import (
    PAYLOAD_MAX,
    check_evaluation,
    dead_letter_observation,
    observation,
)
from streamgauge.dagster.plain import as_json, bounded, instant, plain
from streamgauge.model import Blind, GroupStatus, LagBound, Level

TEXT = st.text(st.characters(exclude_categories=()))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
)


def told(snapshot, acknowledged=None):
    """The body of the stream's observation."""
    return observation(report(snapshot, acknowledged), snapshot).body


def test_unknown_is_left_out_and_never_zero(maker):
    """A silent stream of which nothing is known has neither ages nor lag nor rates per nothing."""
    snapshot = maker.snapshot(completeness=None)
    metadata = told(snapshot)["metadata"]
    assert metadata.keys() == {
        "records",
        "dead_letters",
        "unaged",
        "records_total",
        "dead_letters_total",
        "period_start",
        "period_end",
        "sequence",
        "stream",
        "life",
        "detail",
    }
    assert (metadata["records"], metadata["records_total"]) == (0, 0)


def test_numbers_are_those_of_the_period(maker):
    """All but the totals speak of the time since the acknowledged report."""
    ages = maker.histogram([1_000] * 80)
    groups = {"billing": maker.group_totals([4_000] * 70)}
    first = maker.snapshot(20, after_ms=10_000)
    totals = first.totals + Totals(
        records=80, arrival_ages=ages, groups=groups, dead_letters=3, unaged=5, traced=40
    )
    second = maker.snapshot(
        after_ms=30_000,
        totals=totals,
        groups={"billing": maker.group(10, time_lag_seconds=2.5), "audit": maker.group(7)},
        listening_since_ms=0,
        last_record_ms=maker.start_ms + 29_000,
        completeness=0.75,
    )
    metadata = told(second, report(first, None))["metadata"]
    expected = {
        "records": 80,
        "records_per_second": 4.0,
        "arrival_age_p50_seconds": pytest.approx(1.0, rel=0.044),
        "arrival_age_p99_seconds": pytest.approx(1.0, rel=0.044),
        "processed_age_p99_seconds": pytest.approx(4.0, rel=0.044),
        "lag": 10,
        "time_lag_seconds": 2.5,
        "dead_letters": 3,
        "unaged": 5,
        "traced_share": 0.5,
        "completeness": 0.75,
        "records_total": 100,
        "dead_letters_total": 3,
        "last_message_timestamp": (maker.start_ms + 29_000) / 1000,
        "period_start": instant(maker.start_ms + 10_000),
        "period_end": instant(maker.start_ms + 30_000),
        "sequence": 2,
    }
    assert {label: metadata[label] for label in expected} == expected
    assert list(metadata)[:3] == ["records", "records_per_second", "arrival_age_p50_seconds"]


def test_numbers_have_the_digits_that_mean_something(maker):
    """Dagster shows every digit there is; a slow trickle is still no zero."""
    ages = maker.histogram([1_234] * 3)
    totals = Totals(records=3, arrival_ages=ages, traced=1)
    metadata = told(maker.snapshot(totals=totals, after_ms=100_000_000))["metadata"]
    assert metadata["arrival_age_p99_seconds"] == 1.24
    assert metadata["traced_share"] == 0.333333
    assert metadata["records_per_second"] == 3e-05


def test_part_of_a_lag_is_told_unless_it_is_none(maker):
    """Where one partition is unknown the rest is at least so much; 0 of the rest says nothing."""
    view = maker.group(5)
    unseen = replace(view.partitions[0], lag=None, committed_offset=None)
    partly = replace(
        view, lag=5, lag_bound=LagBound.LOWER, partitions={**view.partitions, 1: unseen}
    )
    nothing = replace(partly, lag=None, lag_bound=LagBound.UNKNOWN)
    body = told(maker.snapshot(groups={"billing": partly}))
    assert body["metadata"]["lag"] == 5
    assert "billing has at least 5 records still to read" in body["description"]
    body = told(maker.snapshot(groups={"billing": nothing}))
    assert "lag" not in body["metadata"]
    assert "the lag of billing is unknown" in body["description"]


def test_sentence_says_how_the_stream_does(maker):
    """What came, who is worst, what is unknown, what died or was lost, what is unseen."""
    silent = maker.snapshot(after_ms=300_000)
    assert told(silent)["description"] == "0 records in 5 m."
    late = maker.group(1_200, status=GroupStatus.STALLED, time_lag_seconds=93_784.0)
    unknown = replace(maker.group(0), lag=None, lag_bound=LagBound.UNKNOWN, partitions={})
    troubled = maker.snapshot(
        after_ms=60_000,
        totals=Totals(records=1, dead_letters=1, lost=2),
        groups={"audit": maker.group(3), "billing": late, "x": unknown, "y": unknown},
        blind=(Blind("group x", maker.start_ms, "why"), Blind("group y", 0, "why")),
    )
    assert told(troubled)["description"] == (
        "1 record in 1 m; billing has 1,200 records still to read (1 d 2 h behind) and is STALLED;"
        " the lag of 2 groups is unknown; 1 dead letter arrived; 2 offsets deleted unread;"
        " blind about group x and 1 more since 2027-01-15T08:00:00Z."
    )
    compacted = maker.group(7, bound=LagBound.UPPER, time_lag_seconds=0.25)
    body = told(maker.snapshot(groups={"billing": compacted}))
    assert "billing has at most 7 records still to read (0.25 s behind)." in body["description"]


def test_typed_timestamp_is_never_sent(maker):
    """`dagster/last_updated_timestamp` over REST breaks freshness checks in Dagster."""
    snapshot = maker.snapshot(3, 2, last_record_ms=1)
    view = replace(snapshot.dead_letters[0], last_arrival_ms=1)
    letters = dead_letter_observation(dead_letter_report(snapshot, view, None), view)
    for body in (told(snapshot), letters.body, check_evaluation(maker.verdict(), snapshot).body):
        assert not any(label.startswith("dagster/") for label in body["metadata"])


def test_dead_letter_topic_speaks_of_dead_letters_only(maker):
    """Its own counts, position and last arrival."""
    snapshot = maker.snapshot(20, 2, after_ms=60_000)
    view = replace(snapshot.dead_letters[0], last_arrival_ms=maker.start_ms + 1_500)
    body = dead_letter_observation(dead_letter_report(snapshot, view, None), view).body
    assert body["asset_key"] == list(maker.letters_key)
    assert body["description"] == (
        "2 dead letters in 1 m; the newest came at 2027-01-15T08:00:01Z."
    )
    nothing = {"sum_ms": 0, "buckets": ""}
    counts = {
        "dead_letters": 2,
        "retrying": 0,
        "causes": {},
        "other_causes": 0,
        "death_ages": nothing,
        "append_to_death": nothing,
        "negative": 0,
        "undecodable": 0,
        "lost": 0,
    }
    assert body["metadata"] == {
        "dead_letters": 2,
        "retrying": 0,
        "causes": 0,
        "dead_letters_total": 2,
        "last_message_timestamp": (maker.start_ms + 1_500) / 1000,
        "period_start": "2027-01-15T08:00:00.000Z",
        "period_end": "2027-01-15T08:01:00.000Z",
        "sequence": 1,
        "stream": maker.stream,
        "life": "life-1",
        "detail": {
            "totals": counts,
            "difference": counts,
            "positions": {"columns": ["partition", "next_offset", "records"], "rows": [[0, 2, 2]]},
            "causes": [],
            "left_out": {},
        },
    }


POISON = CauseName("1" * 16, "billing", "InvalidAmountException", "the amount <n> is negative")
OUTAGE = CauseName("2" * 16, "fulfillment", "TimeoutException", None)
NAMELESS = CauseName("3" * 16, None, "unclassified", None)
SETTLED = CauseName("4" * 16, "billing", "NullPointerException", None)


def dying(maker):
    """Dead letters of four named causes and more; what was told of them before, and now."""
    names = {each.key: each for each in (POISON, OUTAGE, NAMELESS, SETTLED)}
    before = Totals(dead_letters=9, causes={POISON.key: 1, SETTLED.key: 8})
    died = {POISON.key: 3, OUTAGE.key: 14, NAMELESS.key: 1}
    since = Totals(
        dead_letters=21,
        retrying=1_200,
        causes=died,
        other_causes=3,
        death_ages=maker.histogram([4_000] * 17 + [90_000]),
        append_to_death=maker.histogram([3_000] * 18),
    )
    last_ms = maker.start_ms + 299_000
    recent = (
        CauseView(
            *OUTAGE,
            recent=14,
            total=14,
            kind=Kind.OUTAGE,
            reason="looks like an outage: 13 keys, one cause",
            last_ms=last_ms,
            trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
        ),
        CauseView(
            *POISON,
            recent=3,
            total=4,
            kind=Kind.POISON,
            reason="poison: orders-2@4711, third time",
            origin=Address("orders", 2, 4711),
        ),
        CauseView(*SETTLED, recent=0, total=8, reason="as it was"),
    )

    def snapshot(totals, after_ms, causes):
        base = maker.snapshot(after_ms=after_ms)
        view = replace(
            base.dead_letters[0],
            totals=totals,
            causes=causes,
            cause_names=names,
            last_arrival_ms=last_ms,
        )
        return replace(base, dead_letters=(view,), totals=totals)

    first = snapshot(before, 0, ())
    return first, snapshot(before + since, 300_000, recent)


def test_sentence_about_dead_letters_says_why_they_died(maker):
    """The most frequent causes of the period, whose they are and what to think of them."""
    first, now = dying(maker)
    acknowledged = dead_letter_report(first, first.dead_letters[0], None)
    view = now.dead_letters[0]
    body = dead_letter_observation(dead_letter_report(now, view, acknowledged), view, 1 / 3).body
    assert body["description"] == (
        "21 dead letters in 5 m, 30 since counting began:"
        " 14 TimeoutException of fulfillment (looks like an outage: 13 keys, one cause),"
        ' 3 InvalidAmountException "the amount <n> is negative" of billing'
        " (poison: orders-2@4711, third time), 1 unclassified, 3 of other causes;"
        " 1,200 records being tried again; half died within 3.827 s of the event;"
        " the newest came at 2027-01-15T08:04:59Z."
    )
    told = {
        "dead_letters": 21,
        "retrying": 1_200,
        "causes": 3,
        "dead_letter_share_percent": 0.333333,
        "age_at_death_p50_seconds": 3.83,
        "age_at_death_p99_seconds": pytest.approx(90, rel=0.044),
        "append_to_death_p50_seconds": pytest.approx(3, rel=0.044),
        "dead_letters_total": 30,
    }
    assert {label: body["metadata"][label] for label in told} == told
    assert list(body["metadata"])[:2] == ["dead_letters", "retrying"]


def test_sentence_about_dead_letters_says_of_a_cause_what_is_true_of_it_now(maker):
    """What spoke for poison then is not told when none came within the last window length."""
    base = maker.snapshot(after_ms=60_000)
    view = replace(
        base.dead_letters[0],
        totals=Totals(dead_letters=2, causes={SETTLED.key: 2, NAMELESS.key: 0}),
        causes=(
            CauseView(*SETTLED, recent=0, total=2, reason="poison: orders-2@4711, third time"),
        ),
        cause_names={SETTLED.key: SETTLED, NAMELESS.key: NAMELESS},
    )
    body = dead_letter_observation(dead_letter_report(base, view, None), view).body
    assert body["description"] == "2 dead letters in 1 m: 2 NullPointerException of billing."


def test_detail_of_dead_letters_names_every_cause(maker):
    """Whoever reads a key in the totals finds what it stands for."""
    first, now = dying(maker)
    acknowledged = dead_letter_report(first, first.dead_letters[0], None)
    view = now.dead_letters[0]
    sent = dead_letter_report(now, view, acknowledged)
    detail = dead_letter_observation(sent, view).body["metadata"]["detail"]
    assert detail["difference"]["causes"] == {
        OUTAGE.key: 14,
        POISON.key: 3,
        NAMELESS.key: 1,
        SETTLED.key: 0,
    }
    assert detail["totals"]["causes"] == view.totals.causes
    assert [row["key"] for row in detail["causes"]] == list(detail["difference"]["causes"])
    outage, poison, nameless, _ = detail["causes"]
    assert nameless == {
        "topic": "dlq",
        "key": NAMELESS.key,
        "error_class": "unclassified",
        "total": 1,
        "in_period": 1,
    }
    assert poison["origin"] == {"topic": "orders", "partition": 2, "offset": 4711}
    assert (poison["message"], poison["consumer_group"]) == (POISON.message, "billing")
    assert (poison["in_period"], poison["total"], poison["recent"]) == (3, 4, 3)
    assert (outage["kind"], outage["reason"]) == ("outage", view.causes[0].reason)
    assert "origin" not in outage
    of_stream = told(now)["metadata"]["detail"]
    assert of_stream["totals"]["causes"] == view.totals.causes
    assert {row["key"]: row["error_class"] for row in of_stream["causes"]} == {
        name.key: name.error_class for name in (POISON, OUTAGE, NAMELESS, SETTLED)
    }


def test_sentence_about_dead_letters_is_bounded(maker):
    """Whatever headers say; it ends with what everybody reads."""
    names = [CauseName(f"{n:016x}", "g" * 9_000, "E" * 9_000, "m" * 9_000) for n in range(9)]
    causes = {name.key: 5 for name in names}
    base = maker.snapshot(after_ms=60_000)
    view = replace(
        base.dead_letters[0],
        totals=Totals(dead_letters=45, causes=causes),
        causes=tuple(CauseView(*name, recent=5, reason="r" * 9_000) for name in names),
        cause_names={name.key: name for name in names},
        last_arrival_ms=maker.start_ms,
    )
    body = dead_letter_observation(dead_letter_report(base, view, None), view).body
    assert body["description"].endswith("30 of other causes; the newest came at"
                                        " 2027-01-15T08:00:00Z.")  # fmt: skip


@pytest.mark.parametrize("count", [20, 1_000, 30_000])
def test_causes_are_bounded_and_counted_as_left_out(maker, count):
    """The most frequent ones are told, in the counts as in the names."""
    keys = [f"{number:016x}" for number in range(count)]
    names = {key: CauseName(key, "ü" * 250, "E" * 64, "ü" * 200) for key in keys}
    totals = Totals(dead_letters=count, causes={key: n for n, key in enumerate(keys)})
    base = maker.snapshot()
    view = replace(base.dead_letters[0], totals=totals, cause_names=names)
    now = replace(base, dead_letters=(view,), totals=totals)
    letters = dead_letter_observation(dead_letter_report(now, view, None), view)
    for payload in (letters, observation(report(now, None), now)):
        assert len(as_json(payload.body)) <= PAYLOAD_MAX
        detail = payload.body["metadata"]["detail"]
        assert len(detail["causes"]) + detail["left_out"].get("causes", 0) == count
        assert payload.left_out == detail["left_out"].get("causes", 0)
        assert list(detail["totals"]["causes"]) == [row["key"] for row in detail["causes"]]
        assert detail["causes"][0]["key"] == keys[-1]


def test_detail_has_totals_positions_groups_window_and_blindness(maker):
    """All that a later reader needs to go on from the report, and a person to understand it."""
    own = maker.snapshot(3).totals + Totals(groups={"billing": maker.group_totals([0, 100])})
    window = Window(maker.start_ms, maker.start_ms + 60_000, Totals(records=3), 1.0)
    snapshot = maker.snapshot(
        3,
        totals=own,
        groups={"billing": maker.group(1), "audit": maker.group(9, status=GroupStatus.LAGGING)},
        last_window=window,
        blind=(Blind("topic dlq", maker.start_ms, "it does not exist"),),
    )
    detail = told(snapshot)["metadata"]["detail"]
    assert detail["totals"]["records"] == 3
    assert detail["totals"]["arrival_ages"] == {"sum_ms": 300, "buckets": "54:3"}
    assert detail["totals"]["groups"] == [
        {
            "group": "billing",
            "committed": 2,
            "aged": {"sum_ms": 100, "buckets": "0:1 54:1"},
            "reprocessed": 0,
            "unaged": 0,
        }
    ]
    assert detail["difference"] == detail["totals"]
    assert detail["positions"]["rows"] == [[0, 3, 3]]
    assert [group["group"] for group in detail["groups"]] == ["audit", "billing"]
    assert detail["groups"][0]["status"] == "LAGGING"
    assert detail["last_window"]["totals"]["records"] == 3
    assert detail["blind"] == [
        {"what": "topic dlq", "since_ms": maker.start_ms, "reason": "it does not exist"}
    ]
    assert detail["left_out"] == {}


@given(st.lists(st.integers(0, 3_000_000_000), max_size=50))
def test_histogram_text_holds_every_count(ages_ms):
    """The text gives the histogram back."""
    ages = Histogram()
    ages.fold(np.array(ages_ms, dtype=np.int64))
    counts = np.zeros(SIZE, dtype=np.int64)
    for each in histogram_text(ages).split():
        at, count = each.split(":")
        counts[int(at)] = int(count)
    assert Histogram(counts, ages.sum_ms) == ages


def endless(maker, partitions, groups):
    """A stream with so many partitions and groups, all values and texts as long as can be."""
    ages = Histogram(np.full(SIZE, 10**15), 10**18)
    names = [f"{number:06d}" + "ü" * 2_000 for number in range(groups)]
    own = maker.group_totals([])
    own = replace(own, committed=10**15, aged=ages)
    return maker.snapshot(
        totals=Totals(records=1, arrival_ages=ages, groups=dict.fromkeys(names, own)),
        partitions=tuple(
            PartitionView("orders", number, 0, 10**15, None, None, Totals(records=10**15))
            for number in range(partitions)
        ),
        groups={name: maker.group(number) for number, name in enumerate(names)},
        last_window=Window(0, 1, Totals(arrival_ages=ages), None),
        blind=tuple(Blind("ü" * 2_000, 0, "ü" * 2_000) for _ in range(500)),
    )


@pytest.mark.parametrize(
    ("partitions", "groups"), [(5, 3), (50_000, 0), (4, 300), (9_000, 50), (50_000, 200)]
)
def test_payload_is_bounded_and_says_what_it_leaves_out(maker, partitions, groups):
    """Every partition, group and blind spot is either in the detail or counted as left out."""
    snapshot = endless(maker, partitions, groups)
    payload = observation(report(snapshot, None), snapshot)
    assert len(as_json(payload.body)) <= PAYLOAD_MAX
    detail = payload.body["metadata"]["detail"]
    left_out = detail["left_out"]
    assert len(detail["positions"]["rows"]) + left_out.get("positions", 0) == partitions
    assert len(detail["groups"]) + left_out.get("groups", 0) == groups
    assert len(detail["blind"]) + left_out.get("blind", 0) == 500
    assert payload.left_out == sum(left_out.values())
    if detail["groups"]:
        assert detail["groups"][0]["lag"] == groups - 1


def test_smallest_detail_always_fits(maker):
    """The last step has nothing but what is bounded by itself."""
    smallest = ROOMS[-1]
    assert (smallest.positions, smallest.groups, smallest.causes, smallest.blind) == (0, 0, 0, 0)
    snapshot = endless(maker, 50_000, 200)
    detail = observation(report(snapshot, None), snapshot).body["metadata"]["detail"]
    smallest = detail | {"blind": [], "groups": [], "positions": {}}
    assert len(as_json(smallest)) < PAYLOAD_MAX / 4


@pytest.mark.parametrize("level", Level)
def test_evaluation_without_value_or_limit_leaves_them_out(maker, level):
    """A check that measured nothing still says why."""
    verdict = maker.verdict(level=level, value=None, limit=None, reason="blind since then")
    body = check_evaluation(verdict, maker.snapshot()).body
    assert body["metadata"].keys().isdisjoint({"value", "limit"})
    assert body["metadata"]["reason"] == "blind since then"
    assert body["passed"] is (level is Level.PASS)


@given(JSON)
def test_plain_values_are_json_that_every_store_takes(value):
    """No NaN, no infinity, no NUL, no lone surrogate, whatever comes."""
    text = as_json(plain(value)).decode()
    again = json.dumps(json.loads(text, parse_constant=pytest.fail), ensure_ascii=False)
    again.encode("utf-8")
    assert "\\u0000" not in again.replace("\\\\", "")


def test_text_is_cut_and_marked():
    """A cut text ends with an ellipsis inside the limit."""
    assert bounded("abcdef", 4) == "abc…"
    assert bounded("abcd", 4) == "abcd"
    assert instant(10**18) == "?"
