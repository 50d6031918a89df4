"""How far a consumer group is on one partition, as its answered polls tell.

1. It stands while it has something to read and its commit is the same at every answer: from the
   first answer that shows both. Nothing to read, another commit or none end that.
2. Time without answers, and an unknown lag, count as standing only if it stood before and stands
   after with the same commit: what has once come stays to be read.
3. How long it stood before its commit moved (or the distance of the answers, if it was not seen to
   stand) is a wait. The longest of the last 20 to 40 is how long its commits take, for records that
   come seldom wait for a part of the interval only. Left out are a move whose beginning nobody
   saw, and a wait that was told as a standstill, unless there are two in a row.
4. Of few waits the longest may be far below the interval: n of them, spread evenly over it, are all
   below 10,000 ** (-1 / n) of it once in 10,000 times. So what has moved n times is told to stand
   after 10,000 ** (1 / n) times the longest wait: 100 times that of 2, 10 times that of 4, 3 times
   that of 9 or more; not before 30 s, and after 15 minutes at the latest.
5. It is below its highest commit from the first answer that shows it there until one that shows it
   back; a time without any commit changes nothing about the highest.
6. An answer without a commit, where there was one, says nothing: only the third in a row means that
   the commit is gone. If it is back before, at the same offset, nothing has happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LONGEST_INTERVAL_SECONDS: Final = 300
"""A group that commits less often is taken for one that commits as often as this."""
INTERVALS: Final = 3
"""So many intervals without a commit are a standstill."""
SHORTEST_FOR_MS: Final = 30_000
LONGEST_FOR_MS: Final = 1_000 * INTERVALS * LONGEST_INTERVAL_SECONDS
"""So long is waited while nothing is known of the interval."""
GONE_ANSWERS: Final = 3
_WAITS: Final = 20
"""So many waits are forgotten together, after as many others."""
_ODDS: Final = 10_000.0
_FEWEST_WAITS: Final = 2


@dataclass(frozen=True, slots=True)
class Sample:
    """A group on one partition at one answered poll."""

    committed: int | None
    """None: it has no committed offset there."""
    lag: int | None
    """Records that it has still to read; None is unknown."""
    first_unread: int | None
    """Offset of the first of them; None where there is none, or unknown."""


def for_by_default_ms(longest_ms: int, waits: int) -> int:
    """How long a standstill must last to be told, by rule 4.

    Args:
        longest_ms: The longest wait.
        waits: Of so many.
    """
    if waits < _FEWEST_WAITS:
        return LONGEST_FOR_MS
    times: float = max(INTERVALS, _ODDS ** (1 / waits))
    return min(max(SHORTEST_FOR_MS, round(times * longest_ms)), LONGEST_FOR_MS)


class Progress:
    """What is remembered of a group on one partition: a few numbers."""

    __slots__ = (
        "_begun_unseen",
        "_left_out",
        "_missing",
        "_took",
        "_took_before",
        "answered",
        "below_answers",
        "below_moves",
        "below_since_ms",
        "committed",
        "first_unread",
        "highest",
        "is_empty",
        "known",
        "stood_since_ms",
        "waits",
    )

    def __init__(self, sample: Sample, seen_at_ms: int) -> None:
        self.committed: int | None = None
        """The last one that was answered."""
        self.is_empty = True
        """Whether it has none, by rule 6."""
        self.answered = True
        """Whether the last answer held this partition."""
        self._missing = 0
        """How many answers in a row had no commit."""
        self.known = False
        """Whether its lag is known."""
        self.first_unread: int | None = None
        self.stood_since_ms: int | None = None
        self.highest: int | None = None
        """Highest commit seen."""
        self.below_since_ms: int | None = None
        self.below_answers = 0
        """How many answers in a row have shown it below its highest commit."""
        self.below_moves = False
        """Whether they have shown more than one offset."""
        self._took = self._took_before = 0
        """The longest waits, in whole seconds, rounded up: of the last up to 20, and 20 before."""
        self.waits = 0
        """How many there were."""
        self.seen(sample, seen_at_ms, seen_at_ms)
        self._left_out = False
        """Whether the last move was a stall that was left out."""
        self._begun_unseen = sample.committed is not None and sample.lag != 0
        """Whether nobody saw since when it stands where it does."""

    @property
    def interval_ms(self) -> int | None:
        """How long its commits take while there is something to read; None before two of them."""
        if self.waits < _FEWEST_WAITS:
            return None
        return 1_000 * max(self._took, self._took_before)

    @property
    def for_ms(self) -> int:
        """How long a standstill here must last, as far as its own waits tell."""
        return for_by_default_ms(self.interval_ms or 0, self.waits)

    def seen(self, sample: Sample, seen_at_ms: int, before_ms: int) -> bool:
        """Take in an answer, the one before having come at `before_ms`.

        Returns:
            Whether the group has committed since the last answer.
        """
        committed, lag, moved = sample.committed, sample.lag, False
        self.answered = True
        if committed is None:
            self._without_commit()
        else:
            if committed != self.committed:
                moved = True
                if not self.is_empty:
                    self._moved(seen_at_ms, before_ms)
                self.below_moves = self.below_answers > 0
                self.committed, self.stood_since_ms = committed, None
            self.is_empty, self._missing = False, 0
            self._compare(committed, seen_at_ms)
        first = sample.first_unread
        self.first_unread = committed if first == committed else first  # one number, not two
        self.known = lag is not None
        if lag == 0:
            self.stood_since_ms = None
        elif lag is not None and self.stood_since_ms is None and committed is not None:
            self.stood_since_ms = seen_at_ms
        return moved

    def _without_commit(self) -> None:
        """Rule 6."""
        self._missing += 1
        if self._missing >= GONE_ANSWERS:
            self.is_empty, self.stood_since_ms = True, None
            self.below_since_ms, self.below_answers = None, 0

    def _compare(self, committed: int, seen_at_ms: int) -> None:
        """Rule 5."""
        if self.highest is None or committed >= self.highest:
            self.highest = committed
            if self.below_answers:
                self.below_since_ms, self.below_answers = None, 0
        else:
            if self.below_since_ms is None:
                self.below_since_ms = seen_at_ms
            self.below_answers += 1

    def unanswered(self) -> None:
        """An answer left this partition out."""
        self.answered, self.known, self.first_unread = False, False, None

    def set_back(self, now_ms: int) -> None:
        """The clock was set back: times that it has not reached again are moved to now."""
        if self.stood_since_ms is not None:
            self.stood_since_ms = min(self.stood_since_ms, now_ms)
        if self.below_since_ms is not None:
            self.below_since_ms = min(self.below_since_ms, now_ms)

    def _moved(self, seen_at_ms: int, before_ms: int) -> None:
        since_ms = before_ms if self.stood_since_ms is None else self.stood_since_ms
        seconds = min(max(-((since_ms - seen_at_ms) // 1_000), 1), LONGEST_INTERVAL_SECONDS)
        if self._begun_unseen:
            self._begun_unseen = False
        elif not self._left_out and 1_000 * seconds >= self.for_ms:
            self._left_out = True
        else:
            self._left_out = False
            self.waits += 1
            self._took = max(self._took, seconds)
            if self.waits % _WAITS == 0:
                self._took_before, self._took = self._took, 0
