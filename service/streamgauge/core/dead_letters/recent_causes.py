"""The causes of recent dead letters: how many each has, what they mean and whether it is new."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from streamgauge.core.arrivals import Arrivals
from streamgauge.core.dead_letters.cause import beyond_messages, cause_of, place
from streamgauge.core.dead_letters.cause_memory import CauseMemory
from streamgauge.core.snapshot import CauseView

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamgauge.core.dead_letters.cause import CauseName
    from streamgauge.core.dead_letters.dead_letter import Letter

REMEMBERED: Final = 50
"""Causes whose dead letters are looked at; those without recent ones give way to others."""
TOLD: Final = 20
KNOWN: Final = 10_000
"""Causes that are known to be not new, the latest; one that others have pushed out is new again."""


class RecentCauses:
    """The causes of one dead letter topic.

    Args:
        span_ms: for so long a dead letter is recent.
    """

    def __init__(self, span_ms: int) -> None:
        self._span_ms = span_ms
        self.forget()

    def forget(self) -> None:
        """Another life begins: all causes are new, and addresses may be those of other records."""
        self._memories: OrderedDict[str, CauseMemory] = OrderedDict()
        """The one with the last dead letter at the end."""
        self._names: dict[str, CauseName] = {}
        self._known: OrderedDict[str, CauseName | None] = OrderedDict()
        """With the name where the totals may tell of it though it is not remembered here."""
        self._others = Arrivals(self._span_ms)
        self._new = Arrivals(self._span_ms)
        self._counted: tuple[int, list[tuple[int, CauseMemory]], int] | None = None
        self._poisons: dict[tuple[str, str | None], dict[int, int]] = {}
        self._knows_all = True

    def know(self, names: Iterable[CauseName], *, are_all: bool = True) -> None:
        """These causes were seen in this life before this process.

        Args:
            names: of the causes.
            are_all: whether there were no others; else none is called new from now on.
        """
        self._knows_all = self._knows_all and are_all
        for name in names:
            self._learn(name.key, name)

    def add(self, letter: Letter, at_ms: int) -> None:
        """Take in a dead letter that was received then."""
        cause = cause_of(letter.said)
        memory = self._memories.get(cause.key)
        if memory is None:
            memory = self._memory_for(cause, at_ms)
        self._counted = None
        self._poisons.clear()
        if memory is None:
            self._others.add(1, at_ms)
            return
        self._memories.move_to_end(memory.name.key)
        memory.add(letter, at_ms)

    def views(self, now_ms: int, totals: Mapping[str, int]) -> tuple[CauseView, ...]:
        """Causes with recent dead letters or a total, those with the most recent ones first.

        Args:
            now_ms: the present.
            totals: dead letters of this life by the key of their cause.
        """
        told = [
            (recent, memory)
            for recent, memory in self._count(now_ms)[0]
            if recent or memory.name.key in totals
        ]
        views = [
            memory.view(now_ms, recent, totals.get(memory.name.key))
            for recent, memory in told[:TOLD]
        ]
        for key in sorted(totals.keys() - self._memories.keys(), key=lambda key: -totals[key]):
            name = self._known.get(key)
            if name is not None and len(views) < TOLD:
                views.append(CauseView(*name, recent=0, total=totals[key]))
        return tuple(views)

    def other_recent(self, now_ms: int) -> int:
        """Recent dead letters of causes that `views` has no place for."""
        counted, others = self._count(now_ms)
        return others + sum(recent for recent, _ in counted[TOLD:])

    def new_causes(self, now_ms: int) -> int:
        """How many causes came within the span that had not come in this life before."""
        return self._new.recent(now_ms)

    def poisons(self) -> Mapping[tuple[str | None, str, int], int]:
        """Offset by group, original topic and partition of the last record known to be poison."""
        known: dict[tuple[str | None, str, int], int] = {}
        for memory in self._memories.values():
            known |= memory.poisons
        return known

    def poisons_of(self, topic: str, group: str) -> Mapping[int, int]:
        """Offset by partition of a topic of the last record known to be poison to a group."""
        if (topic, None) not in self._poisons:
            self._poisons[topic, None] = {}
            for (of, origin, partition), offset in self.poisons().items():
                if origin == topic:
                    self._poisons.setdefault((topic, of), {})[partition] = offset
        return self._poisons[topic, None] | self._poisons.get((topic, group), {})

    def _count(self, now_ms: int) -> tuple[list[tuple[int, CauseMemory]], int]:
        """The causes with their recent dead letters, the most first, and how many others there are.

        Asked twice at one time it says the same, which `Arrivals` does not.
        """
        if self._counted is None or self._counted[0] != now_ms:
            counted = [(each.arrivals.recent(now_ms), each) for each in self._memories.values()]
            counted.sort(key=lambda each: (each[0], each[1].last_ms), reverse=True)
            self._counted = now_ms, counted, self._others.recent(now_ms)
        return self._counted[1:]

    def _memory_for(self, cause: CauseName, at_ms: int) -> CauseMemory | None:
        """The memory for a cause that has none of its own; None where there is no room."""
        is_new = self._is_new(cause)
        if is_new:
            self._new.add(1, at_ms)
        placed = place(cause, self._names, REMEMBERED)
        if placed is None and self._make_room(at_ms):
            placed = place(cause, self._names, REMEMBERED)
        if placed is None:
            self._learn(cause.key)
            return None
        self._learn(placed.key)
        if placed.key not in self._memories:
            self._names[placed.key] = placed
            self._memories[placed.key] = CauseMemory(placed, self._span_ms, is_new=is_new)
        return self._memories[placed.key]

    def _is_new(self, cause: CauseName) -> bool:
        """Whether it has not come before, as far as is known of a class with many messages."""
        known = cause.key in self._known or beyond_messages(cause).key in self._known
        return self._knows_all and not known

    def _make_room(self, at_ms: int) -> bool:
        """Forget the cause that was silent for longest, if it has no recent dead letter."""
        key, memory = next(iter(self._memories.items()))
        if memory.last_ms > at_ms - self._span_ms:
            return False
        del self._memories[key], self._names[key]
        self._learn(key, memory.name)
        return True

    def _learn(self, key: str, name: CauseName | None = None) -> None:
        self._known[key] = name or self._known.get(key)
        self._known.move_to_end(key)
        if len(self._known) > KNOWN:
            self._known.popitem(last=False)
