"""Dead letter topics that several streams list: each counts what came from its own topics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.config.asset_keys import default_asset_key
from streamgauge.config.dead_letters import DeadLetters, Sharing
from streamgauge.config.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streamgauge.config.streams import Stream


def own_topics(stream: Stream, dead_letters: DeadLetters) -> frozenset[str]:
    """Topics of the stream whose records end in this dead letter topic."""
    return frozenset((stream.topic, *dead_letters.source_topics))


def divided(streams: Mapping[str, Stream]) -> dict[str, Stream]:
    """The streams, where each dead letter topic knows what it leaves to others."""
    return {name: _with_shares(name, stream, streams) for name, stream in streams.items()}


def claim_problems(streams: Mapping[str, Stream]) -> Iterator[Problem]:
    """A source topic that is named belongs to one of those who share a dead letter topic."""
    claims: dict[tuple[str, str], tuple[str, bool]] = {}
    for name, stream in streams.items():
        for position, entry in enumerate(stream.dead_letters):
            at = (name, "dead_letters", position)
            for topic in (stream.topic, *entry.source_topics):
                is_named = topic in entry.source_topics
                owner, was_named = claims.setdefault((entry.topic, topic), (name, is_named))
                if owner != name and (is_named or was_named):
                    told = (
                        f"stream {owner} counts the records of {topic} that end in "
                        f"{entry.topic} already: let one of the two have them"
                    )
                    yield Problem((*at, "source_topics") if is_named else (*at, "topic"), told)


def _with_shares(name: str, stream: Stream, streams: Mapping[str, Stream]) -> Stream:
    entries = tuple(_with_share(name, each, streams) for each in stream.dead_letters)
    if all(one is other for one, other in zip(entries, stream.dead_letters, strict=True)):
        return stream
    return stream.model_copy(update={"dead_letters": entries})


def _with_share(name: str, entry: DeadLetters, streams: Mapping[str, Stream]) -> DeadLetters:
    topics = {
        sharer: own_topics(stream, each)
        for sharer, stream in streams.items()
        for each in stream.dead_letters
        if each.topic == entry.topic
    }
    if len(topics) < 2:
        return entry
    is_first = next(iter(topics)) == name
    own = topics.pop(name)
    key = entry.asset_key
    if not is_first and "asset_key" not in entry.model_fields_set:
        key = default_asset_key(f"{entry.topic}__{name}")
    others = frozenset().union(*topics.values()) - own
    sharing = Sharing(is_shared=True, left_to_others=others, takes_unknown=is_first)
    return entry.shared(key, sharing)
