"""The last report that Dagster gives back is the one that was sent, or it is not followed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from streamgauge.core.report import dead_letter_report, report
from streamgauge.core.snapshot import PartitionView
from streamgauge.core.totals import Totals
from streamgauge.dagster.graphql import read_last_reported
from streamgauge.dagster.outcome import Accepted
from streamgauge.dagster.payloads import dead_letter_observation, observation
from streamgauge.dagster.plain import instant
from streamgauge.dagster.reported_asset import ReportedAsset
from streamgauge.dagster.resumed import resumed_report

from .conftest import entries


@pytest.fixture
def rich(maker):
    """A snapshot with a count of every kind, on two partitions and in one dead letter topic."""
    totals = Totals(
        records=300,
        bytes=2_100,
        arrival_ages=maker.histogram([0, 1, 100, 100, 5_000, 400_000_000]),
        unaged=3,
        negative=1,
        traced=20,
        sampled=2,
        event_times={"header": 290, "none": 10},
        unreadable_event_times={"pointer": 4},
        rejected_contexts={"b3_format": 1},
        dead_letters=7,
        retrying=4,
        causes={"1" * 16: 5, "2" * 16: 1},
        other_causes=1,
        death_ages=maker.histogram([1, 5_000]),
        append_to_death=maker.histogram([4_000]),
        undecodable=2,
        lost=1,
        groups={"billing": maker.group_totals([4_000] * 70), "audit": maker.group_totals([])},
    )
    parts = tuple(
        PartitionView("orders", number, 5, at, at, None, Totals(records=at - 5))
        for number, at in ((0, 105), (3, 210))
    )
    return maker.snapshot(
        0,
        7,
        after_ms=61_234,
        totals=totals,
        partitions=parts,
        groups={"billing": maker.group(10)},
    )


def read_back(payload, stream):
    """What Dagster answers after it has stored this observation alone."""
    return read_last_reported(answer(payload.body), stream, None)


def answer(*bodies, run_id=""):
    """The answer of its GraphQL API, the observation that was stored last first."""
    observations = [
        {
            "runId": run_id,
            "metadataEntries": entries(json.loads(json.dumps(body["metadata"]))),
            "tags": [{"key": "dagster/data_version", "value": body["data_version"]}],
        }
        for body in bodies
    ]
    return json.dumps({"data": {"assetOrError": {"assetObservations": observations}}}).encode()


def test_the_greatest_report_of_a_life_counts_whichever_was_stored_last(maker):
    """A late one and a repeated one are no newer; a run's and a replay are none at all."""

    def body(sequence, records, life="life-1", after_ms=1_000, **more):
        snapshot = maker.snapshot(records, after_ms=after_ms, life=life)
        told = replace(report(snapshot, None), sequence=sequence)
        made = observation(told, snapshot).body
        return {**made, "metadata": {**made["metadata"], **more}}

    replayed = body(9, 90, replayed_from="2027-01-15T08:00:00.000Z")
    stored = answer(
        replayed, body(1, 5), body(2, 7), body(2, 8), body(8, 3, "life-0", 500), body(2, 7)
    )

    def found(life):
        last = read_last_reported(stored, maker.stream, life)
        return last and (last.life, last.sequence, last.arrived_total)

    assert found(None) == found("life-1") == ("life-1", 2, 8)
    assert found("life-0") == ("life-0", 8, 3)
    assert found("life-2") is None
    assert read_last_reported(answer(body(1, 5), run_id="a"), maker.stream, None) is None


def same(resumed, sent):
    """Whether a report that was read back is the one that was sent, but for its own period."""
    period = {
        "start_ms": sent.end_ms,
        "difference": sent.totals,
        "arrived": 0,
    }
    return resumed == replace(sent, **period)


def test_report_of_a_stream_is_read_back_whole(maker, rich):
    """Totals with every histogram and group, positions, sequence and data version."""
    first = report(maker.snapshot(after_ms=1_000), None)
    sent = report(rich, first)
    assert sent.sequence == 2
    last = read_back(observation(sent, rich), maker.stream)
    assert same(resumed_report(last, maker.asset_key), sent)


def test_report_of_a_dead_letter_topic_is_read_back_whole(maker):
    """It has fewer counts."""
    letters = Totals(
        dead_letters=7,
        retrying=4,
        causes={"1" * 16: 5, "2" * 16: 1},
        other_causes=1,
        death_ages=maker.histogram([1, 5_000]),
        append_to_death=maker.histogram([4_000]),
        undecodable=2,
        lost=1,
    )
    base = maker.snapshot(0, 7, after_ms=61_234)
    view = replace(base.dead_letters[0], totals=letters)
    sent = dead_letter_report(base, view, None)
    last = read_back(dead_letter_observation(sent, view), maker.stream)
    assert same(resumed_report(last, maker.letters_key), sent)


def test_report_of_a_life_without_a_record_is_read_back_whole(maker):
    """Nothing was counted, and that is known."""
    snapshot = maker.snapshot(after_ms=1_000)
    sent = report(snapshot, None)
    last = read_back(observation(sent, snapshot), maker.stream)
    assert same(resumed_report(last, maker.asset_key), sent)


