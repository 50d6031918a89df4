"""Status of a consumer group: histories of commits and lag, and what must be told of each."""

from __future__ import annotations

import re
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.core.group_status import GroupMemory, Sample, StatusVerdict
from streamgauge.core.progress import Progress
from streamgauge.model import GroupStatus

SIGNS = {
    GroupStatus.OK: ".",
    GroupStatus.LAGGING: "L",
    GroupStatus.STALLED: "S",
    GroupStatus.STOPPED: "X",
    GroupStatus.REWOUND: "R",
    GroupStatus.EMPTY: "0",
    GroupStatus.UNKNOWN: "?",
}
TOKEN = re.compile(r"(-|\d+):(\?|\d+)(?:\+(-?\d+))?(?:/\+(-?\d+))?(?:\*(\d+))?$|~(?:\*(\d+))?$")


def samples(history):
    """One sample an answer: `commit:lag`, with `+10` at each answer, lag `/+5`, `*3` answers.

    `-` is no commit, `?` an unknown lag, `~` a partition that the answer leaves out.
    """
    told = []
    for token in history.split():
        commit, lag, step, grows, times, left_out = TOKEN.match(token).groups()
        for n in range(int(times or left_out or 1)):
            if commit is None:
                told.append(None)
                continue
            committed = None if commit == "-" else int(commit) + n * int(step or 0)
            unread = None if lag == "?" else int(lag) + n * int(grows or 0)
            told.append(Sample(committed, unread, committed if unread else None))
    return told


class Watched:
    """A group whose answers come from histories, one for each partition; the last one goes on."""

    def __init__(self, *histories):
        self.memory = GroupMemory()
        self.histories = [samples(each) for each in histories]
        self.answers = max(map(len, self.histories))

    def verdicts(self, for_s, at=None, slope=0.0, **known):
        """The verdict after each answer; answers come every second, or `at` these."""
        for n in range(self.answers):
            at_ms = int(1_000 * (at[n] if at else n)) + 1_000_000
            shown = {p: each[min(n, len(each) - 1)] for p, each in enumerate(self.histories)}
            answer = {p: each for p, each in shown.items() if each is not None}
            self.memory.seen(answer, at_ms)
            slopes = slope[n] if isinstance(slope, (list, tuple)) else slope
            for_ms = None if for_s is None else int(1_000 * for_s)
            yield self.memory.status(at_ms, for_ms, lag_slope=slopes, fresh=True, **known)


def told(for_s, histories, **known):
    """The group's statuses as signs, one for each answer."""
    return "".join(SIGNS[v.status] for v in Watched(*histories).verdicts(for_s, **known))


def last(for_s, histories, **known):
    """The verdict after the last answer."""
    return list(Watched(*histories).verdicts(for_s, **known))[-1]


STOPPED = [
    (3, ["100:5/+5*5"], "...XX", "the producer goes on"),
    (3, ["100:5*5"], "...XX", "the producer is idle"),
    (3, ["100:0*9 100:1*4"], "............X", "one unread record on an idle topic"),
    (4, ["100:5*5"], "....X", "exactly `for` is enough"),
    (4.001, ["100:5*6"], ".....X", "and one millisecond less is not"),
    (0, ["100:5*2"], ".X", "no `for` at all still takes two answers"),
    (3, ["100:5*4 110:5*4"], "...X...X", "it ends with the next commit, and can begin again"),
    (3, ["100:5*3 110:5*3 120:5*3"], ".........", "commits at exactly `for` are seen in time"),
    (3, ["100:5*2 100:0 100:5*4"], "......X", "for a moment there was nothing to read"),
    (3, ["100:5*2 100:? 100:5*2"], "..?XX", "a lag that was not known in between"),
    (3, ["100:5*2 110:? 110:5*4"], "..?...X", "but not if the commit moved meanwhile"),
    (3, ["100:?*3 100:5*4"], "???...X", "and not from when it was not known"),
    (3, ["100:0*9"], ".........", "nothing to read: an open transaction, an idle topic"),
    (3, ["100:5*2 90:5*4"], ".....X", "a commit that goes back moves too"),
    (3, ["100:5*2 -:? 100:5*4"], "..?XXXX", "one answer without a commit, and it is back"),
    (3, ["100:5*2 -:?*2 100:5*3"], "..??XXX", "two of them"),
    (3, ["100:5*2 -:?*3 100:5*4"], "..??0...X", "after three the commit was gone"),
    (3, ["100:5*2 -:? 110:5*4"], "..?...X", "one that is back at another offset has moved"),
    (3, ["100:5*5", "100:5*5"], "...XX", "all partitions stand"),
    (3, ["100:5*5", "100:0*5"], "...XX", "one stands, the others have nothing to read"),
    (3, ["100:5*8", "100:5 110:5*7"], "....XXXX", "partitions come to stand one by one"),
    (3, ["100:5*5", "-:?*5"], "...XX", "a partition without a commit changes nothing"),
    (3, ["100:5*5", "100:?*5"], "???XX", "nor does one whose lag is not known"),
    (3, ["100:5*5", "~*5"], "...XX", "nor one that was never answered"),
    (3, ["100:5*2 ~*2 100:5"], "..??X", "answers that leave the partition out"),
]  # fmt: skip

