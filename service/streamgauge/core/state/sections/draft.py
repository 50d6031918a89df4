"""What the sections that were read so far say, and how they name groups and causes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamgauge.core.histogram import Histogram
    from streamgauge.core.state.rows import Reader, Writer


@dataclass(slots=True)
class Draft:
    """A state that is being read."""

    fields: dict[str, Any] = field(default_factory=dict)
    """Of `PartitionState`, by name."""
    group_keys: list[str] = field(default_factory=list)
    """In the order in which later sections count them."""
    processed_ages: list[Histogram] = field(default_factory=list)
    """Those that no group has taken yet."""


def write_keys(keys: Iterable[str], out: Writer) -> None:
    """Eight bytes each."""
    out += bytes.fromhex("".join(keys))


def read_keys(count: int, data: Reader) -> list[str]:
    """So many keys, each another one.

    Raises:
        StateDamagedError: if there are fewer, or two are equal.
    """
    digits = data.raw(8 * count).hex()
    keys = [digits[at : at + 16] for at in range(0, len(digits), 16)]
    if len(set(keys)) < count:
        raise data.damaged("names something twice")
    return keys


def read_group_keys(count: int, data: Reader, draft: Draft) -> list[str]:
    """So many keys of groups that are named by their places, each another one.

    Raises:
        StateDamagedError: if there are fewer, two are equal, or there is no such place.
    """
    places = data.raw(count)
    if len(set(places)) < count or max(places, default=-1) >= len(draft.group_keys):
        raise data.damaged(f"names the groups {list(places)} of {len(draft.group_keys)}")
    return [draft.group_keys[place] for place in places]