def test_report_that_another_version_wrote_is_read_as_far_as_it_goes(maker, rich):
    """A count that it did not have is zero, one that is not known here is passed over."""
    sent = report(rich, None)
    last = read_back(observation(sent, rich), maker.stream)
    detail = json.loads(json.dumps(last.detail))
    del detail["totals"]["lost"]
    detail["totals"]["from_tomorrow"] = 12
    detail["totals"]["groups"][0]["from_tomorrow"] = {"a": 1}
    resumed = resumed_report(replace(last, detail=detail), maker.asset_key)
    assert same(resumed, replace(sent, totals=replace(sent.totals, lost=0)))


def test_report_without_data_version_is_read_back(maker, rich):
    """It has none to compare with."""
    sent = report(rich, None)
    last = replace(read_back(observation(sent, rich), maker.stream), data_version=None)
    assert resumed_report(last, maker.asset_key).data_version == ""


@pytest.mark.parametrize(
    "change",
    [
        {"detail": None},
        {"detail": {}},
        {"detail": {"totals": {}}},
        {"detail": {"totals": {}, "positions": {}}},
        {"detail": {"totals": [], "positions": {"rows": []}}},
        {"detail": {"totals": {"arrival_ages": 3}, "positions": {"rows": []}}},
        {"detail": {"totals": {"arrival_ages": {"buckets": "1:2"}}, "positions": {"rows": []}}},
        {"detail": {"totals": {"records": "300"}, "positions": {"rows": []}}},
        {"detail": {"totals": {"event_times": 3}, "positions": {"rows": []}}},
        {"detail": {"totals": {"groups": [{}]}, "positions": {"rows": []}}},
        {"detail": {"totals": {}, "positions": {"rows": [[0, 1]]}}},
        {"detail": {"totals": {}, "positions": {"rows": 4}}},
        {"period_end": "?"},
        {"period_end": "yesterday"},
    ],
)
def test_what_is_not_whole_is_no_report(maker, rich, change):
    """Somebody else has written it, or a limit has cut it."""
    last = read_back(observation(report(rich, None), rich), maker.stream)
    assert resumed_report(replace(last, **change), maker.asset_key) is None


@pytest.mark.parametrize("buckets", ["1:2 x:3", "1:", "226:1", "1:2…", "4:99999999999999999999"])
def test_histogram_that_was_cut_or_is_another_is_no_report(maker, rich, buckets):
    """Its counts would be wrong."""
    last = read_back(observation(report(rich, None), rich), maker.stream)
    ages = {"sum_ms": 5, "buckets": buckets}
    detail = {**last.detail, "totals": {**last.detail["totals"], "arrival_ages": ages}}
    assert resumed_report(replace(last, detail=detail), maker.asset_key) is None


def resume(maker, snapshot, sent, topic=None):
    """The report of a process that finds this one in Dagster; and the asset it speaks of."""
    asset = ReportedAsset(maker.stream, topic)
    asset.offer(snapshot)
    assert asset.follows
    asset.resume(sent)
    assert not asset.follows
    attempt = asset.begin(0.0)
    asset.settle(attempt, Accepted())
    return attempt.report


def test_the_next_report_follows_the_one_that_dagster_has(maker):
    """With the next sequence, and what came since, the time without the process included."""
    before = maker.snapshot(100, after_ms=10_000)
    sent = report(before, report(maker.snapshot(40, after_ms=5_000), None))
    last = read_back(observation(sent, before), maker.stream)
    after = maker.snapshot(130, after_ms=90_000, resumed=True)
    told = resume(maker, after, resumed_report(last, maker.asset_key))
    assert (told.sequence, told.arrived, told.arrived_total) == (3, 30, 130)
    assert (told.start_ms, told.end_ms) == (sent.end_ms, maker.start_ms + 90_000)
    assert told.difference.arrival_ages == maker.histogram([100] * 30)


def test_data_version_stays_if_nothing_has_come_since(maker):
    """A restart is no new data."""
    before = maker.snapshot(100, after_ms=10_000)
    sent = report(before, None)
    last = read_back(observation(sent, before), maker.stream)
    part = replace(before.partitions[0], next_offset=101)
    after = maker.snapshot(100, after_ms=90_000, partitions=(part,), resumed=True)
    told = resume(maker, after, resumed_report(last, maker.asset_key))
    assert (told.sequence, told.arrived, told.data_version) == (2, 0, sent.data_version)


def test_dead_letters_are_followed_as_well(maker):
    """Their topic has a sequence of its own."""
    before = maker.snapshot(0, 4, after_ms=10_000)
    sent = dead_letter_report(before, before.dead_letters[0], None)
    last = read_back(dead_letter_observation(sent, before.dead_letters[0]), maker.stream)
    after = maker.snapshot(9, 6, after_ms=90_000, resumed=True)
    told = resume(maker, after, resumed_report(last, maker.letters_key), "dlq")
    assert (told.sequence, told.arrived, told.arrived_total) == (2, 2, 6)