STALLED = [
    (3, ["100:5*6", "100:5+10*6"], "...SSS", "one stands, the other moves"),
    (3.001, ["100:5*6", "100:5+10*6"], "....SS", "one millisecond short of `for`"),
    (3, ["100:5*4 110:5+10*3", "100:5+10*7"], "...S...", "it ends with its next commit"),
    (3, ["100:5*12", "100:5+10*5 150:0*7"], "...SSSSSSSSS", "the others have read everything"),
    (3, ["100:5*12", "100:5+10*5 140:5*7"], "...SSSSXXXXX", "then the others stand too"),
    (4, ["100:5*8", "100:5*2 110:5*6"], "....SSXX", "another moved when half of `for` was over"),
    (4.001, ["100:5*8", "100:5*2 110:5*6"], ".......X", "just before that it was stopping"),
    (3, ["100:1*6", "100:0+10*6"], "...SSS", "one record is enough"),
    (3, ["100:0*6", "100:0+10*6"], "......", "and none is nothing"),
    (3, ["100:5*6", "-:0*3 5:5+1*3"], "...SSS", "a first commit elsewhere is a move"),
    (3, ["100:5*6", "~*2 5:5+1*4"], "...SSS", "a partition that was added, and moves"),
    (3, ["100:5*6", "100:5+10*3 -:?*3"], "...SSS", "losing a commit is none, but it moved before"),
    (0, ["100:5*3", "100:5+10*3"], ".SS", "no `for` at all still takes two answers"),
    (3, ["100:5*2 100:0*9", "100:5+10*11"], "...........", "retention deleted what it stood at"),
]  # fmt: skip

REWOUND = [
    (4, ["100:5+10*5 60:9+10*8 140:5+10*2"], ".......RRRRRR..", "3 answers, until it is back"),
    (4, ["100:5+10*5 60:9+10*8 141:5"], ".......RRRRRR.", "or beyond"),
    (4, ["100:5+10*5 60:9+10*7 139:5+1*2"], ".......RRRRRR.", "not one record before"),
    (9, ["100:5+10*10 60:9*2 61:9"], "............R", "two offsets are enough"),
    (9, ["100:5+10*10 60:9 61:9*2"], "............R", "one after the other"),
    (9, ["100:5+10*10 60:9*3"], ".............", "three times the same is none"),
    (9, ["100:5+10*10 60:9 70:9 200:9+9*3"], "...............", "two answers are not"),
    (4, ["100:9 140:9 100:9 150:9 110:9 120:9 160:9 120:9 161:9"], ".........", "out of order"),
    (4, ["100:5+10*5 139:9 138:9 140:9 139:9 138:9 141:9"], "...........", "by one record"),
    (4, ["100:5+10*5 60:9 70:9 140:9 60:9 70:9"], "..........", "answers in a row, not in all"),
    (6, ["100:5 60:9+1*7"], "......RR", "not before it was watched for `for`"),
    (6.001, ["100:5 60:9+1*7"], ".......R", "not one millisecond before"),
    (4, ["100:5+10*5 0:999+1*90 140:5"], "......." + "R" * 88 + ".", "however long it takes"),
    (4, ["100:5+10*5 60:9 70:9 -:? 80:9"], ".......?R", "nor does an answer without a commit"),
    (4, ["100:5+10*5 60:9 70:9 -:?*3 80:9 90:9 95:9"], ".......??0..R", "three of them do"),
    (4, ["100:5+10*5 60:9 70:9 80:? 90:9"], ".......?R", "an unknown lag does not end the row"),
    (4, ["100:5+10*5 60:0+10*4"], ".......RR", "nothing to read: a compacted topic"),
    (4, ["100:5+10*5 60:9+10*4", "100:0*9"], ".......RR", "one of two partitions"),
    (4, ["100:5+10*5 60:9+10*4", "100:5*9"], "....SSSSS", "a stalled partition is worse"),
    (4, ["100:5+10*5 60:9*7"], ".........XXX", "and so is a group that has stopped"),
    (9, ["100:5+10*10 60:9*4", "0:5+1*14"], "..............", "same offset: not for 3 answers"),
]  # fmt: skip

