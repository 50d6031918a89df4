"""The limit on series: added up, counted, and without a value that ever falls."""

from __future__ import annotations

from streamgauge.core.histogram import Histogram
from streamgauge.otlp import names
from streamgauge.otlp.readings import readings
from streamgauge.otlp.series_limit import SeriesLimit

OVERFLOW = (("stream", "orders"), ("otel.metric.overflow", True))


def by_attributes(found, descriptor):
    """Value by attributes of one metric."""
    return {r.attributes: r.value for r in found if r.descriptor is descriptor}


def test_within_the_limit_nothing_changes(make):
    """The readings pass as they are."""
    found = list(readings(make.full_snapshot()))
    kept, left_out = SeriesLimit(3).apply("orders", "life-1", found)
    assert kept == found
    assert left_out == 0


def test_beyond_the_limit_sums_and_histograms_are_added_up(make):
    """Nothing is lost: the points together still hold every record."""
    snapshot = make.snapshot(*(make.partition(p, [1000 * (p + 1)] * (p + 1)) for p in range(5)))
    kept, _ = SeriesLimit(2).apply("orders", "life-1", readings(snapshot))
    records = by_attributes(kept, names.RECORDS)
    assert len(records) == 3
    assert records[OVERFLOW] == 3 + 4 + 5
    assert sum(records.values()) == snapshot.totals.records
    ages = by_attributes(kept, names.EVENT_AGE)
    assert len(ages) == 3
    assert sum(ages.values(), Histogram()) == snapshot.totals.arrival_ages


def test_beyond_the_limit_gauges_are_left_out(make):
    """An offset cannot be added to another."""
    snapshot = make.snapshot(*(make.partition(p, []) for p in range(5)))
    offsets = [r for r in readings(snapshot) if r.descriptor is names.CURRENT_OFFSET]
    kept, left_out = SeriesLimit(2).apply("orders", "life-1", offsets)
    assert kept == offsets[:2]
    assert left_out == 3


def test_what_is_left_out_is_counted(make):
    """Each reading without a point of its own counts once."""
    snapshot = make.snapshot(*(make.partition(p, [1]) for p in range(5)))
    metrics = {r.descriptor for r in readings(snapshot)}
    by_partition = [m for m in metrics if "partition" in m.attributes]
    _, left_out = SeriesLimit(2).apply("orders", "life-1", readings(snapshot))
    assert left_out == 3 * len(by_partition)


def test_series_keeps_its_point_when_another_comes_before_it(make):
    """A cumulative value must not move into the overflow, or the overflow back out."""
    limit = SeriesLimit(2)
    limit.apply("orders", "life-1", readings(make.snapshot(*map(make.partition, (3, 5, 7)))))
    later = make.snapshot(*(make.partition(p, [1] * p) for p in (1, 3, 5, 7)))
    kept, _ = limit.apply("orders", "life-1", readings(later))
    records = by_attributes(kept, names.RECORDS)
    assert sorted(records.values()) == [3, 5, 1 + 7]
    assert records[OVERFLOW] == 1 + 7


def test_new_life_starts_anew(make):
    """Another life has other totals, so its series are admitted afresh."""
    limit = SeriesLimit(1)
    limit.apply("orders", "life-1", readings(make.snapshot(make.partition(3, []))))
    kept, left_out = limit.apply("orders", "life-2", readings(make.snapshot(make.partition(1, []))))
    assert left_out == 0
    assert OVERFLOW not in by_attributes(kept, names.RECORDS)
