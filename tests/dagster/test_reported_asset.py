"""Whatever becomes of reports on their way, the counts that Dagster has are right."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamgauge.core.report import report
from streamgauge.dagster.graphql import LastReported
from streamgauge.dagster.outcome import Accepted, Ambiguous, Misconfigured, Unavailable
from streamgauge.dagster.reported_asset import ReportedAsset


class Store:
    """Dagster's store: it keeps whatever arrives, twice or late as may be."""

    def __init__(self):
        self.reports = []
        self.late = []

    def newest(self):
        """What the gauge reads back."""
        if not self.reports:
            return None
        metadata = self.reports[-1]["metadata"]
        return LastReported(
            metadata["stream"],
            metadata["life"],
            metadata["sequence"],
            metadata["period_end"],
            metadata["records_total"],
        )

    def of_life(self, life):
        """The report that counts, by sequence: of equal ones the one with the greatest totals."""
        found = {}
        for body in self.reports:
            metadata = body["metadata"]
            if metadata["life"] == life:
                best = found.setdefault(metadata["sequence"], metadata)
                found[metadata["sequence"]] = max(best, metadata, key=totals)
        return found


def totals(metadata):
    """What grows with every later report."""
    return (metadata["records_total"], metadata["dead_letters_total"])


def send(asset, store, fate, now_seconds=0.0):
    """One report on its way."""
    attempt = asset.begin(now_seconds)
    if "held" in fate:
        asset.hold(attempt)
        fate = fate.removeprefix("held, ")
    body = attempt.payload.body
    outcome = {
        "accepted": Accepted(),
        "unavailable": Unavailable("HTTP 503"),
        "refused": Misconfigured("HTTP 401"),
    }.get(fate, Ambiguous("HTTP 500"))
    if fate in {"accepted", "stored", "stored twice", "stored, then cancelled"}:
        store.reports.append(body)
    if fate == "stored twice":
        store.reports.append(body)
    if fate == "late":
        store.late.append(body)
    if "cancelled" not in fate:
        asset.settle(attempt, outcome)
    return attempt


def heal(asset, store):
    """Everything that is still to be told gets through."""
    for _ in range(3):
        if asset.life_in_doubt and store.newest() is not None and asset.confirm(store.newest()):
            continue
        if asset.is_due(1e9, 0.0):
            send(asset, store, "accepted")


FATES = st.sampled_from(
    [
        *("accepted", "unavailable", "refused", "lost", "stored", "stored twice", "late"),
        *("cancelled", "stored, then cancelled"),
        *("held, unavailable", "held, lost", "held, stored", "held, late", "held, cancelled"),
    ]
)
SENDS = st.tuples(st.just("send"), FATES, st.booleans())
STEPS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, 1),
        st.one_of(SENDS, st.tuples(st.just("new life")), st.tuples(st.just("land late"))),
    ),
    max_size=20,
)
"""More records, more dead letters, and what happens then."""


def follow(maker, steps):
    """Take the steps and assert that the counts in the store are right at the end.

    The greatest totals of each life are the truth, and the differences of its sequences, which have
    no gap, add up to them.
    """
    asset, store = ReportedAsset(maker.stream), Store()
    life, records, letters, time_ms, truth = "life-1", 0, 0, 0, {}

    def publish():
        truth[life] = (records, letters)
        fields = {"life": life, "life_start_ms": maker.start_ms}
        asset.offer(maker.snapshot(records, letters, after_ms=time_ms, **fields))

    publish()
    for more_records, more_letters, (kind, *more) in steps:
        time_ms += 1_000
        records, letters = records + more_records, letters + more_letters
        publish()
        if kind == "send":
            fate, reads_back = more
            newest = store.newest()
            if not (reads_back and asset.life_in_doubt and newest and asset.confirm(newest)):
                send(asset, store, fate)
        elif kind == "new life":
            # a life whose end was never told is only given up for a second one
            heal(asset, store)
            life, records, letters = f"life-{time_ms}", 0, 0
            publish()
        elif kind == "land late" and store.late:
            store.reports.append(store.late.pop(0))
    heal(asset, store)
    store.reports += store.late
    assert asset.lives_untold == 0
    for name, final in truth.items():
        told = store.of_life(name)
        assert max(totals(metadata) for metadata in told.values()) == final
        assert sorted(told) == list(range(1, len(told) + 1))
        counted = (0, 0)
        for sequence in sorted(told):
            metadata = told[sequence]
            counted = (
                counted[0] + metadata["records"],
                counted[1] + metadata["dead_letters"],
            )
            assert counted == totals(metadata)


@settings(
    deadline=None,  # other tests run beside it
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # it is a mere function
)
@given(steps=STEPS)
def test_counts_survive_any_fate_of_reports(maker, steps):
    """Accepted, lost, stored with an error, stored twice, stored late, cancelled, in any order."""
    follow(maker, steps)