LAGGING = [
    (3, ["100:5+10/+1*6"], 1.0, "...LLL", "it moves, and its lag grows"),
    (3.001, ["100:5+10/+1*6"], 1.0, "....LL", "for at least `for`"),
    (0, ["100:5+10/+1*3"], 1.0, ".LL", "no `for` at all still takes two answers"),
    (3, ["100:5+10/+1*6"], 0.0, "......", "within the dead band it does not"),
    (3, ["100:5+10/+1*6"], -1.0, "......", "nor if it shrinks"),
    (3, ["100:5+10/+1*6"], None, "......", "nor if nobody knows"),
    (3, ["100:5+10/+1*7"], [1, 1, None, 1, 1, 1, 1], "......L", "an unknown slope begins anew"),
    (3, ["100:5+10/+1*7"], [1, 1, 0, 1, 1, 1, 1], "......L", "and so does a slope of 0"),
    (3, ["100:0+10*6"], 1.0, "......", "nothing to read"),
    (3, ["100:5+10/+1*2 120:0 130:5+10/+1*4"], 1.0, "......L", "not all the time"),
    (4, ["100:5+10*6"], 1.0, "......", "a lag that stays did not grow"),
    (4, ["100:5+10/+1*3 130:6+10*4"], 1.0, "....L..", "its highest was half of `for` ago"),
    (4, ["100:5+10/+1*2 120:5+10*4"], 1.0, "......", "or longer: it is drained"),
    (3, ["100:900+10/+-1*9"], 1.0, ".........", "a catch-up: highest at once, then less"),
    (9, ["100:0+10*5 150:900+10/+-10*20"], 1.0, "." * 25, "a spike that is being drained"),
    (3, ["100:5/+1*6"], 1.0, "...XXX", "it does not move at all"),
    (4, ["50:0*5 50:100/+10*5", "100:5+10/+1*4 140:1 140:0*5"], 1.0, "....LLLL.X",
     "the last move is `for` ago"),
    (3, ["100:5+10/+1*6", "7:?*6"], 1.0, "??????", "nothing is said of a part of it"),
    (3, ["100:5+10/+1*6", "~*6"], 1.0, "...LLL", "but what was never committed is no part"),
    (3, ["100:5+10/+1*6", "-:?*6"], 1.0, "...LLL", "nor is what has no commit"),
    (3, ["100:5+10/+1*8", "7:0*4 7:? 7:0*3"], 1.0, "...L?LLL", "a moment of it ends nothing"),
    (3, ["100:5+10/+1*8", "7:0*4 ~ 7:0*3"], 1.0, "...L?LLL", "nor does an answer without it"),
    (3, ["100:5+10/+1*6", "7:1*6"], 1.0, "...SSS", "a stalled partition is worse"),
]  # fmt: skip

UNKNOWN_AND_EMPTY = [
    (3, ["100:?*3"], "???", "the lag is not known"),
    (3, ["100:0*3", "100:?*3"], "???", "of one partition"),
    (3, ["100:0*3", "100:0 ~ 100:0"], ".?.", "an answer without a partition"),
    (3, ["-:?*2 5:5"], "00.", "no commit yet, then the first"),
    (3, ["-:0*9"], "000000000", "nothing there, and no commit"),
    (3, ["-:9*9"], "000000000", "records, and no commit: nobody knows where it will begin"),
    (3, ["100:0*3", "-:?*3"], "...", "no commit on one partition"),
    (3, ["100:5*2 -:?*4"], "..??00", "the group was deleted, or its commits expired"),
    (3, ["100:0*2 -:? 100:0 -:?*2 100:0"], "..?.??.", "never on two empty answers"),
    (3, ["-:?*2 ~ -:?"], "00?0", "an answer that leaves it out says nothing of it"),
    (3, ["100:0*2 -:0*4"], "....00", "the log is empty as well"),
    (3, ["-:?*3", "~*3"], "000", "what was never answered is not known of"),
    (3, ["-:?*3", "7:?*3"], "???", "an unknown one"),
    (3, ["~*3"], "???", "no partition was answered"),
]


@pytest.mark.parametrize(("for_s", "histories", "expected", "why"), [*STOPPED, *STALLED, *REWOUND])
def test_what_stands_and_what_goes_back(for_s, histories, expected, why):
    """STOPPED, STALLED and REWOUND, answer by answer."""
    assert told(for_s, histories) == expected, why


@pytest.mark.parametrize(("for_s", "histories", "slope", "expected", "why"), LAGGING)
def test_what_grows(for_s, histories, slope, expected, why):
    """LAGGING, answer by answer."""
    assert told(for_s, histories, slope=slope) == expected, why


