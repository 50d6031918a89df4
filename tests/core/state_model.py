"""Processes, a coordinator, a network and a store that lose, delay and repeat what they may.

Everything that counts, stores and tells is the real core; only what carries it is a model.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streamgauge.core.gauge import StreamGauge, StreamPolicy
from streamgauge.core.keeping import goes_on, grown, is_own, is_same, planted
from streamgauge.core.report import report
from streamgauge.core.state.codec import decode, encode
from streamgauge.core.state.keys import group_key
from streamgauge.core.totals import Totals
from streamgauge.model import UNKNOWN, Columns, CommittedOffsets

TOPIC = "orders"
RECORDS_MAX = 40
"""Of a partition: the record at offset n has 2**n bytes, so that a sum tells which are in it."""
POLICY = StreamPolicy(
    name="orders",
    topic=TOPIC,
    asset_key=("orders",),
    groups=("g",),
    dead_letters=(),
    window_ms=60_000,
    resolution_ms=100,
    checks={},
)


@dataclass(eq=False)
class Commit:
    """A commit in flight."""

    identity: tuple[int, int]
    """Generation and member."""
    states: dict
    captured: dict
    """By place; empty where first positions are stored."""
    texts: dict = field(default_factory=dict)

    def __post_init__(self):
        self.texts = {
            place: (encode(state).text, state.position) for place, state in self.states.items()
        }


class Process:
    """One process of the gauge, as `Keeper` makes it act."""

    def __init__(self, name, now_ms):
        self.writer = f"{name:016x}"
        self.gauge = StreamGauge(POLICY, f"{name:016x}", now_ms, kept=True)
        self.member = None
        self.identity = None
        """None unless it believes to hold the group."""
        self.version = 0
        self.sent = {}
        self.doubtful = {}
        self.in_flight = None
        self.acknowledged = None
        self.resumed = None
        """Life in which Dagster was asked for the report to follow."""

    def signature(self):
        """Whose the next state is."""
        self.version += 1
        return self.writer, self.version

    def is_another(self, coordinator):
        """Whether it holds the group under an identity of which it does not know yet."""
        now = (coordinator.generation, self.member)
        return self.member == coordinator.holder is not None and self.identity != now

    def positions(self):
        """Where it reads."""
        return self.gauge.positions(TOPIC)


numbers = st.integers(0, 7)
partitions = st.integers(0, 2)
processes = st.sampled_from([0, 0, 0, 1])
"""Two that often take turns would hardly ever get anything done."""
fates = st.sampled_from(["stored", "late", "stored", "late", "unheard", "open"])
"""Of a commit, as far as it is decided at once; a late one was given up."""
few = st.integers(1, 3)


class StateModel(RuleBasedStateMachine):
    """Whatever happens in whatever order, no record is lost and none is counted twice."""

    mutant = None
    """Name of the rule that this machine breaks."""

    def __init__(self):
        super().__init__()
        self.now_ms = 1_000_000
        self.names = 0
        self.log = {0: 3, 1: 0}
        self.group_commits = {}
        self.generation, self.holder, self.members = 0, None, 0
        self.slots = {}
        self.history = {}
        """All states that a slot has ever had, by place."""
        self.furthest = {}
        """By partition: before that no record may be left out by the next life."""
        self.network = []
        self.posts = []
        """Reports that may still land."""
        self.dagster = []
        self.expired = False
        self.process = [self.new_process(), self.new_process()]

    # what the world does

    @rule(partition=partitions, count=few)
    def produce(self, partition, count):
        """Records arrive, those of partition 2 in one that was not there before."""
        self.log[partition] = min(RECORDS_MAX, self.log.get(partition, 0) + count)

    @rule(number=st.integers(0, 1))
    def kill(self, number):
        """All that was in memory is gone; what is in flight may land."""
        self.process[number] = self.new_process()

    @rule(number=st.integers(0, 1))
    def rebalance(self, number):
        """The group is given to a member; the others do not notice."""
        process = self.process[number]
        if process.member is None:
            self.join(process)
        self.generation += 1
        self.holder = process.member

    @precondition(lambda self: self.network)
    @rule(which=numbers, fate=st.sampled_from(["answered", "unheard", "lost"]))
    def deliver(self, which, fate):
        """A commit arrives at last, and its answer may get lost; or it never arrives."""
        commit = self.network.pop(which % len(self.network))
        if fate == "lost":
            return
        stored = self.land(commit)
        for process in self.process:
            if process.in_flight is commit and fate == "answered":
                self.settle(process, commit, stored=stored)

    @precondition(lambda self: self.posts)
    @rule(which=numbers, again=st.booleans())
    def land_post(self, which, again):
        """A report arrives late, and perhaps not for the last time."""
        which %= len(self.posts)
        self.dagster.append(self.posts[which] if again else self.posts.pop(which))

    @precondition(lambda self: self.slots and self.dagster and not self.expired)
    @rule()
    def expire(self):
        """Somebody deletes the group while nobody holds it."""
        self.expired = True
        self.generation += 1
        self.holder = None
        self.slots.clear()

    # what a process does

    @precondition(lambda self: any(process.is_another(self) for process in self.process))
    @rule(number=processes)
    def adopt(self, number):
        """It learns that it holds the group, and reads the slots."""
        process = self.process[number]
        if process.in_flight or not process.is_another(self):
            return
        states = {place: decode(*each) for place, each in self.slots.items()}
        doubts = {place: state for place, (_, state) in process.doubtful.items()}
        if process.sent and is_own(states, process.sent, doubts):
            for place, (captured, state) in process.doubtful.items():
                if is_same(states[place], state):
                    process.sent[place] = state
                    process.gauge.settle(captured, state)
        else:
            self.go_on_from(process, states)
        process.doubtful = {}
        process.identity = (self.generation, process.member)

    @rule(number=processes, count=few)
    def fold(self, number, count):
        """Count what is there, whoever holds the group."""
        process = self.process[number]
        for partition, at in process.positions().items():
            after = min(at + count, self.log[partition])
            self.now_ms += 100
            process.gauge.fold(records(partition, at, after, self.now_ms))
            process.gauge.answered(TOPIC, partition, self.log[partition], self.now_ms)

    @rule(number=processes, partition=partitions, count=few)
    def poll_group(self, number, partition, count):
        """See what the watched group has committed, while it goes on."""
        answer = CommittedOffsets("g", TOPIC, dict(self.group_commits), self.now_ms)
        self.process[number].gauge.offsets([answer], None)
        after = self.group_commits.get(partition, 0) + count
        self.group_commits[partition] = min(self.log.get(partition, 0), after)

    @precondition(lambda self: any(process.in_flight for process in self.process))
    @rule(number=processes)
    def give_up_waiting(self, number):
        """No answer came: the fate of the commit is unknown."""
        process = self.process[number]
        if process.in_flight is None:
            return
        if self.mutant == "same member":
            process.in_flight = None
        else:
            self.settle(process, process.in_flight, stored=False)

    @rule(number=processes, fate=st.sampled_from(["told", "told", "unanswered", "late"]))
    def tell(self, number, fate):
        """Report to Dagster; the answer, or the report, may get lost or be late."""
        process = self.process[number]
        self.now_ms += 10_000
        snapshot = process.gauge.tick(self.now_ms).snapshot
        if not snapshot.partitions:
            return
        if process.resumed != snapshot.life:
            process.acknowledged, process.resumed = self.last_told(snapshot), snapshot.life
        told = report(snapshot, process.acknowledged)
        self.check_report(told, snapshot)
        if fate == "late":
            self.posts.append(told)
            return
        self.dagster.append(told)
        if fate == "told":
            process.acknowledged = told

    @rule(number=processes, fate=fates)
    def work(self, number, fate):
        """Count what is there, and store first positions or all that was counted."""
        self.fold(number, 3)
        process = self.process[number]
        if process.identity is None or process.in_flight:
            return
        states, captured = self.first_states(process), {}
        if not states:
            captured = {
                (each.topic, each.partition): each
                for each in process.gauge.capture(before_ms=self.now_ms)
            }
            states = {
                place: grown(each, self.now_ms, process.signature()).state
                for place, each in captured.items()
            }
        elif self.mutant == "no plant":
            self.began(process, states)
            return
        if states:
            process.in_flight = Commit(process.identity, states, captured)
            self.network.append(process.in_flight)
            self.decide(number, process.in_flight, fate)

    @rule(number=processes, fate=fates)
    def begin(self, number, fate):
        """Take the group over, and store first positions where there are none."""
        if self.process[number].in_flight is None:
            self.rebalance(number)
            self.adopt(number)
            self.work(number, fate)

    # how it does that

    def last_told(self, snapshot):
        """The report to follow; whoever has lost the group may know of less than it tells."""
        newest = self.dagster[-1] if self.dagster else None
        try:
            report(snapshot, newest)
        except ValueError:
            return None
        return newest

    def new_process(self):
        """One that was just started."""
        self.names += 1
        self.now_ms += 1_000
        process = Process(self.names, self.now_ms)
        if self.mutant == "from memory":
            process.gauge.keep_in_memory()
        return process

    def new_life(self):
        """A name that no other life has."""
        self.names += 1
        return f"{self.names:016x}"

    def join(self, process):
        """Under a member id that nobody has had."""
        self.members += 1
        process.member = self.members

    def go_on_from(self, process, states):
        """Forget what is in memory; where nothing is stored any more, a new life begins."""
        had, process.sent = bool(process.sent), {}
        self.now_ms += 1_000
        found = goes_on(states)
        if found is not None:
            process.sent = dict(found.states)
            process.gauge.restore(found, self.now_ms)
        elif had:
            process.gauge.begin_life_here(self.new_life(), self.now_ms)
        elif self.dagster:
            told = {(TOPIC, row.partition): row.next_offset for row in self.dagster[-1].positions}
            known = process.positions()
            process.gauge.begin_at({p: at for p, at in told.items() if p[1] not in known})

    def first_states(self, process):
        """Of the partitions that have none in this life."""
        known = process.positions()
        first = {p: 0 if known else end for p, end in self.log.items() if p not in known}
        first |= {p: at for (_, p), at in process.gauge.unstored().items()}
        return {
            (TOPIC, p): planted(None, process.gauge.life, at, process.signature())
            for p, at in first.items()
        }

    def decide(self, number, commit, fate):
        """What becomes of the one commit that a process has in flight."""
        if fate == "open":
            return
        if fate in {"stored", "unheard"}:
            self.network.remove(commit)
            stored = self.land(commit)
        if fate == "stored":
            self.settle(self.process[number], commit, stored=stored)
        else:
            self.give_up_waiting(number)

    def land(self, commit):
        """The coordinator stores a commit unless it is fenced."""
        fenced = commit.identity != (self.generation, self.holder)
        if fenced and self.mutant != "no fencing":
            return False
        for place, text in commit.texts.items():
            self.slots[place] = text
            self.check_slot(place, decode(*text))
        return True

    def settle(self, process, commit, *, stored):
        """The process learns what became of its commit, or that it cannot learn it."""
        process.in_flight = None
        if not stored:
            process.member = process.identity = None
            process.doubtful |= {
                place: (commit.captured[place], commit.states[place]) for place in commit.captured
            }
            return
        process.sent |= commit.states
        if not commit.captured:
            self.began(process, commit.states)
        for place, captured in commit.captured.items():
            process.gauge.settle(captured, commit.states[place])

    def began(self, process, states):
        """First positions are stored, or so the process believes."""
        known = process.positions()
        first = {p: s.position for (_, p), s in states.items() if p not in known}
        process.gauge.assigned(TOPIC, first)
        process.gauge.planted(states)
        for partition, at in first.items():
            self.furthest.setdefault(partition, at)

    # what always holds

    def check_slot(self, place, state):
        """It holds exactly the records from its first position on, and has never gone back."""
        start, end = state.start_position, state.position
        assert state.records == end - start
        assert state.bytes == sum(1 << offset for offset in range(start, end))
        assert state.arrival_ages.count == end - start
        past = self.history.setdefault(place, [])
        for before in past:
            if before.life == state.life:
                assert before.start_position == start
                assert before.position <= end
                assert totals_of_group(before)[1] <= totals_of_group(state)[1]
                if totals_of_group(before)[0] is not None:
                    assert first_commit(before) == first_commit(state)
        assert start <= self.furthest.get(place[1], start)
        self.furthest[place[1]] = max(end, self.furthest.get(place[1], 0))
        past.append(state)

    def check_report(self, told, snapshot):
        """It is the sum of states that were stored, and fits to all others of its life."""
        for view in snapshot.partitions:
            assert self.is_stored(told.life, view)
        assert told.totals == Totals.sum(view.totals for view in snapshot.partitions)
        for other in (*self.dagster, *self.posts):
            if other.life == told.life:
                less, more = sorted((other, told), key=size)
                assert (more.totals - less.totals) + less.totals == more.totals
                ends = {row.partition: row.next_offset for row in more.positions}
                assert all(row.next_offset <= ends[row.partition] for row in less.positions)

    def is_stored(self, life, view):
        """Whether a slot has had just this."""
        if self.mutant == "no plant" and view.next_offset == view.start_position:
            return True
        return any(
            (state.life, state.position) == (life, view.next_offset)
            and state.arrival_ages == view.totals.arrival_ages
            and state.records == view.totals.records
            for state in self.history.get((TOPIC, view.partition), ())
        )

    @invariant()
    def sequences_begin_at_one(self):
        """Each life counts its reports."""
        for told in self.dagster:
            assert told.sequence >= 1
            assert told.arrived == told.difference.records

    def teardown(self):
        """All is well again: whatever was produced since the life began is told, each once."""
        while self.network:
            self.deliver(0, "unheard")
        self.process = [self.new_process()]
        for _ in range(3):
            self.begin(0, "stored")
            while self.process[0].positions() not in ({}, self.log):
                self.work(0, "stored")
        self.tell(0, "told")
        last = self.dagster[-1]
        starts = {row.partition: row.next_offset - row.records for row in last.positions}
        assert starts.keys() == self.log.keys()
        assert all(start <= self.furthest[partition] for partition, start in starts.items())
        assert last.arrived_total == sum(self.log[p] - start for p, start in starts.items())
        of_life = [each for each in (*self.dagster, *self.posts) if each.life == last.life]
        assert max(each.arrived_total for each in of_life) == last.arrived_total


def records(partition, first, after, now_ms):
    """Live records, whose age is that at which this process has received them."""
    offsets = np.arange(first, after, dtype=np.int64)
    none = np.full(len(offsets), UNKNOWN, dtype=np.int64)
    return Columns(
        topic=TOPIC,
        partition=partition,
        next_offset=after,
        received_ms=now_ms,
        live=True,
        offsets=offsets,
        append_ms=none,
        event_ms=none * 0 + 1_000_000,
        event_time_source=np.zeros(len(offsets), dtype=np.int8),
        contexts=[None] * len(offsets),
        sampled=np.zeros(len(offsets), dtype=bool),
        tracestates={},
        byte_count=sum(1 << int(offset) for offset in offsets),
        rejected_contexts={},
        unreadable_event_times={},
    )


def size(told):
    """What grows with every later report of a life."""
    groups = told.totals.groups.values()
    return (
        len(told.positions),
        sum(row.next_offset for row in told.positions),
        len(groups),
        sum(group.committed for group in groups),
    )


def totals_of_group(state):
    """Highest commit of the watched group, and the offsets that it has moved forward."""
    group = state.groups.get(group_key("g"))
    return (None, 0) if group is None else (group.highest_commit, group.committed)


def first_commit(state):
    """Where the group was when it was seen for the first time."""
    highest, committed = totals_of_group(state)
    return None if highest is None else highest - committed
