"""A cause: what dead letters have in common, and which causes have a place of their own."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from streamgauge.core.state.keys import cause_key, class_key
from streamgauge.core.state.limits import CAUSES
from streamgauge.core.state.names import class_name_end

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamgauge.core.dead_letters.dead_letter import DeadLetter

UNCLASSIFIED: Final = "unclassified"
"""The error class of dead letters that name none."""
MESSAGES_OF_A_CLASS: Final = 4
"""Of one group and error class so many messages have places; further ones share one."""
_REMEMBERED: Final = 1024


class CauseName(NamedTuple):
    """What a cause is called."""

    key: str
    """16 hex digits that stand for the other three."""
    consumer_group: str | None
    error_class: str
    """Without its package; `unclassified` where there is none."""
    message: str | None
    """Masked; None where there is none, or where it holds further messages of its class."""


def cause_of(said: DeadLetter) -> CauseName:
    """The cause of a dead letter, whether or not it has a place."""
    return _named(said.consumer_group, said.error_class, said.message)


def place(
    cause: CauseName, taken: Mapping[str, CauseName], limit: int = CAUSES
) -> CauseName | None:
    """Under which cause a dead letter counts, first come, first served.

    Args:
        cause: its own.
        taken: the causes that have a place, by key. Stored ones may have no message.
        limit: how many places there are.

    Returns:
        Its own cause; or the one that holds further messages of its class, from the fifth message
        on; or None where there is no room: it counts among others.
    """
    if cause.key in taken:
        return cause
    beyond = beyond_messages(cause)
    if beyond.key in taken:
        return beyond
    if len(taken) >= limit:
        return None
    _, group, error_class, _ = cause
    messages = sum(
        each.error_class == error_class and each.consumer_group == group for each in taken.values()
    )
    return cause if messages < MESSAGES_OF_A_CLASS else beyond


def beyond_messages(cause: CauseName) -> CauseName:
    """The cause that holds further messages of the same group and class."""
    _, group, error_class, _ = cause
    return CauseName(class_key(group or "", error_class), group, error_class, None)


@lru_cache(maxsize=_REMEMBERED)
def _named(group: str | None, error_class: str | None, message: str | None) -> CauseName:
    simple = _simple_name(error_class or "")
    return CauseName(cause_key(group or "", simple, message or ""), group, simple, message)


def _simple_name(error_class: str) -> str:
    """The end of a class name, short enough to be stored; what has blanks in it is no name."""
    name = error_class.strip()
    simple = name.rpartition(".")[2] or name
    inner = simple.rpartition("$")[2]
    if inner and not inner.isdigit():  # the class of `Orders$1` has no name of its own
        simple = inner
    if not simple.isprintable() or any(each.isspace() for each in simple):
        return UNCLASSIFIED
    return class_name_end(simple) or UNCLASSIFIED