@pytest.mark.parametrize(("for_s", "histories", "expected", "why"), UNKNOWN_AND_EMPTY)
def test_what_is_not_known(for_s, histories, expected, why):
    """UNKNOWN and EMPTY, answer by answer."""
    assert told(for_s, histories) == expected, why


@pytest.mark.parametrize(
    ("histories", "listed_s", "expected", "why"),
    [
        (["100:5*40"], 12, "...SSSSS", "a member lives and makes no progress"),
        (["100:5*40"], None, "...XXXXX", "nobody knows"),
        (["100:5*40"], 11.999, "...XXXXX", "it may have left just after it was listed"),
        (["100:5*40"], -9, "...XXXXX", "listed before it stood"),
        (["100:0*2 100:5*40"], 13.999, ".....XXX", "it stands since then only"),
        (["100:5+10*40"], 12, "........", "it moves"),
        (["100:0*40"], 12, "........", "nothing to read"),
        (["100:5*6", "100:5+10*40"], None, "...SSSSS", "a group without members may move too"),
    ],
)
def test_members_that_live(histories, listed_s, expected, why):
    """They make of a group that has stopped one that is stuck, as far as they were listed since."""
    members_ms = None if listed_s is None else int(1_000_000 + 1_000 * listed_s)
    assert told(3, histories, members_ms=members_ms)[:8] == expected, why


def test_a_listing_that_is_old_says_nothing():
    """Two of them have failed since, and more: `for` is 3 s."""
    signs = told(3, ["100:5*60"], members_ms=1_012_000)
    assert signs == "..." + "S" * 35 + "X" * 22


@pytest.mark.parametrize(
    ("for_s", "histories", "at", "expected", "why"),
    [
        (3, ["100:5*4"], [0, 1, 90, 91], "..XX", "it stood before and after: so it stood"),
        (3, ["100:5*2 200:5*4"], [0, 1, 90, 91, 92, 93], ".....X", "it moved: since the answer"),
        (3, ["100:0*2 100:5*4"], [0, 1, 90, 91, 92, 93], ".....X", "nobody knows since when"),
        (3, ["100:5*2 100:0 100:5*2"], [0, 1, 90, 91, 92], ".....", "nothing to read after it"),
        (3, ["100:5*6"], [100, 102, 50, 51, 52, 53], ".....X", "the clock was set back"),
        (3, ["100:5*4"], [100, 103, 50, 53], ".X.X", "and what it has not reached is now"),
        (3, ["100:5*6", "1:5+1*6"], [100, 103, 50, 51, 52, 53], ".S...S", "of all partitions"),
        (3, ["1:9 2:9 3:9 1:9 2:9 2:9 2:9"], [100, 101, 102, 103, 50, 51, 53], "......X",
         "of a rewind"),
        (3, ["100:5 110:5*3"], [100, 103, 50, 53], "...X", "of the last move"),
        (3, ["100:0+10*3 60:0*3"], [100, 101, 102, 103, 50, 53], ".....R", "below since now"),
        (3, ["100:0+10*3 60:0*3"], [100, 101, 102, 103, 50, 52.9], "......", "and not before"),
        (3, ["10:9+1*5 1:9 2:9 3:9"], [100, 101, 102, 103, 104, 105, 50, 52.9], "........",
         "of the time that is watched"),
        (3, ["10:9+1*5 1:9 2:9 3:9"], [100, 101, 102, 103, 104, 105, 50, 53], ".......R",
         "which begins there"),
        (2, ["10:9 11:9 1:9 2:9"], [0, 2, 4, 6], "...R", "below for `for` at the second answer"),
        (2.001, ["10:9 11:9 1:9 2:9"], [0, 2, 4, 6], "....", "one millisecond less"),
    ],
)  # fmt: skip
def test_gaps_and_clocks(for_s, histories, at, expected, why):
    """Answers that came late, or at a time before the last one."""
    assert told(for_s, histories, at=at) == expected, why


@pytest.mark.parametrize(
    ("at", "expected"),
    [([100, 101, 102, 50, 51, 52.9], "......"), ([100, 101, 102, 50, 51, 53], ".....L")],
)
def test_growth_after_a_clock_was_set_back(at, expected):
    """What has not been reached again is now: `for` is 3 s."""
    assert told(3, ["100:5+10/+1*6"], at=at, slope=1.0) == expected


def test_a_peak_that_lies_ahead_is_now():
    """The highest lag was seen at the time to which the clock was set back."""
    at, grown = [100, 101, 102, 50, 52, 53.001], "100:5+10/+1*3 130:7+10*3"
    assert told(3, [grown], at=at, slope=1.0) == "......"
    assert told(3, [grown], at=[*at[:4], 51, 51.5], slope=1.0) == "......"
    assert told(2.5, [grown], at=[100, 101, 102, 50, 51, 51.25], slope=1.0) == "......"


