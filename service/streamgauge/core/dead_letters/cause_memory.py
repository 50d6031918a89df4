"""What is remembered of the dead letters of one cause."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Final

from streamgauge.core.arrivals import Arrivals
from streamgauge.core.dead_letters.burst import Runs
from streamgauge.core.dead_letters.cause import UNCLASSIFIED
from streamgauge.core.dead_letters.dead_letter import Address, Kind
from streamgauge.core.dead_letters.pattern import Seen, pattern_of
from streamgauge.core.dead_letters.verdict import verdict_of
from streamgauge.core.snapshot import CauseView
from streamgauge.core.trace_context import SAMPLED_DIGITS

if TYPE_CHECKING:
    from streamgauge.core.dead_letters.cause import CauseName
    from streamgauge.core.dead_letters.dead_letter import Letter
    from streamgauge.core.dead_letters.pattern import Identity, Pattern
    from streamgauge.core.dead_letters.verdict import Verdict

LETTERS: Final = 128
"""The last dead letters of a cause, which its verdict looks at; counts go on beyond them."""
IDENTITIES: Final = LETTERS
"""Keys and records whose times are counted: not fewer, so that those of all letters are known."""
REMEMBERED_MS: Final = 3_600_000
"""So long, or for the span if that is longer, it is known that a record had come before."""


class CauseMemory:
    """One cause: the verdict is as of its last dead letter, and stays when they are recent no more.

    Args:
        name: what it is called.
        span_ms: for so long a dead letter is recent.
        is_new: whether its first dead letter here is its first one in this life.
    """

    __slots__ = (
        "_judged",
        "_letters",
        "_remembered_ms",
        "_runs",
        "_span_ms",
        "_times",
        "arrivals",
        "first_ms",
        "is_new",
        "last_ms",
        "name",
        "sampled",
    )

    def __init__(self, name: CauseName, span_ms: int, *, is_new: bool) -> None:
        self.name = name
        self.is_new = is_new
        self.arrivals = Arrivals(span_ms)
        self.first_ms: int | None = None
        self.last_ms = 0
        self.sampled: bytes | None = None
        """The last trace context whose trace is kept."""
        self._span_ms = span_ms
        self._remembered_ms = max(span_ms, REMEMBERED_MS)
        self._letters: deque[Seen] = deque(maxlen=LETTERS)
        self._times: OrderedDict[Identity, tuple[int, int]] = OrderedDict()
        """How often each has come, and when last; the latest at the end."""
        self._runs = Runs()
        self._judged: tuple[Pattern, Verdict] | None = None

    def add(self, letter: Letter, at_ms: int) -> None:
        """Remember a dead letter that was received then."""
        said, partition, offset, _, key_hash, _, context = letter
        origin = None
        if said.original_partition is not None and said.original_offset is not None:
            origin = Address(said.original_topic, said.original_partition, said.original_offset)
        identity: Identity = key_hash if key_hash is not None else origin or (partition, offset)
        failed_ms = said.failed_at
        died_ms = at_ms if failed_ms is None else failed_ms
        run = None
        if origin is not None and failed_ms is not None:
            run = self._runs.add(origin, failed_ms, at_ms)
        self._letters.append(Seen(at_ms, died_ms, identity, origin, run, said.kind))
        times, before_ms = self._times.get(identity, (0, at_ms))
        if before_ms <= at_ms - self._remembered_ms:
            times = 0
        self._times[identity] = (times + 1, at_ms)
        self._times.move_to_end(identity)
        if len(self._times) > IDENTITIES:
            self._times.popitem(last=False)
        if context is not None and context[54] in SAMPLED_DIGITS:
            self.sampled = context
        if self.first_ms is None:
            self.first_ms = at_ms
        self.last_ms = max(self.last_ms, at_ms)
        self.arrivals.add(1, at_ms)
        self._judged = None

    @property
    def poisons(self) -> dict[tuple[str | None, str, int], int]:
        """Offset by group, topic and partition of the last record that is poison; see `verdict`."""
        pattern, verdict = self._judge()
        if verdict.kind is not Kind.POISON:
            return {}
        origins = [verdict.record]
        if pattern.kind is Kind.POISON:  # each of them by itself
            origins = [each.origin for each in self._letters if each.kind is Kind.POISON]
        group = self.name.consumer_group
        return {
            (group, topic, partition): offset
            for topic, partition, offset in (each for each in origins if each is not None)
            if topic is not None and partition is not None and offset is not None
        }

    def view(self, now_ms: int, recent: int, total: int | None) -> CauseView:
        """All that is known of it now."""
        pattern, verdict = self._judge()
        letters = list(self._letters)
        looked_at = letters[max(len(letters) - recent, 0) :]
        identities = {each.identity for each in looked_at}
        origin = pattern.top_origin if pattern.top_times > 1 else self._letters[-1].origin
        sampled = self.sampled
        is_recent = self.first_ms is not None and self.first_ms > now_ms - self._span_ms
        key, group, error_class, message = self.name
        return CauseView(
            key=key,
            consumer_group=group,
            error_class=error_class,
            message=message,
            recent=recent,
            total=total,
            kind=verdict.kind,
            reason=verdict.reason,
            identities=len(identities) + recent - len(looked_at),
            times=max(pattern.top_times, *(batch.times for batch in pattern.batches), 1),
            first_ms=self.first_ms,
            last_ms=self.last_ms,
            origin=origin,
            trace_id=None if sampled is None else sampled[3:35].decode("ascii"),
            is_new=self.is_new and is_recent,
        )

    def _judge(self) -> tuple[Pattern, Verdict]:
        if self._judged is None:
            letters, last_ms = self._letters, self.last_ms
            recent = [each for each in letters if each.at_ms > last_ms - self._span_ms]
            pattern = pattern_of(
                recent,
                {identity: times for identity, (times, _) in self._times.items()},
                list(self._runs.since(last_ms - self._remembered_ms)),
                has_more=len(recent) == LETTERS,
            )
            says_why = self.name.error_class != UNCLASSIFIED
            self._judged = pattern, verdict_of(pattern, says_why=says_why)
        return self._judged
