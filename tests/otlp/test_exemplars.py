"""Candidates for exemplars: bounded, in step with the histogram, each taken once."""

from __future__ import annotations

from streamgauge.otlp.exemplars import ExemplarCandidates, choose
from streamgauge.otlp.readings import arrival_series

SERIES = arrival_series("orders", "orders.placed", 0)


def test_last_record_of_a_bucket_stays(make):
    """A bucket leads to one record, the newest."""
    candidates = ExemplarCandidates("orders", 10)
    records = [make.record(1, 1500), make.record(2, 60_000), make.record(3, 1501)]
    assert candidates.offer(records) == 0
    candidates.publish()
    taken = candidates.take()
    assert set(taken[SERIES].values()) == {records[1], records[2]}


def test_nothing_is_taken_before_the_snapshot_that_holds_it(make):
    """An exemplar never stands at a histogram that does not count it yet."""
    candidates = ExemplarCandidates("orders", 10)
    candidates.offer([make.record(1)])
    assert candidates.take() == {}
    candidates.publish()
    candidates.offer([make.record(2)])
    assert [r.offset for r in candidates.take()[SERIES].values()] == [1]
    candidates.publish()
    assert [r.offset for r in candidates.take()[SERIES].values()] == [2]


def test_each_is_taken_once(make):
    """Two exports never carry the same exemplar."""
    candidates = ExemplarCandidates("orders", 10)
    candidates.offer([make.record(1)])
    candidates.publish()
    assert candidates.take()
    assert candidates.take() == {}
    candidates.publish()
    assert candidates.take() == {}


def test_record_without_an_age_is_ignored(make):
    """It is in no bucket."""
    candidates = ExemplarCandidates("orders", 10)
    assert candidates.offer([make.record(1, None)]) == 0
    assert make.record(1, None) not in candidates


def test_series_beyond_the_limit_are_dropped_and_counted(make):
    """Memory is bounded by series and buckets, however much is offered."""
    candidates = ExemplarCandidates("orders", 2)
    offered = [make.record(p, partition=p) for p in range(5)]
    assert candidates.offer(offered) == 3
    candidates.publish()
    assert candidates.offer(offered) == 3
    candidates.publish()
    assert len(candidates.take()) == 2
    assert candidates.offer(offered[3:]) == 0


def test_candidate_until_taken(make):
    """A record is known as a candidate by its address, before and after publishing."""
    candidates = ExemplarCandidates("orders", 10)
    candidates.offer([make.record(1, 10), make.record(2, 99_000)])
    assert make.record(1, 10) in candidates
    candidates.publish()
    assert make.record(2, 99_000) in candidates
    assert make.record(2, 99_000, partition=1) not in candidates
    assert make.record(3, 10) not in candidates
    candidates.take()
    assert make.record(1, 10) not in candidates


def test_chosen_exemplars_are_sorted_by_millisecond_and_value(make):
    """Prometheus refuses an exemplar that is older, or equally old and smaller."""
    buckets = {
        100: make.record(1, 5000, received_ms=20),
        50: make.record(2, 30, received_ms=20),
        70: make.record(3, 400, received_ms=10),
        20: make.record(4, 2, received_ms=20),
    }
    assert [r.offset for r in choose(buckets, 20)] == [3, 4, 2, 1]


def test_choice_is_spread_and_always_has_the_slowest(make):
    """A limited choice reaches from the slowest to the fastest bucket."""
    buckets = {position: make.record(position, position) for position in range(1, 101)}
    chosen = [r.offset for r in choose(buckets, 5)]
    assert chosen == [1, 26, 50, 75, 100]
    assert [r.offset for r in choose(buckets, 1)] == [100]
    assert choose(buckets, 0) == []
    assert choose({}, 5) == []