def moves(every_s, times, lag=5):
    """A partition that commits so often, answered every second."""
    return " ".join(f"{100 + 10 * n}:{lag}*{every_s}" for n in range(times))


@pytest.mark.parametrize(
    ("histories", "stands", "why"),
    [
        (["100:5*999"], 900, "a group that was never seen to move: 15 minutes"),
        ([moves(1, 13) + " 999:5*400"], 30, "30 s are the least"),
        ([moves(10, 13) + " 999:5*400"], 30, "3 intervals of 10 s"),
        ([moves(11, 13) + " 999:5*400"], 33, "3 intervals of 11 s"),
        ([moves(60, 13) + " 999:5*400"], 180, "a group that commits once a minute"),
        ([moves(100, 13) + " 999:5*400"], 300, "once every 100 s"),
        ([moves(400, 13) + " 999:5*999"], 900, "an interval longer than 5 minutes is taken for 5"),
        ([moves(1, 2) + " 999:5*999"], 900, "the first has no beginning, and one is not enough"),
        ([moves(1, 3) + " 999:5*400"], 100, "100 times the longest of two"),
        ([moves(1, 4) + " 999:5*400"], 30, "30 s from the third on, if they are of a second"),
        ([moves(2, 4) + " 999:5*400"], 44, "if they are of two, 22 times"),
        ([moves(20, 5) + " 999:5*400"], 200, "10 times the longest of four"),
        ([moves(20, 9) + " 999:5*400"], 64, "3 times and a little of eight"),
        ([moves(20, 10) + " 999:5*400"], 60, "3 times from the ninth on"),
        (["1:0 10:5 20:5*999"], 100, "unless the group had read all when the watch began"),
        (["1:0 20:5*999"], 900, "for one is not enough"),
        (["-:0 1:5 10:5 20:5*400"], 100, "or had no commit yet"),
        (["1:? 1:5 10:5 20:5*999"], 900, "but not if nobody knows what it had to read"),
        ([moves(50, 12) + " 900:5*5 910:5*400"], 150, "one early commit changes nothing"),
        ([moves(1, 19) + " 700:5*17 " + moves(1, 18) + " 999:5*99"], 51, "the longest of 38"),
        ([moves(1, 19) + " 700:5*17 " + moves(1, 20) + " 999:5*99"], 51, "the longest of 40"),
        ([moves(1, 19) + " 700:5*17 " + moves(1, 21) + " 999:5*99"], 30, "and no more"),
        ([moves(1, 13) + " 300:5*29 310:5*400"], 87, "it took 29 s once"),
        ([moves(1, 13) + " 300:5*30 310:5*400"], 30, "a stall of 30 s is left out"),
        ([moves(1, 13) + " 300:5*300 310:5*400"], 30, "and so is one of 5 minutes"),
        ([moves(20, 13) + " 300:5*59 310:5*400"], 177, "but not what is no stall"),
        ([moves(20, 13) + " 300:5*60 310:5*400"], 60, "as 3 intervals are"),
        ([moves(1, 13) + " 300:5*40 310:5*50 320:5*400"], 150, "two in a row are how it is"),
        ([moves(1, 13) + " 300:5*40 310:5 320:5*50 330:5*400"], 30, "two apart are not"),
        ([moves(1, 13) + " 700:5*40 710:5*40 720:5*130 730:5*400"], 120, "then 130 s are"),
        ([moves(20, 13, 0) + " 999:5*400"], 30, "an idle topic has no interval: it had read all"),
        ([moves(60, 13) + " 999:5*400", "100:5*1180"], 180, "one that does not know its own"),
    ],
)  # fmt: skip
def test_for_by_default(histories, stands, why):
    """30 s, and 3 times the commit interval; every row ends with a group that stands.

    While few moves were seen it may be a part of the interval only, and `for` is longer.
    """
    signs = told(None, histories)
    assert signs[-1] in "XS", why
    begun = len(signs) - len(samples(histories[0].split()[-1]))
    assert signs[begun:].lstrip(".S") == "X" * len(signs[begun + stands :]), why