def test_counts_survive_every_sequence_of_three_fates(maker):
    """All of them, each with and without an answer to what was stored before."""
    fates = ("accepted", "unavailable", "lost", "stored", "late")
    sends = [("send", fate, reads_back) for fate in fates for reads_back in (True, False)]
    for sequence in product(sends, repeat=3):
        follow(maker, [(number + 1, 0, each) for number, each in enumerate(sequence)])


def test_only_the_newest_snapshot_waits(maker):
    """Nothing queues up: after an outage one report covers it all."""
    asset, store = ReportedAsset(maker.stream), Store()
    asset.offer(maker.snapshot(5, after_ms=1_000))
    send(asset, store, "accepted")
    for number in range(10):
        asset.offer(maker.snapshot(10 + number, after_ms=2_000 + number))
        if number % 2:
            send(asset, store, "unavailable")
    send(asset, store, "accepted")
    assert not asset.is_due(1e9, 0.0)
    first, second = (body["metadata"] for body in store.reports)
    assert (first["sequence"], second["sequence"]) == (1, 2)
    assert (second["records"], second["period_start"]) == (14, first["period_end"])


def test_a_report_that_is_held_goes_out_as_it_is_until_it_is_acknowledged(maker):
    """What else tells of it would otherwise have to be told of each newer one too."""
    asset, store = ReportedAsset(maker.stream), Store()
    asset.offer(maker.snapshot(5, after_ms=1_000))
    for number, fate in enumerate(("held, unavailable", "lost", "refused", "late", "accepted")):
        assert asset.is_due(0.0, 3_600.0)
        held = send(asset, store, fate, now_seconds=float(number))
        assert held.report.arrived_total == 5
        asset.offer(maker.snapshot(10 + number, after_ms=2_000 + number))
    assert not asset.is_due(4.0, 60.0)
    assert asset.is_due(64.0, 60.0)
    assert send(asset, store, "accepted").report.arrived == 9


def test_a_report_that_is_held_is_not_told_after_a_withdrawal(maker):
    """Nor one that is on its way then."""
    asset = ReportedAsset(maker.stream)
    asset.offer(maker.snapshot(5, after_ms=1_000))
    attempt = asset.begin(0.0)
    assert asset.is_under_way(attempt)
    asset.hold(attempt)
    asset.withdraw()
    assert not asset.is_under_way(attempt)
    assert not asset.is_due(1e9, 0.0)
    asset.offer(maker.snapshot(9, after_ms=2_000))
    assert asset.begin(0.0).report.arrived_total == 9


def test_a_report_that_is_held_gives_way_to_what_another_has_told(maker):
    """What it counts may have been told by who counted meanwhile."""
    asset = ReportedAsset(maker.stream)
    asset.offer(maker.snapshot(5, after_ms=1_000))
    asset.hold(asset.begin(0.0))
    asset.offer(maker.snapshot(50, after_ms=3_000, resumed=1))
    told = report(maker.snapshot(40, after_ms=2_000), None)
    asset.resume(told)
    following = asset.begin(1.0).report
    assert (following.sequence, following.arrived) == (told.sequence + 1, 10)


def test_end_of_a_life_is_told_before_the_next_one(maker):
    """A topic that is recreated during an outage takes no counts with it."""
    asset, store = ReportedAsset(maker.stream), Store()
    asset.offer(maker.snapshot(5, after_ms=1_000))
    send(asset, store, "unavailable")
    asset.offer(maker.snapshot(2, after_ms=2_000, life="life-2"))
    assert asset.is_due(0.0, 3_600.0)
    send(asset, store, "accepted")
    send(asset, store, "accepted")
    told = [(b["metadata"]["life"], b["metadata"]["records_total"]) for b in store.reports]
    assert told == [("life-1", 5), ("life-2", 2)]


def test_lives_beyond_the_limit_are_counted(maker):
    """Two wait at most; the one that gives way is not forgotten silently."""
    asset = ReportedAsset(maker.stream)
    for number in range(4):
        asset.offer(maker.snapshot(5, life=f"life-{number}"))
    assert asset.lives_untold == 2
    assert asset.begin(0.0).report.life == "life-2"


def test_no_report_before_positions_are_known(maker):
    """Without a data version Dagster would take it for new data, and so the next one."""
    asset = ReportedAsset(maker.stream)
    asset.offer(maker.snapshot(partitions=()))
    assert not asset.is_due(1e9, 0.0)
    letters = ReportedAsset(maker.stream, "dlq")
    letters.offer(maker.snapshot(dead_letter_partitions=()))
    assert not letters.is_due(1e9, 0.0)
    letters.offer(maker.snapshot())
    assert letters.is_due(1e9, 0.0)


