"""Dead letters of a stretch of a log, counted by what they have in common."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from streamgauge.core.dead_letters.cause import cause_of
from streamgauge.core.dead_letters.cause_memory import CauseMemory
from streamgauge.core.dead_letters.dead_letter import Address, Kind

if TYPE_CHECKING:
    from streamgauge.core.dead_letters.dead_letter import DeadLetter, Letter

By: TypeAlias = Literal["cause", "group", "class", "origin"]
MOST: Final = 1_000
"""Groups that are told apart; letters of further ones are counted together."""
_EVER_MS: Final = 2**60


class GroupName(NamedTuple):
    """What the letters of a group have in common; None is what they do not say, or not all."""

    consumer_group: str | None = None
    error_class: str | None = None
    message: str | None = None
    """Masked."""
    origin: str | None = None
    """Topic of the original records."""


class Place(NamedTuple):
    """Where one letter lies, and where it came from."""

    partition: int
    offset: int
    timestamp_ms: int | None
    """The record's own, which some programs copy from its origin."""
    failed_ms: int | None
    origin: Address


@dataclass(slots=True)
class LetterGroup:
    """Letters with one name."""

    name: GroupName
    first: Place
    last: Place
    count: int = 0
    kinds: Counter[Kind] = field(default_factory=Counter)
    memory: CauseMemory | None = None
    """What many letters of one cause together say, where a group is a cause."""

    def verdict(self) -> tuple[Kind, str | None]:
        """By the pattern, else what class and stage say of more than half; and why, in words."""
        if self.memory is not None:
            view = self.memory.view(self.memory.last_ms, self.count, None)
            return view.kind, view.reason
        kind, count = self.kinds.most_common(1)[0]
        return (kind if 2 * count > self.count else Kind.UNKNOWN), None

    def add(self, place: Place, kind: Kind) -> None:
        """Count one more."""
        self.count += 1
        self.kinds[kind] += 1
        self.first = min(self.first, place, key=_when)
        self.last = max(self.last, place, key=_when)


def _when(place: Place) -> tuple[int, int, int]:
    """Order of letters: of one partition as in its log where their times do not say more."""
    at_ms = place.failed_ms if place.timestamp_ms is None else place.timestamp_ms
    return (-1 if at_ms is None else at_ms, place.partition, place.offset)


class LetterGroups:
    """Counts letters by group; beyond `MOST` groups it counts them together.

    Args:
        by: what the letters of a group have in common.
    """

    def __init__(self, by: By) -> None:
        self.by = by
        self.count = 0
        self.other = 0
        """Letters of groups beyond `MOST`."""
        self._groups: dict[GroupName, LetterGroup] = {}

    def add(self, letter: Letter) -> None:
        """Count one."""
        self.count += 1
        said = letter.said
        name = _named(said, self.by)
        place = Place(
            letter.partition, letter.offset, letter.timestamp_ms, said.failed_at, said.origin
        )
        group = self._groups.get(name)
        if group is None:
            if len(self._groups) >= MOST:
                self.other += 1
                return
            group = self._groups[name] = LetterGroup(name, place, place)
            if self.by == "cause":
                group.memory = CauseMemory(cause_of(said), _EVER_MS, is_new=False)
        group.add(place, said.kind)
        if group.memory is not None:
            group.memory.add(letter, max(_when(place)[0], 0))

    def listed(self) -> list[LetterGroup]:
        """The groups, the largest first."""
        return sorted(self._groups.values(), key=lambda each: (-each.count, _when(each.first)))


def _named(said: DeadLetter, by: By) -> GroupName:
    if by == "origin":
        return GroupName(origin=said.original_topic)
    if by == "group":
        return GroupName(consumer_group=said.consumer_group)
    cause = cause_of(said)
    if by == "class":
        return GroupName(error_class=cause.error_class)
    return GroupName(cause.consumer_group, cause.error_class, cause.message)