@pytest.mark.parametrize("interval_s", [60, 120, 300, 600])
@pytest.mark.parametrize("record_s", [7, 60, 240])
@pytest.mark.parametrize("partitions", [1, 3])
def test_a_group_whose_records_come_seldom_is_well(interval_s, record_s, partitions):
    """They wait for a part of the commit interval only, each for another one, for 12 hours."""
    rng = np.random.default_rng(interval_s + record_s + partitions)
    came = [np.cumsum(rng.exponential(record_s, 99_999 // record_s)) for _ in range(partitions)]
    memory, bad = GroupMemory(), []
    for second in range(0, 43_200, 3):
        at_ms = 1_000_000 + 1_000 * second
        committed_s = second - second % interval_s
        answer = {}
        for number, times in enumerate(came):
            commit = int(np.searchsorted(times, committed_s))
            lag = int(np.searchsorted(times, second)) - commit
            answer[number] = Sample(commit, lag, commit if lag else None)
        memory.seen(answer, at_ms)
        verdict = memory.status(at_ms, None, lag_slope=0.0, fresh=True)
        if verdict.status is not GroupStatus.OK:
            bad.append((second, verdict.reason))
    assert not bad


@pytest.mark.parametrize("every_s", [1, 5, 29, 60, 170, 290])
def test_a_group_that_commits_regularly_is_well(every_s):
    """Never anything else between two commits, however rarely they come."""
    assert set(told(None, [moves(every_s, 8), "100:0"])) == {"."}


def test_each_partition_has_a_pace_of_its_own():
    """One that commits once a minute is not stalled because others commit every second."""
    slow, quick = moves(60, 9), "1:0*300 " + moves(1, 240)
    assert set(told(None, [slow, quick, quick])) == {"."}
    assert told(None, [quick + " 9000:5*40", quick + " 9000:5+10*40"]).index("S") == 540 + 30


def test_a_partition_that_has_not_moved_yet_is_held_to_the_pace_of_the_group():
    """One that stood already when the watch began is told as soon as that pace is known."""
    assert told(None, ["7:5*99", moves(1, 99), moves(1, 99)]).index("S") == 30
    assert told(None, ["7:5*199", moves(15, 19), "1:0*9"]).index("S") == 95, "of five moves"


def test_the_interval_of_a_group_is_the_greatest_of_its_partitions():
    """It is what a look-back should span; unknown before it was seen."""
    group = Watched(moves(60, 9), moves(7, 60), moves(5, 90), "100:0*9")
    assert group.memory.commit_interval_ms is None
    assert list(group.verdicts(None))
    assert group.memory.commit_interval_ms == 60_000
    group.memory.forget()
    assert group.memory.commit_interval_ms is None


@pytest.mark.parametrize(
    ("commits", "interval_ms"),
    [
        ([(0, 5), (1, 5), (2, 5)], None),
        ([(0, 5), (1, 5), (2, 5), (3, 5)], 1_000),
        ([(0, 5), (1, 5), (2, 5), (3.001, 5)], 2_000),
        ([(0, 5), (1, 5), (1.1, 5), (1.2, 5)], 1_000),
        ([(0, 0), (500, 0), (999, 0)], 300_000),
        ([(0, 5), (1, 5), (301, 5), (601, 5)], 300_000),
        ([(0, 5), (1, 5), (300, 5), (599, 5)], 299_000),
    ],
)
def test_intervals_are_whole_seconds(commits, interval_ms):
    """Rounded up; if it had read all, the distance of the answers is all that is known."""
    progress, before_ms = None, 0
    for n, (second, lag) in enumerate(commits):
        at_ms = int(second * 1_000)
        if progress is None:
            progress = Progress(Sample(n, lag, None), at_ms)
        else:
            progress.seen(Sample(n, lag, None), at_ms, before_ms)
        before_ms = at_ms
    assert progress.interval_ms == interval_ms


@pytest.mark.parametrize(
    ("histories", "known", "reason"),
    [
        (["100:0*2"], {}, "nothing is left to read"),
        (["100:5"], {}, "it has something to read"),
        (["100:5*3"], {}, "partition 0 has stood at offset 100 for only 2 s so far"),
        (["100:0 100:5*2", "100:5*3"], {},
         "partition 1 has stood at offset 100 for only 2 s so far"),
        (["100:5 110:5*2"], {}, "partition 0 has stood at offset 110 for only 1 s so far"),
        (["100:5+10*3"], {}, "it reads on"),
        (["100:5*3", "100:5+10*3"], {}, "it reads on"),
        (["100:0*2", "-:?*2", "-:0*2"], {},
         "nothing is left to read; no offset was committed on partitions 1, 2"),
        (["-:?*2"], {}, "it has no committed offset on any partition"),
        (["100:?*2", "100:0*2", "5:?*2"], {}, "the lag of partitions 0, 2 is not known"),
        (["100:?*2"], {}, "the lag of partition 0 is not known"),
        (["100:5*6"], {},
         ("no commit has moved for 5 s while partition 0 has something to read from "
          "offset 100 on")),
        (["100:0*9 100:5*6"], {},
         ("no commit has moved for 5 s while partition 0 has something to read from "
          "offset 100 on")),
        (["100:5 110:5*8", "100:5*9", "7:5 8:5*8"], {},
         ("no commit has moved for 7 s while partition 1 has something to read from "
          "offset 100 on, and so have partitions 0, 2")),
        (["7:5+1*6", "4711:5*6", "1:5+1*6"], {},
         "partition 1 has stood at offset 4711 for 5 s while others went on"),
        (["7:5+1*6", "4711:5*6", "1:5 2:5*5"], {},
         ("partition 1 has stood at offset 4711 for 5 s while others went on, "
          "and so has partition 2")),
        (["7:5+1*6", "4711:5*6"], {"poisons": {1: 4711, 0: 4711}},
         ("partition 1 has stood at offset 4711 for 5 s while others went on "
          "(the record there is known from a dead letter)")),
        (["7:5+1*6", "4711:5*6"], {"poisons": {1: 4712, 0: 4711}},
         "partition 1 has stood at offset 4711 for 5 s while others went on"),
        (["4711:5*6"], {"members_ms": 1_012_000},
         "partition 0 has stood at offset 4711 for 5 s while members of the group live"),
        (["100:5 4711:5*5"], {"members_ms": 1_013_000},
         "partition 0 has stood at offset 4711 for 4 s while members of the group live"),
        (["100:5+10*6 60:9+10*4", "100:5+10*5 60:9+10*5"], {},
         ("partition 1 was set back below offset 140 4 s ago and has got to offset 100, "
          "and so was partition 0")),
        (["100:5+10*5 60:9+10*4"], {},
         "partition 0 was set back below offset 140 3 s ago and has got to offset 90"),
        (["9:5+1*5 5:5 1:9+1*4", "100:5+10*5 60:9+10*5"], {},
         ("partition 0 was set back below offset 13 4 s ago and has got to offset 4, "
          "and so was partition 1")),
        (["100:5+10/+1*5"], {"slope": 12.3456},
         "its lag has grown for 4 s, by 12.346 records per second now"),
    ],
)  # fmt: skip
def test_reasons(histories, known, reason):
    """What a person on call reads; `for` is 3 s."""
    assert last(3, histories, **known).reason == reason


def test_the_offset_named_is_that_of_the_first_record_that_is_left():
    """It lies beyond the commit where there are gaps; where it is unknown the commit is named."""
    for first, named in ((4_720, "4720"), (None, "4711")):
        memory = GroupMemory()
        for second in range(4):
            memory.seen({0: Sample(4_711, 9, first)}, second * 1_000)
        verdict = memory.status(3_000, 3_000, lag_slope=0.0, fresh=True)
        assert f"from offset {named} on" in verdict.reason


@pytest.mark.parametrize(
    ("history", "expected", "why"),
    [
        ("7:2*5", "+8 8 8 8 8", "known all the time"),
        ("7:2*2 7:? 7:2*2", "+8 8 ? 8 8", "a moment without it"),
        ("7:2*2 ~ 7:3*2", "+8 8 ? 9 9", "an answer that leaves it out"),
        ("7:2*2 -:? 7:3*2", "+8 8 ? 9 9", "an answer without a commit"),
        ("7:2*2 -:?*4", "+8 8 ? ? +6 6", "its commit is gone"),
        ("-:?*2 7:2*3", "+6 6 +8 8 8", "its first commit, with something to read"),
        ("-:0*2 7:0*3", "+6 6 6 6 6", "and without"),
        ("~*2 7:2*3", "+6 6 +8 8 8", "a partition that was added"),
        ("-:?*2 7:? 7:2*2", "+6 6 +? 8 8", "with nobody knows what"),
    ],
)
def test_the_lag_is_told_only_as_a_whole(history, expected, why):
    """Of all partitions with a commit; `+` where it cannot be compared with that of before."""
    group = Watched(history, "100:6*9")
    group.answers = len(group.histories[0])
    seen = []
    for _ in group.verdicts(3):
        lag = "?" if group.memory.lag is None else str(group.memory.lag)
        seen.append("+" * group.memory.begins_anew + lag)
    assert " ".join(seen) == expected, why


def test_partitions_are_judged_one_by_one():
    """Each has a status; LAGGING is the group's alone."""
    verdict = last(3, ["1:5+1*6", "7:5*6", "9:0*6", "-:?*6", "9:?*6"])
    assert "".join(SIGNS[verdict.partitions[p]] for p in range(5)) == ".S.0?"
    verdict = last(4, ["100:5+10*5 60:9+10*4", "100:0*9"])
    assert "".join(map(SIGNS.get, verdict.partitions.values())) == "R."
    verdict = last(3, ["100:5+10*5 140:5*7", "100:5*12"])
    assert "".join(map(SIGNS.get, verdict.partitions.values())) == "XS"
    assert last(3, ["100:5+10/+1*6"], slope=1.0).partitions == {0: GroupStatus.OK}


def test_since_is_when_the_status_was_first_told():
    """It stays while the status does, and is never ahead of the clock."""
    verdicts = list(Watched("100:5*6 110:5*2").verdicts(3))
    assert [v.since_ms // 1_000 - 1_000 for v in verdicts] == [0, 0, 0, 3, 3, 3, 6, 6]
    memory = GroupMemory()
    memory.seen({0: Sample(1, 0, None)}, 5_000)
    memory.status(5_000, 3, lag_slope=None, fresh=True)
    assert memory.status(4_000, 3, lag_slope=None, fresh=True).since_ms == 4_000
    assert memory.status(9_000, 3, lag_slope=None, fresh=True).since_ms == 4_000


def test_what_is_too_old_is_not_told():
    """The group and every partition are UNKNOWN, and what is remembered stays."""
    group = Watched("100:5*6", "100:5+10*6")
    before = list(group.verdicts(3))[-1]
    blind = group.memory.status(1_009_000, 3_000, lag_slope=1.0, fresh=False)
    assert blind == StatusVerdict(
        GroupStatus.UNKNOWN,
        1_009_000,
        "its committed offsets were last answered at 1970-01-01T00:16:45Z",
        {0: GroupStatus.UNKNOWN, 1: GroupStatus.UNKNOWN},
    )
    again = group.memory.status(1_010_000, 3_000, lag_slope=0.0, fresh=True)
    assert (again.status, again.since_ms) == (before.status, 1_010_000)
    assert again.reason == before.reason


def test_time_that_passes_without_an_answer_is_no_standing():
    """However late the verdict: the last answer is all that was seen."""
    memory = GroupMemory()
    for second in (0, 1, 2):
        memory.seen({0: Sample(1, 5, 1)}, second * 1_000)
    late = memory.status(999_000, 3_000, lag_slope=1.0, fresh=True)
    assert late.status is GroupStatus.OK


def test_nothing_was_answered_yet():
    """UNKNOWN, with a reason, before the first answer and after the log became another."""
    group = Watched("100:5*6", "50:5+1*6")
    for _ in range(2):
        verdict = group.memory.status(7_000, 3_000, lag_slope=None, fresh=True)
        assert (verdict.status, dict(verdict.partitions)) == (GroupStatus.UNKNOWN, {})
        assert verdict.reason == "its committed offsets were never answered yet"
        assert verdict.since_ms == 7_000
        assert [SIGNS[v.status] for v in group.verdicts(3)] == [*"...SSS"]
        group.memory.forget()
    assert told(3, ["100:5*2"]) == ".."


def test_another_log_ends_a_rewind():
    """Offsets of a topic that was recreated begin again, and that is none."""
    group = Watched("100:5+10*9")
    assert {v.status for v in group.verdicts(3)} == {GroupStatus.OK}
    group.memory.forget()
    group.histories = [samples("0:5+10*9")]
    assert {v.status for v in group.verdicts(3)} == {GroupStatus.OK}


def test_what_is_handed_in_is_only_read():
    """Samples and poisons may be shared."""
    memory = GroupMemory()
    memory.seen(MappingProxyType({0: Sample(1, 5, 1)}), 1)
    memory.status(2, None, lag_slope=1.0, fresh=True, poisons=MappingProxyType({0: 1}))


@given(
    st.lists(
        st.tuples(
            st.integers(-50_000, 90_000),
            st.lists(
                st.tuples(st.none() | st.integers(0, 4), st.none() | st.integers(0, 3)), max_size=3
            ),
        ),
        max_size=30,
    ),
    st.none() | st.integers(0, 5_000),
    st.booleans(),
)
def test_nothing_bad_is_told_before_for_has_passed(answers, for_ms, members):
    """Whatever is answered, and whatever the clock does."""
    memory, at_ms, watched_ms = GroupMemory(), 10_000_000, None
    for step_ms, partitions in answers:
        at_ms += step_ms
        memory.seen({p: Sample(c, lag, c) for p, (c, lag) in enumerate(partitions)}, at_ms)
        if partitions or watched_ms is not None:
            watched_ms = at_ms if watched_ms is None else min(watched_ms, at_ms)
        verdict = memory.status(
            at_ms,
            for_ms,
            lag_slope=float(step_ms),
            fresh=True,
            members_ms=at_ms if members else None,
        )
        assert verdict.since_ms <= at_ms
        if verdict.status not in {GroupStatus.OK, GroupStatus.UNKNOWN, GroupStatus.EMPTY}:
            assert at_ms - watched_ms >= (30_000 if for_ms is None else max(for_ms, 1))
