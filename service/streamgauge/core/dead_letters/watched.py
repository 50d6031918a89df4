"""A dead letter topic that is watched: what of it is counted, and what it says of the stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.arrivals import Arrivals
from streamgauge.core.dead_letters.cause import cause_of
from streamgauge.core.dead_letters.origins import Origins
from streamgauge.core.dead_letters.recent_causes import RecentCauses
from streamgauge.core.snapshot import DeadLetterTopicView
from streamgauge.core.topic import Topic
from streamgauge.core.totals import Totals, arrival_times
from streamgauge.core.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamgauge.core.dead_letters.dead_letter import Letter
    from streamgauge.core.dead_letters.origins import Death
    from streamgauge.core.first_sightings import FirstSightings
    from streamgauge.core.gauge import DeadLetterTopic
    from streamgauge.core.snapshot import Window
    from streamgauge.model import Columns


class WatchedDeadLetters:
    """One dead letter topic of a stream.

    Args:
        policy: whose dead letters are counted here.
        window_ms: for so long one is recent.
        now_ms: when watching begins.
        kept: whether state is kept.
        sightings: trace ids that were seen on the stream's topic.
    """

    def __init__(
        self,
        policy: DeadLetterTopic,
        window_ms: int,
        now_ms: int,
        *,
        kept: bool,
        sightings: FirstSightings | None,
    ) -> None:
        self.policy = policy
        self.topic = Topic(policy.topic, now_ms, kept=kept)
        self.arrivals = Arrivals(window_ms)
        self._retrying = Arrivals(window_ms)
        self._window_ms = window_ms
        self._causes = RecentCauses(window_ms)
        self._origins = Origins(policy.own_topics, sightings)
        self._windows = Windows(window_ms, now_ms, Totals())
        self._last_window: Window | None = None
        self._seen_to: dict[int, int] = {}
        """By partition, before which offset letters were received: a restore reads some again."""

    def go_on_with(self, topic: Topic) -> None:
        """Count on in the topic as it is now: its positions may have jumped."""
        self.topic = topic
        self._origins.forget()

    def open_life(self, now_ms: int, *, is_another: bool) -> None:
        """Windows begin anew, and in another life all causes are new."""
        if is_another:
            self._causes.forget()
            self._seen_to.clear()
        totals = Totals.sum(view.totals for view in self.topic.views())
        self._causes.know(self.topic.causes.values(), are_all=not totals.other_causes)
        self._windows = Windows(self._window_ms, now_ms, totals)
        self._last_window = None

    def fold(self, columns: Columns, stream: Topic) -> None:
        """Count the records of one poll."""
        own = [row for row, letter in enumerate(columns.letters) if self.is_own(letter)]
        dead = [row for row in own if not columns.letters[row].said.retrying]
        letters = [columns.letters[row] for row in dead]
        now_ms = columns.received_ms
        self.topic.fold_dead_letters(
            columns, [cause_of(letter.said) for letter in letters], len(own) - len(dead)
        )
        seen_to = self._seen_to.get(columns.partition, 0)
        self._seen_to[columns.partition] = max(seen_to, columns.next_offset)
        fresh = [letter for letter in letters if letter.offset >= seen_to]
        again = sum(columns.letters[row].offset >= seen_to for row in own) - len(fresh)
        self.arrivals.add(len(fresh), now_ms)
        self._retrying.add(again, now_ms)
        for letter in fresh:
            self._causes.add(letter, now_ms)
        died_ms = arrival_times(columns)[dead].tolist()
        died = zip(letters, died_ms, strict=True)
        self._count(self._origins.join(died, stream, now_ms))

    def is_own(self, letter: Letter) -> bool:
        """Whether it is one of this stream's."""
        origin, policy = letter.said.original_topic, self.policy
        if origin in policy.own_topics:
            return True
        return policy.takes_unknown and origin not in policy.left_to_others

    def undecodable(self, records: int) -> None:
        """Records came that cannot be decoded: whose they are is not known."""
        if self.policy.takes_unknown:
            self.arrivals.add(records, None)

    def settle(self, stream: Topic, now_ms: int) -> None:
        """Count what has been found out of earlier dead letters."""
        self._count(self._origins.settle(stream, now_ms))

    def to_look_up(self, stream: Topic, now_ms: int) -> dict[str, dict[int, list[int]]]:
        """Offsets by topic and partition of single records that would tell an age at death."""
        return self._origins.to_look_up(stream, now_ms)

    def found(self, topic: str, partition: int, offset: int, event_ms: int | None) -> None:
        """The log was asked for the event time of this record; None: it has none."""
        self._count(self._origins.found(topic, partition, offset, event_ms))

    def _count(self, deaths: Iterable[Death]) -> None:
        ages_ms: dict[int, list[int]] = {}
        waits_ms: dict[int, list[int]] = {}
        for number, age_ms, waited_ms in deaths:
            ages_ms.setdefault(number, []).append(age_ms)
            if waited_ms is not None:
                waits_ms.setdefault(number, []).append(waited_ms)
        for number, ages in ages_ms.items():
            self.topic.fold_deaths(number, ages, waits_ms.get(number, ()))

    def poisons(self, topic: str, group: str) -> Mapping[int, int]:
        """Offsets by partition of a topic at which a record lies that is poison to a group."""
        return self._causes.poisons_of(topic, group)

    def cut(self, now_ms: int, totals: Totals, completeness: float | None) -> None:
        """Cut the window that has ended."""
        window = self._windows.cut(now_ms, totals, completeness)
        self._last_window = window or self._last_window

    def view(self, totals: Totals, now_ms: int) -> DeadLetterTopicView:
        """All that is known of it now, where the sum over its partitions is this."""
        return DeadLetterTopicView(
            topic=self.policy.topic,
            asset_key=self.policy.asset_key,
            totals=totals,
            recent=self.arrivals.recent(now_ms),
            last_arrival_ms=self.arrivals.last_ms,
            retrying_recent=self._retrying.recent(now_ms),
            causes=self._causes.views(now_ms, totals.causes),
            cause_names=self.topic.causes,
            other_recent=self._causes.other_recent(now_ms),
            new_causes=self._causes.new_causes(now_ms),
            last_window=self._last_window,
            origins=self._origins.view,
        )