def test_report_is_due_once_every_period_and_only_with_something_new(maker):
    """A snapshot that was told is not told again: that would hide that no new one comes."""
    asset, store = ReportedAsset(maker.stream), Store()
    asset.offer(maker.snapshot(1, after_ms=1_000))
    assert asset.is_due(100.0, 60.0)
    send(asset, store, "accepted", now_seconds=100.0)
    assert not asset.is_due(1_000.0, 60.0)
    asset.offer(maker.snapshot(1, after_ms=2_000))
    assert not asset.is_due(159.0, 60.0)
    assert asset.is_due(160.0, 60.0)


@pytest.mark.parametrize(
    "change",
    [
        {"life": "other"},
        {"sequence": 2},
        {"period_end": "2027-01-15T08:00:00.999Z"},
        {"arrived_total": 4},
    ],
)
def test_only_the_very_report_in_doubt_is_confirmed(maker, change):
    """An older attempt under the same sequence leaves the newer one in doubt."""
    asset, store = ReportedAsset(maker.stream), Store()
    asset.offer(maker.snapshot(5, after_ms=1_000))
    send(asset, store, "stored")
    assert not asset.confirm(replace(store.newest(), **change))
    assert asset.life_in_doubt
    assert asset.confirm(store.newest())
    assert not asset.life_in_doubt
    assert not asset.confirm(store.newest())
    assert not asset.is_due(1e9, 0.0)


def test_refusal_after_a_doubt_leaves_the_doubt(maker):
    """The report that was refused is surely not stored; the one before it still may be."""
    asset, store = ReportedAsset(maker.stream), Store()
    asset.offer(maker.snapshot(5, after_ms=1_000))
    send(asset, store, "stored")
    asset.offer(maker.snapshot(9, after_ms=2_000))
    send(asset, store, "unavailable")
    assert asset.confirm(store.newest())
    send(asset, store, "accepted")
    assert store.reports[-1]["metadata"]["records"] == 4


@pytest.mark.parametrize("fate", ["none", "accepted", "unavailable", "stored", "cancelled"])
def test_nothing_is_told_of_what_was_withdrawn(maker, fate):
    """Nor asked for: somebody else reports, and the next report follows theirs."""
    asset, store = ReportedAsset(maker.stream), Store()
    asset.offer(maker.snapshot(5, after_ms=1_000))
    if fate != "none":
        send(asset, store, "unavailable")
        send(asset, store, fate)
        asset.offer(maker.snapshot(6, after_ms=2_000))
    asset.withdraw()
    assert (asset.is_due(1e9, 0.0), asset.life_in_doubt, asset.follows) == (False, None, False)
    asset.offer(maker.snapshot(9, after_ms=9_000, resumed=1))
    assert asset.follows
    theirs = maker.snapshot(8, after_ms=8_000)
    asset.resume(replace(report(theirs, None), sequence=7))
    send(asset, store, "accepted")
    told = store.reports[-1]["metadata"]
    assert (told["sequence"], told["records"], told["records_total"]) == (8, 1, 9)


def test_report_that_was_on_its_way_when_it_was_withdrawn_is_not_followed(maker):
    """Whatever becomes of it: what the others have told since then comes after it."""
    for fate in ("accepted", "unavailable", "stored"):
        asset, store = ReportedAsset(maker.stream), Store()
        asset.offer(maker.snapshot(5, after_ms=1_000))
        send(asset, store, "stored")
        attempt = send(asset, store, "cancelled")
        asset.withdraw()
        outcome = {"accepted": Accepted(), "unavailable": Unavailable("HTTP 503")}.get(fate)
        asset.settle(attempt, outcome or Ambiguous("HTTP 500"))
        assert (asset.is_due(1e9, 0.0), asset.life_in_doubt) == (False, None)
        asset.offer(maker.snapshot(9, after_ms=9_000, resumed=1))
        asset.resume(replace(report(maker.snapshot(8, after_ms=8_000), None), sequence=7))
        assert asset.begin(0.0).report.sequence == 8


REFUSED, AWAY, UNCLEAR = Misconfigured("HTTP 403"), Unavailable("HTTP 503"), Ambiguous("HTTP 500")


@pytest.mark.parametrize(
    ("troubles", "waits"),
    [
        ((REFUSED, REFUSED, REFUSED), (True, True, False)),
        ((AWAY,) * 9, (True,) * 9),
        ((UNCLEAR,) * 9, (True,) * 9),
        ((REFUSED, AWAY, REFUSED, UNCLEAR, REFUSED), (True, True, True, True, False)),
    ],
)
def test_who_always_refuses_the_question_holds_up_no_report(maker, troubles, waits):
    """Whoever is merely away is waited for; each time that somebody is to be followed."""
    asset = ReportedAsset(maker.stream)
    for resumed in (1, 2):
        asset.offer(maker.snapshot(9, resumed=resumed))
        assert tuple(asset.waits_for_an_answer(each) for each in troubles) == waits
        asset.resume(None)
        asset.settle(asset.begin(0.0), Accepted())
