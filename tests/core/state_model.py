"""Processes, a coordinator, a network and a store that lose, delay and repeat what they may.

Everything that counts, stores, decides and tells is the real core; only what carries it is a model.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streamgauge.core.keeping import Goes, grown, is_own, is_same, planted
from streamgauge.core.report import dead_letter_report, report
from streamgauge.core.state.codec import decode
from streamgauge.core.state.errors import StateError
from streamgauge.core.stored import StoredStream, stored_slot
from streamgauge.core.taking_over import Begins, TakingOver, ToldPosition
from streamgauge.core.totals import Totals
from streamgauge.model import CommittedOffsets

from .conftest import FAR_ENDS
from .state_world import (
    PLACES,
    RECORDS_MAX,
    TOPIC,
    TOPICS,
    Commit,
    Process,
    ages_each_once,
    first_commit,
    greatest,
    holds_exactly,
    records,
    size,
    topic_id,
    totals_of_group,
)

numbers = st.integers(0, 7)
places = st.sampled_from(PLACES)
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
        self.log = {(TOPIC, 0): 3, (TOPIC, 1): 0}
        self.incarnations = dict.fromkeys(TOPICS, 0)
        self.group_commits = {}
        self.generation, self.holder, self.members = 0, None, 0
        self.slots = {}
        self.past = [({}, {})]
        """What stood in the slots after each change, and how much of `history` there was."""
        self.history = {}
        """All states that a slot has had, by place, but for those that the coordinator lost."""
        self.ever = []
        """All states that any slot has ever had."""
        self.furthest = {}
        """By place: before that no record may be left out by the next life."""
        self.network = []
        self.posts = []
        """Reports that may still land, by topic."""
        self.dagster = {topic: [] for topic in TOPICS}
        self.causes = 0
        """How many lives may have begun for a reason."""
        self.disasters = 0
        self.process = [self.new_process(), self.new_process()]

    # what the world does

    @rule(place=places, count=few)
    def produce(self, place, count):
        """Records arrive, some in a partition or a topic that was not there before."""
        self.log[place] = min(RECORDS_MAX, self.log.get(place, 0) + count)

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
        self.store_reports(self.posts[which] if again else self.posts.pop(which))

    @precondition(lambda self: self.slots and self.disasters < 2)
    @rule(which=numbers, what=st.sampled_from(["expire", "move", "forget", "truncate", "recreate"]))
    def disaster(self, which, what):
        """Somebody or something takes the group, a slot or a topic away, while nobody holds it."""
        self.disasters += 1
        self.causes += 2
        self.generation += 1
        self.holder = None
        getattr(self, f"_{what}")(which)
        self.remember()

    def _expire(self, _):
        """The group is deleted."""
        self.lose_track_of(self.slots)
        self.slots.clear()

    def _move(self, which):
        """Another program commits to a slot, without a text."""
        place = sorted(self.slots)[which % len(self.slots)]
        self.slots[place] = ("", 1)
        self.lose_track_of([place])

    def _forget(self, which):
        """`streamgauge state reset`; one of its marks may not have been stored."""
        slots = [stored_slot(place, (at, text)) for place, (text, at) in self.slots.items()]
        marks = StoredStream(tuple(slots)).forgetting(self.nowhere(), f"{0:016x}")
        if which % 2 and len(marks) > 1:
            del marks[which % len(marks)]
        for mark in marks:
            self.slots[mark.topic, mark.partition] = (mark.text, mark.offset)
        self.allow_any_start_of(self.log)

    def _truncate(self, which):
        """A coordinator that was elected anew lacks the last commits; whoever held it has noticed.

        What was told of them has arrived by then.
        """
        while self.posts:
            self.store_reports(self.posts.pop())
        del self.past[max(1, len(self.past) - 1 - which % 3) :]
        slots, lengths = self.past[-1]
        self.lose_track_of([p for p in self.slots if p not in slots or not slots[p][0]])
        marks = [p for p, (text, at) in slots.items() if text and decode(text, at).forgotten]
        self.allow_any_start_of(marks)
        self.slots = dict(slots)
        self.history = {p: self.history.get(p, [])[:n] for p, n in lengths.items()}
        for process in self.process:
            process.silent = True

    def _recreate(self, which):
        """A topic is deleted and created again; its slots go with it, and who reads it notices."""
        topic = TOPICS[which % 2]
        if not any(of == topic for of, _ in self.log):
            return
        there = [each for each in self.log if each[0] == topic]
        forgotten = {p for p in there if self.furthest.get(self.incarnation_of(p)) == RECORDS_MAX}
        self.incarnations[topic] += 1
        self.causes += 1
        told = greatest(self.dagster[topic]) is not None
        for place in there:
            self.log[place] = 1 + which % 3
            # one that was never told of is taken for one that is watched from now on
            known = told and place not in forgotten
            self.furthest[self.incarnation_of(place)] = 0 if known else RECORDS_MAX
            self.slots.pop(place, None)
            self.history.pop(place, None)
            self.group_commits.pop(place[1], None)
        for process in self.process:
            if process.positions():
                self.now_ms += 1
                process.gauge.begin_life(self.new_life(), topic, self.now_ms)
                process.sent = {place: s for place, s in process.sent.items() if place[0] != topic}

    def lose_track_of(self, places):
        """Where nothing was told of a slot that is gone nobody knows what it held."""
        unknown = set(places) - self.told_positions().keys()
        self.allow_any_start_of(unknown)
        for place in unknown:
            self.history.pop(place, None)

    def allow_any_start_of(self, places):
        """The next life may leave anything out."""
        for place in places:
            self.furthest[self.incarnation_of(place)] = RECORDS_MAX

    # what a process does

    @precondition(lambda self: any(process.is_another(self) for process in self.process))
    @rule(number=processes, stale=few)
    def adopt(self, number, stale=1):
        """It learns that it holds the group, and reads the slots."""
        process = self.process[number]
        if process.in_flight or not process.is_another(self):
            return
        slots = self.slots
        if self.mutant == "cached coordinator":
            slots, _ = self.past[max(0, len(self.past) - 1 - stale)]
        states, lost = {}, set()
        for place, (text, at) in slots.items():
            try:
                states[place] = decode(text, at)
            except StateError:
                lost.add(place)
        doubts = {place: state for place, (_, state) in process.doubtful.items()}
        if process.sent and is_own(states, process.sent, doubts):
            for place, (captured, state) in process.doubtful.items():
                if place in states and is_same(states[place], state):
                    process.sent[place] = state
                    process.gauge.settle(captured, state)
        else:
            lost |= process.sent.keys() - states.keys()
            self.go_on_from(process, states, lost)
        process.doubtful = {}
        process.silent = False
        process.identity = (self.generation, process.member)

    @rule(number=processes, count=few)
    def fold(self, number, count):
        """Count what is there, whoever holds the group."""
        process = self.process[number]
        for place, at in process.positions().items():
            after = min(at + count, self.log[place])
            self.now_ms += 100
            process.gauge.fold(records(place, at, after, self.now_ms))
            process.gauge.answered(*place, self.log[place], self.now_ms)

    @rule(number=processes, partition=st.integers(0, 2), count=few)
    def poll_group(self, number, partition, count):
        """See what the watched group has committed, while it goes on."""
        answer = CommittedOffsets("g", TOPIC, dict(self.group_commits), self.now_ms)
        self.process[number].gauge.offsets([answer], FAR_ENDS)
        after = self.group_commits.get(partition, 0) + count
        self.group_commits[partition] = min(self.log.get((TOPIC, partition), 0), after)

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
        """Report to Dagster; the answer, or the reports, may get lost or be late."""
        process = self.process[number]
        self.now_ms += 10_000
        snapshot = process.gauge.tick(self.now_ms).snapshot
        if not snapshot.partitions or process.silent:
            return
        if process.resumed != snapshot.life:
            process.resumed = snapshot.life
            process.acknowledged = self.reports_to_follow(snapshot)
        told = self.reports(snapshot, process.acknowledged)
        self.check_reports(told, snapshot)
        if fate == "late":
            self.posts.append(told)
            return
        self.store_reports(told)
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

    def reports(self, snapshot, before):
        """The next report of each topic of which something is known."""
        told = {TOPIC: report(snapshot, before.get(TOPIC))}
        for view in snapshot.dead_letters:
            if any(part.topic == view.topic for part in snapshot.dead_letter_partitions):
                told[view.topic] = dead_letter_report(snapshot, view, before.get(view.topic))
        return told

    def store_reports(self, told):
        """Dagster has them."""
        for topic, each in told.items():
            self.dagster[topic].append(each)

    def reports_to_follow(self, snapshot):
        """Of the life that goes on; whoever has lost the group may know of less than they tell."""
        found = {topic: greatest(self.dagster[topic], snapshot.life) for topic in TOPICS}
        found = {topic: each for topic, each in found.items() if each is not None}
        try:
            self.reports(snapshot, found)
        except ValueError:
            return {}
        return found

    def told_positions(self):
        """How far the last reports had come."""
        last = {topic: greatest(self.dagster[topic]) for topic in TOPICS}
        return {
            (topic, row.partition): ToldPosition(each.life, row.next_offset, each.topic_id)
            for topic, each in last.items()
            if each is not None
            for row in each.positions
        }

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

    def nowhere(self):
        """The life of a mark where none is readable."""
        return self.new_life(), self.now_ms

    def incarnation_of(self, place):
        """A partition of a topic as it was created last."""
        return place, self.incarnations[place[0]]

    def join(self, process):
        """Under a member id that nobody has had."""
        self.members += 1
        process.member = self.members

    def go_on_from(self, process, states, lost):
        """As `Recall` does."""
        before, process.sent = process.sent, {}
        self.now_ms += 1_000
        topics = {topic for topic, _ in self.log}
        taking_over = TakingOver(states, lost, before, process.gauge.life[0], topics)
        told = {} if self.mutant == "nobody asks" else self.told_positions()
        decided = taking_over.decide(told)
        ids = {topic: each.topic_id for (topic, _), each in told.items()}
        process.known_topics = {topic for topic, _ in process.positions()}
        if isinstance(decided, Goes):
            process.sent = dict(decided.states)
            process.gauge.restore(decided, self.now_ms)
            process.known_topics = {topic for topic, _ in process.positions()}
            ids |= {topic: state.topic_id for (topic, _), state in decided.states.items()}
        elif isinstance(decided, Begins) and decided.positions is None:
            process.gauge.begin_life_here(self.new_life(), self.now_ms, after_ms=decided.after_ms)
        elif isinstance(decided, Begins):
            process.gauge.begin_life_at(
                self.new_life(), decided.positions, self.now_ms, after_ms=decided.after_ms
            )
            process.known_topics = {t for t, _ in process.positions()} | decided.recreated
        for topic in {topic for topic, _ in process.positions()} & ids.keys():
            if ids[topic] not in {None, topic_id(topic, self.incarnations[topic])}:
                process.gauge.begin_life(self.new_life(), topic, self.now_ms)

    def first_states(self, process):
        """Of the partitions that have none in this life."""
        known = process.positions()
        first = {
            place: 0 if place[0] in process.known_topics else end
            for place, end in self.log.items()
            if place not in known
        }
        first |= process.gauge.unstored()
        return {
            place: planted(
                topic_id(place[0], self.incarnations[place[0]]),
                process.gauge.life,
                at,
                process.signature(),
            )
            for place, at in first.items()
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
        self.remember()
        return True

    def remember(self):
        """What a coordinator may fall back to."""
        lengths = {place: len(states) for place, states in self.history.items()}
        self.past.append((dict(self.slots), lengths))

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
        for (topic, number), state in states.items():
            if (topic, number) not in known:
                process.gauge.assigned(topic, {number: state.position})
                process.known_topics.add(topic)
        process.gauge.planted(states)

    # what always holds

    def check_slot(self, place, state):
        """It holds exactly the records from its first position on, and has never gone back."""
        assert holds_exactly(place[0], state)
        assert ages_each_once(state)
        past = self.history.setdefault(place, [])
        for before in past:
            if before.life == state.life:
                assert before.start_position == state.start_position
                assert before.position <= state.position
                assert totals_of_group(before)[1] <= totals_of_group(state)[1]
                if totals_of_group(before)[0] is not None:
                    assert first_commit(before) == first_commit(state)
        this = self.incarnation_of(place)
        assert state.start_position <= self.furthest.get(this, state.start_position)
        if self.furthest.get(this) == RECORDS_MAX:  # anything was allowed, once
            self.furthest[this] = state.position
        self.furthest[this] = max(state.position, self.furthest.get(this, 0))
        past.append(state)
        self.ever.append((place, state))

    def check_reports(self, told, snapshot):
        """They are the sum of states that were stored, and fit to all others of their life."""
        views = (*snapshot.partitions, *snapshot.dead_letter_partitions)
        for view in views:
            assert self.is_stored(snapshot.life, view)
        assert told[TOPIC].totals == Totals.sum(view.totals for view in views)
        for topic, each in told.items():
            late = (post[topic] for post in self.posts if topic in post)
            for other in (*self.dagster[topic], *late):
                if other.life == each.life:
                    less, more = sorted((other, each), key=size)
                    assert (more.totals - less.totals) + less.totals == more.totals
                    ends = {row.partition: row.next_offset for row in more.positions}
                    assert all(row.next_offset <= ends[row.partition] for row in less.positions)

    def is_stored(self, life, view):
        """Whether a slot has had just this."""
        if self.mutant == "no plant" and view.next_offset == view.start_position:
            return True
        return any(
            place == (view.topic, view.partition)
            and (state.life, state.position) == (life, view.next_offset)
            and state.arrival_ages == view.totals.arrival_ages
            and (state.records, state.dead_letters)
            == (view.totals.records, view.totals.dead_letters)
            for place, state in self.ever
        )

    @invariant()
    def sequences_begin_at_one(self):
        """Each life counts its reports."""
        for told in self.dagster[TOPIC]:
            assert told.sequence >= 1
            assert told.arrived == told.difference.records

    @invariant()
    def lives_begin_for_a_reason(self):
        """Nobody else ends one."""
        assert len({state.life for _, state in self.ever}) <= 1 + self.causes

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
        for topic in TOPICS:
            ends = {number: end for (of, number), end in self.log.items() if of == topic}
            if ends:
                self.check_end(topic, ends, self.dagster[topic][-1])

    def check_end(self, topic, ends, last):
        """The last report tells everything from where the life began."""
        starts = {row.partition: row.next_offset - row.records for row in last.positions}
        assert starts.keys() == ends.keys()
        for partition, start in starts.items():
            assert start <= self.furthest.get(self.incarnation_of((topic, partition)), -1)
        assert last.arrived_total == sum(ends[p] - start for p, start in starts.items())
        late = [post[topic] for post in self.posts if topic in post]
        of_life = [each for each in (*self.dagster[topic], *late) if each.life == last.life]
        assert max(each.arrived_total for each in of_life) == last.arrived_total
