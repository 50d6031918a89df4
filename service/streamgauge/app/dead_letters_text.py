"""How counted dead letters read: as text for people, and as JSON for scripts."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

from streamgauge.app.table import table
from streamgauge.core.wording import moment, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamgauge.app.dead_letters_command import Findings
    from streamgauge.app.letter_groups import LetterGroup, LetterGroups, Place
    from streamgauge.core.dead_letters.dead_letter import Address

MOST_LISTED: Final = 30
"""Groups that the text lists; JSON has all."""
_WIDEST: Final = 48
_HEADS: Final = {
    "cause": ("consumer group", "error class"),
    "group": ("consumer group",),
    "class": ("error class",),
    "origin": ("original topic",),
}
_PLACES: Final = ("first (partition@offset)", "last")
_PLURALS: Final = {
    "cause": "causes",
    "group": "consumer groups",
    "class": "error classes",
    "origin": "original topics",
}


def as_text(found: Findings) -> str:
    """Sentences, then the groups with the largest first, those that are tried again apart."""
    lines = [*_head(found), *_groups(found, found.dead)]
    if found.retrying.count:
        lines += ["", "being tried again, and not dead:", *_groups(found, found.retrying)]
    return "\n".join(lines)


def as_json(found: Findings) -> dict[str, Any]:
    """All that was found; null is what is not known."""
    return {
        "topic": found.topic,
        "since_ms": found.since_ms,
        "by": found.dead.by,
        "offsets": found.offsets,
        "read_offsets": found.read_offsets,
        "undecodable": found.undecodable,
        "dead_letters": _groups_json(found, found.dead),
        "retrying": _groups_json(found, found.retrying),
    }


def _head(found: Findings) -> Iterator[str]:
    since = "" if found.since_ms is None else f" since {moment(found.since_ms)}"
    dead = _many(found.dead.count, "dead letter") if found.dead.count else "no dead letters"
    again = found.retrying.count
    more = f", and {_many(again, 'record')} being tried again" if again else ""
    yield f"{found.topic}{since}: {dead}{more}"
    if found.read_offsets < found.offsets:
        yield (
            f"only the last {number(found.read_offsets)} of {number(found.offsets)} offsets were "
            "read: --most allows more"
        )
    if found.undecodable:
        yield f"records that cannot be decoded, and are not counted: {number(found.undecodable)}"


def _groups(found: Findings, groups: LetterGroups) -> Iterator[str]:
    listed = groups.listed()
    shown, rest = listed[:MOST_LISTED], listed[MOST_LISTED:]
    if not shown:
        return
    width = max(len(number(shown[0].count)), len("count"))
    heads = ("count".rjust(width), "kind", *_HEADS[groups.by], *_PLACES)
    head, *lines = table([heads, *(_cells(each, groups.by, width) for each in shown)])
    yield ""
    yield head
    for line, group in zip(lines, shown, strict=True):
        yield line
        for detail in _details(found, group):
            yield f"  {'':{width}}  {detail}"
    if rest or groups.other:
        letters = sum(each.count for each in rest) + groups.other
        many = f"more than {number(len(rest))}" if groups.other else number(len(rest))
        hint = "; --json lists them" if rest else ""
        yield f"  and {number(letters)} of {many} other {_PLURALS[groups.by]}{hint}"


def _cells(group: LetterGroup, by: str, width: int) -> tuple[str, ...]:
    name = group.name
    named = {
        "cause": (name.consumer_group, name.error_class),
        "group": (name.consumer_group,),
        "class": (name.error_class,),
        "origin": (name.origin,),
    }[by]
    return (
        number(group.count).rjust(width),
        group.verdict()[0].value,
        *(_cut(each) for each in named),
        _address(group.first),
        _address(group.last),
    )


def _details(found: Findings, group: LetterGroup) -> Iterator[str]:
    if group.name.message is not None:
        yield _plain(group.name.message)
    _, reason = group.verdict()
    origin = _origin(group.last.origin)
    said = [
        *(() if reason is None else (_plain(reason),)),
        *(() if origin is None else (f"the last one came from {origin}",)),
    ]
    if said:
        yield "; ".join(said)
    yield kcat(found, group.last)


def kcat(found: Findings, place: Place) -> str:
    """A command that prints one record."""
    levels = ["-X", "isolation.level=read_uncommitted"]
    words = [
        *("kcat", "-C", "-b", found.servers, "-t", found.topic),
        *("-p", str(place.partition), "-o", str(place.offset), "-c", "1", "-J"),
        *(levels if found.isolation_level == "read_uncommitted" else ()),
    ]
    return shlex.join(words)


def _many(count: int, what: str) -> str:
    return f"{number(count)} {what}{'' if count == 1 else 's'}"


def _address(place: Place) -> str:
    return f"{place.partition}@{place.offset} {moment(place.timestamp_ms)}"


def _origin(address: Address) -> str | None:
    if address.topic is None:
        return None
    partition = "?" if address.partition is None else address.partition
    offset = "?" if address.offset is None else address.offset
    return f"{_cut(address.topic)}-{partition}@{offset}"


def _cut(text: str | None) -> str:
    plain = "-" if text is None else _plain(text)
    return plain if len(plain) <= _WIDEST else f"{plain[: _WIDEST - 3]}..."


def _plain(text: str) -> str:
    """Text from headers as a terminal may have it."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def _groups_json(found: Findings, groups: LetterGroups) -> dict[str, Any]:
    return {
        "count": groups.count,
        "groups": [_group_json(found, each) for each in groups.listed()],
        "other": groups.other,
    }


def _group_json(found: Findings, group: LetterGroup) -> dict[str, Any]:
    kind, reason = group.verdict()
    return {
        "count": group.count,
        **group.name._asdict(),
        "kind": kind.value,
        "reason": reason,
        "first": _place_json(group.first),
        "last": _place_json(group.last),
        "kcat": kcat(found, group.last),
    }


def _place_json(place: Place) -> dict[str, Any]:
    return {
        "partition": place.partition,
        "offset": place.offset,
        "timestamp_ms": place.timestamp_ms,
        "failed_ms": place.failed_ms,
        "origin": place.origin._asdict(),
    }
