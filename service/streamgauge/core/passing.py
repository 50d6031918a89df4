"""How a consumer group passes the records of a partition, as the commits that are seen tell.

1. Counting begins at the first commit that is seen: from where the group had come nobody knows.
2. A record is passed when a commit beyond it is seen for the first time, and only then; what lies
   below the highest commit and is passed again after a rewind was processed again.
3. If the answer before the one that shows a commit is missing or too old, nobody watched: when the
   records were passed is not known. So it is after an answer without a commit, and after a start.
4. What is passed before the tail has read it waits, with the time at which that was seen.
5. What retention deletes before it is passed is lost to the group: it goes on where the log begins.
   That is known only together with an answer about the group that shows it there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from streamgauge.model import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamgauge.core.worked import Worked

WAITING_COMMITS: Final = 60
"""Commits of one group and partition that wait for the tail; of more the time is forgotten."""


class Moved(NamedTuple):
    """What a commit has moved over."""

    forward: int
    """Offsets beyond the highest commit before."""
    again: tuple[int, int]
    """First offset and end of what was passed before."""


class Due(NamedTuple):
    """Records that were passed and read, and are not counted yet."""

    first: int
    end: int
    seen_at_ms: int
    """When it was seen that they were passed; UNKNOWN if nobody watched."""


@dataclass(slots=True)
class Passing:
    """Where the group is."""

    highest: int
    """Highest commit seen, or where the log begins if that lies behind it."""
    aged_to: int
    """Offset before which every record since the first commit is counted."""
    readable_from: int = 0
    """From here on records could certainly be read when the group was seen first."""
    is_aged: bool = True
    """Whether its records are aged: it has a place for them."""
    lost: int = 0
    """Records that retention has deleted before the group passed them."""
    round: int = -1
    """In which round of answers a commit was seen last; none is negative."""
    worked: Worked | None = None
    """How long its records took; None before the first."""
    _last: int | None = None
    """The commit seen last; None if nobody watched."""
    _seen_at_ms: int = UNKNOWN
    _waiting: list[tuple[int, int]] = field(default_factory=list)
    """Commits beyond `aged_to`, ascending, and when they were seen."""

    @classmethod
    def begun(cls, offset: int, seen_at_ms: int, readable_from: int) -> Passing:
        """A group of which a commit is seen for the first time."""
        passing = cls(offset, offset, readable_from)
        passing._last, passing._seen_at_ms = offset, seen_at_ms
        return passing

    @classmethod
    def stored(cls, highest: int, aged_to: int | None) -> Passing:
        """A group as it was stored: nobody has watched it since then."""
        passing = cls(highest, highest if aged_to is None else aged_to)
        if passing.aged_to < highest:
            passing._wait(highest, UNKNOWN)
        return passing

    @property
    def waits(self) -> bool:
        """Whether something that was passed is not counted yet."""
        return bool(self._waiting)

    def unseen(self) -> None:
        """The group was seen to have no commit: from where it goes on nobody knows."""
        self._last, self._seen_at_ms = None, UNKNOWN

    def seen(
        self, offset: int, seen_at_ms: int, patience_ms: int, log_start: int = 0
    ) -> Moved | None:
        """A commit was seen; None if it is the same as before.

        Args:
            offset: committed offset.
            seen_at_ms: when it was answered.
            patience_ms: an answer before this one that is older does not show when it moved.
            log_start: where the log begins; of what lies before nothing is passed again.
        """
        if log_start <= self.highest:
            offset = max(offset, log_start)
        before, since_ms = self._last, self._seen_at_ms
        self._seen_at_ms = seen_at_ms
        if before == offset:
            return None
        self._last = offset
        again = (offset if before is None else max(before, log_start), min(offset, self.highest))
        forward = offset - self.highest
        if forward > 0:
            watched = since_ms != UNKNOWN and abs(seen_at_ms - since_ms) <= patience_ms
            self._wait(offset, seen_at_ms if watched and self.is_aged else UNKNOWN)
            self.highest = offset
        return Moved(max(0, forward), again)

    def _wait(self, offset: int, seen_at_ms: int) -> None:
        waiting = self._waiting
        if len(waiting) >= WAITING_COMMITS:
            seen_at_ms = UNKNOWN
        if waiting and waiting[-1][1] == UNKNOWN == seen_at_ms:
            waiting.pop()
        waiting.append((offset, seen_at_ms))

    def due(self, up_to: int) -> Iterator[Due]:
        """What is to be counted now that the tail has read up to this offset, or never will."""
        while self._waiting and self.aged_to < up_to:
            offset, seen_at_ms = self._waiting[0]
            if offset <= up_to:
                self._waiting.pop(0)
            due = Due(self.aged_to, min(offset, up_to), seen_at_ms)
            self.aged_to = due.end
            yield due

    def overtaken(self, start: int) -> tuple[int, int]:
        """Retention has deleted what lies before this offset, which the group has not reached.

        Nothing may wait any more.

        Returns:
            First offset and end of what of that is lost: it could be read, and was not passed.
        """
        lost = max(self.highest, self.readable_from), start
        self.highest = self.aged_to = start
        if self._last is not None:
            self._last = start
        return lost

    def cut_off(self, end: int) -> None:
        """The log ends earlier now: nothing that lies behind was passed."""
        self._waiting = [(min(offset, end), at) for offset, at in self._waiting]
        self.highest, self.aged_to = min(self.highest, end), min(self.aged_to, end)
        if self._last is not None and self._last > end:
            self.unseen()
