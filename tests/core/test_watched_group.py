"""A watched group from poll to poll: what of an answer enters its course, and what does not."""

from __future__ import annotations

import pytest

from streamgauge.core.gauge import StreamGauge, StreamPolicy
from streamgauge.core.watched_groups import Retention
from streamgauge.model import CommittedOffsets, LogOffsets

BEGIN_MS = 1_700_000_000_000


class Course:
    """A stream with one group, polled every second; `columns` makes its records."""

    def __init__(self, columns, partitions=1, **policy):
        fields = {
            "name": "s",
            "topic": "orders",
            "asset_key": ("orders",),
            "groups": ("g",),
            "dead_letters": (),
            "window_ms": 60_000,
            "resolution_ms": 100,
            "checks": {},
        }
        self.gauge = StreamGauge(StreamPolicy(**fields | policy), "life", BEGIN_MS)
        self.gauge.assigned("orders", dict.fromkeys(range(partitions), 0))
        self.gauge.read_on(Retention(is_compacted=False))
        self.columns = columns
        self.ends = dict.fromkeys(range(partitions), 0)
        self.now_ms = BEGIN_MS

    def produce(self, records, partition=0, *, read=None, **more):
        """Records come, of which the gauge reads so many: all, if nobody says."""
        first = self.gauge.positions("orders")[partition]
        self.ends[partition] += records
        count = records if read is None else read
        event_ms = [more.pop("event_ms", self.now_ms)] * count
        made = self.columns(
            event_ms, partition=partition, first_offset=first, received_ms=self.now_ms, **more
        )
        self.gauge.fold(made)

    def answer(self, committed, ends=None):
        """One poll is answered; a second later comes the next one. The group as it is then told."""
        ends = self.ends if ends is None else ends
        log = LogOffsets("orders", dict.fromkeys(ends, 0), dict(ends), self.now_ms)
        for partition, end in self.ends.items():
            self.gauge.answered("orders", partition, end, self.now_ms)
        self.gauge.offsets([CommittedOffsets("g", "orders", committed, self.now_ms)], log)
        view = self.gauge.tick(self.now_ms).snapshot.groups["g"]
        self.now_ms += 1_000
        return view


def test_a_part_of_the_lag_is_no_slope(columns):
    """Of one of two partitions the end is not answered for a while: the lag has not halved."""
    course, slopes = Course(columns, 2), []
    for second in range(200):
        for partition in (0, 1):
            course.produce(15, partition)
        ends = {0: course.ends[0]} if 100 <= second < 113 else None
        committed = {n: max(0, end - 450) for n, end in course.ends.items()}
        view = course.answer(committed, ends)
        if second >= 95:
            assert view.lag == (450 if ends else 900)
            slopes.append((view.forecast.lag_slope, view.forecast.time_lag_slope))
            assert view.forecast.drain_seconds is None
            assert view.status.value == ("UNKNOWN" if ends else "OK")
    assert slopes == [(0, 0)] * 5 + [(None, None)] * 13 + [(0, 0)] * 87


def test_a_partition_that_was_never_committed_hides_no_growth(columns):
    """Nobody knows from where the group will read there: it is no part of what falls behind."""
    course = Course(columns, 2)
    for _ in range(100):
        course.produce(20)
        course.produce(20, 1)
        view = course.answer({0: course.ends[0] // 2, 1: None})
    assert view.forecast.lag_slope == pytest.approx(10, rel=0.02)
    assert view.forecast.time_lag_slope == pytest.approx(0.5, rel=0.05)
    assert view.status.value == "LAGGING"


@pytest.mark.parametrize("for_ms", [5_000, None])
@pytest.mark.parametrize("committed_before", [True, False])
def test_a_single_step_of_the_lag_is_no_growth(columns, for_ms, committed_before):
    """A partition comes that is always a few records behind, and the others are so too."""
    course, told = Course(columns, 2, status_for_ms=for_ms), set()
    for second in range(300):
        course.produce(15)
        if second >= 150:
            course.produce(15, 1)
        behind = 2 + second // 4 % 5 if second >= 80 else 0
        committed = {n: max(0, end - behind) for n, end in course.ends.items()}
        if not committed_before and second < 152:
            committed[1] = None
        told.add(course.answer(committed).status.value)
    assert told <= {"OK", "UNKNOWN"}


def test_more_to_read_because_more_comes_is_no_lagging(columns):
    """The group reads all within 2 s; twice as much comes each minute."""
    course, told = Course(columns), set()
    ends = [0, 0]
    for second in range(400):
        course.produce(10 + second // 4)
        ends.append(course.ends[0])
        told.add(course.answer({0: ends[-3]}).status.value)
    assert told == {"OK"}


@pytest.mark.parametrize("share", [0.5, 0.8, 0.9])
def test_a_group_that_falls_behind_is_lagging(columns, share):
    """It commits each 5 s and passes this share of what comes."""
    course, told, committed = Course(columns), [], 0
    for second in range(200):
        course.produce(20)
        if second % 5 == 0:
            committed = int(share * course.ends[0])
        told.append(course.answer({0: committed}).status.value)
    assert set(told[100:]) == {"LAGGING"}


def test_a_partition_that_is_left_out_is_unknown_for_that_answer(columns):
    """It has neither lost its commit nor moved when it is back."""
    course, told = Course(columns, 2, status_for_ms=5_000), []
    for second in range(12):
        if second < 2:
            course.produce(10, 0)
            course.produce(10, 1)
        view = course.answer({0: 5} if second == 8 else {0: 5, 1: 7})
        told.append("".join(part.status.value[0:3] + " " for part in view.partitions.values()))
    assert told == ["OK OK "] * 5 + ["STO STO "] * 3 + ["STO UNK "] + ["STO STO "] * 3


def test_what_the_gauge_reads_again_is_not_what_comes(columns):
    """It catches up at 500 records a second while nothing is produced, and then 7 come each."""
    course, paces = Course(columns), []
    course.produce(5_000, read=0)
    for second in range(30):
        if second < 10:
            course.ends[0] -= 500
            course.produce(500, live=False)
        else:
            course.produce(7)
        pace = course.answer({0: course.ends[0]}).pace
        paces.append((pace.in_per_second, pace.out_per_second))
    assert set(paces[:14]) == {(None, None)}
    assert paces[14] == (7.0, 7.0)
    assert paces[-1] == (7.0, 7.0)


def test_a_group_far_behind_has_a_pace_while_the_gauge_reads_on(columns):
    """It passes what was read long ago."""
    course = Course(columns)
    course.produce(5_000, read=1_000)
    for second in range(10):
        view = course.answer({0: 20 * second})
    assert (view.pace.in_per_second, view.pace.out_per_second) == (None, 20.0)


def test_members_are_known_to_live_by_a_listing_of_the_group(columns):
    """Of itself, and while it stood already."""
    told = {}
    for names, listed_second in ((("g", "x"), 20), (("x",), 20), (("g",), 15)):
        course = Course(columns, status_for_ms=5_000)
        for second in range(30):
            course.produce(3)
            if second == listed_second:
                course.gauge.members_live(names, course.now_ms)
            view = course.answer({0: min(second, 7)})
        told[names, listed_second] = view.status.value
    assert list(told.values()) == ["STALLED", "STOPPED", "STOPPED"]