@pytest.mark.parametrize("restarts", [1, 2])
def test_a_group_that_is_not_found_again_yet_is_told_as_it_was(maker, restarts):
    """A pattern finds it later, maybe after a further restart, and it goes on from there."""
    groups = {"g": maker.group_totals([1] * 5)}
    last = report(maker.snapshot(totals=Totals(records=100, groups=groups)), None)
    for number in range(restarts):
        without = maker.snapshot(totals=Totals(records=130), after_ms=90_000 + number, resumed=True)
        last = resume(maker, without, last)
        assert last.totals.groups == groups
        assert last.difference.groups == {}
    found = Totals(records=130, groups={"g": maker.group_totals([1] * 6)})
    told = resume(maker, maker.snapshot(totals=found, after_ms=95_000, resumed=True), last)
    assert told.difference.groups["g"].committed == 1
    assert told.sequence == 2 + restarts


def test_a_group_that_is_found_again_goes_on_from_the_last_report_that_knew_it(maker):
    """Whenever that is; what it has done since then is the difference, and the life goes on."""

    def after(records, seconds, **groups):
        totals = Totals(records=records, groups=groups)
        return maker.snapshot(totals=totals, after_ms=seconds * 1_000, resumed=1)

    known = {"early": maker.group_totals([1] * 5), "late": maker.group_totals([1] * 7)}
    asset = ReportedAsset(maker.stream)
    asset.offer(after(110, 90, early=maker.group_totals([1] * 6)))
    asset.resume(report(maker.snapshot(totals=Totals(records=100, groups=known)), None))
    assert asset.ahead_of is None
    told = []
    for snapshot in (
        None,
        after(120, 150, early=maker.group_totals([1] * 6)),
        after(130, 210, early=maker.group_totals([1] * 8), late=maker.group_totals([1] * 9)),
        after(130, 270, early=maker.group_totals([1] * 8), late=maker.group_totals([1] * 9)),
        after(
            140,
            330,
            early=maker.group_totals([1] * 8),
            late=maker.group_totals([1] * 11),
            new=maker.group_totals([1] * 2),
        ),
    ):
        if snapshot is not None:
            asset.offer(snapshot)
        attempt = asset.begin(0.0)
        asset.settle(attempt, Accepted())
        told.append(attempt.report)
    assert [each.sequence for each in told] == [2, 3, 4, 5, 6]
    differences = [{n: g.committed for n, g in each.difference.groups.items()} for each in told]
    assert [{n: count for n, count in each.items() if count} for each in differences] == [
        {"early": 1},
        {},
        {"early": 2, "late": 2},
        {},
        {"late": 2, "new": 2},
    ]


@pytest.mark.parametrize("found", ["at once", "later"])
def test_a_group_of_which_less_is_stored_than_was_told_ends_the_life(maker, found):
    """Its commits of the last moments are lost, though all the records are there."""
    known = {"g": maker.group_totals([1] * 7)}
    asset = ReportedAsset(maker.stream)
    fewer = Totals(records=100, groups={"g": maker.group_totals([1] * 6)})
    totals = fewer if found == "at once" else Totals(records=100)
    asset.offer(maker.snapshot(totals=totals, after_ms=90_000, resumed=1))
    asset.resume(report(maker.snapshot(totals=Totals(records=100, groups=known)), None))
    if found == "later":
        asset.settle(asset.begin(0.0), Accepted())
        assert asset.ahead_of is None
        asset.offer(maker.snapshot(totals=fewer, after_ms=95_000, resumed=1))
    asset.begin(0.0)
    assert asset.ahead_of == "life-1"


@pytest.mark.parametrize("why", ["nothing", "another life", "more records"])
def test_what_cannot_be_followed_is_not(maker, why):
    """The first report of the process then covers its life from the beginning."""
    last = {
        "nothing": None,
        "another life": report(maker.snapshot(1, life="life-0"), None),
        "more records": report(maker.snapshot(131), None),
    }[why]
    told = resume(maker, maker.snapshot(130, after_ms=90_000, resumed=True), last)
    assert (told.sequence, told.arrived, told.start_ms) == (1, 130, maker.start_ms)


def test_a_life_that_this_process_began_follows_nothing(maker):
    """Nor does one that has resumed already, or has nothing to tell."""
    asset = ReportedAsset(maker.stream)
    assert not asset.follows
    asset.offer(maker.snapshot(1))
    assert not asset.follows
    asset.settle(asset.begin(0.0), Accepted())
    assert not asset.follows


def test_a_process_follows_once(maker):
    """What it tells itself afterwards it knows."""
    first = maker.snapshot(130, after_ms=90_000, resumed=True)
    asset = ReportedAsset(maker.stream)
    asset.offer(first)
    asset.resume(report(maker.snapshot(100, after_ms=10_000), None))
    asset.settle(asset.begin(0.0), Accepted())
    asset.offer(maker.snapshot(140, after_ms=95_000, resumed=True))
    assert not asset.follows
    told = asset.begin(0.0).report
    assert (told.sequence, told.arrived, instant(told.start_ms)) == (3, 10, instant(first.as_of_ms))
