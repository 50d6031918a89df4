"""The whole configuration, and what holds among its streams."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated

from pydantic import AfterValidator, Field

from streamgauge.config.dead_letters import DeadLetters
from streamgauge.config.durations import duration
from streamgauge.config.errors import KeyPath, Problem, RuleError, dotted, shown
from streamgauge.config.event_time import FirstSightingTime
from streamgauge.config.kafka import Kafka
from streamgauge.config.section import Section
from streamgauge.config.sharing import claim_problems, divided
from streamgauge.config.sinks import Dagster, Log, Otlp, Web
from streamgauge.config.streams import Stream
from streamgauge.config.values import StreamName


def _among(streams: dict[str, Stream]) -> dict[str, Stream]:
    streams = divided(streams)
    problems = [
        *claim_problems(streams),
        *_asset_key_problems(streams),
        *_state_group_problems(streams),
        *_sighting_problems(streams),
    ]
    if problems:
        raise RuleError(problems)
    return streams


def _asset_key_problems(streams: Mapping[str, Stream]) -> Iterator[Problem]:
    """Each asset key stands for one topic."""
    owners: dict[tuple[str, ...], str] = {}
    for path, entry in _assets(streams):
        this = dotted(("streams", *path))
        owner = owners.setdefault(entry.asset_key, this)
        if owner != this:
            told = f"is the same as that of {owner}: give one of the two another"
            yield Problem((*path, "asset_key"), told)


def _state_group_problems(streams: Mapping[str, Stream]) -> Iterator[Problem]:
    """Of the members of one group only one counts, so that each stream has its own."""
    owners: dict[str, str] = {}
    for name, stream in streams.items():
        group = state_group(name, stream)
        if group is None and stream.state_group is not None:
            told = "is used for nothing while keep_state is false: remove one of the two"
            yield Problem((name, "state_group"), told)
        elif group is not None:
            owner = owners.setdefault(group, name)
            if owner != name:
                told = f"{shown(group)} keeps the state of stream {owner} already: name another"
                yield Problem((name, "state_group"), told)


def state_group(name: str, stream: Stream) -> str | None:
    """The consumer group that keeps the state of a stream, None if memory alone does."""
    if not stream.keep_state:
        return None
    return stream.state_group or f"streamgauge.{name}"


def _assets(streams: Mapping[str, Stream]) -> Iterator[tuple[KeyPath, Stream | DeadLetters]]:
    for name, stream in streams.items():
        yield (name,), stream
        for position, dead_letters in enumerate(stream.dead_letters):
            yield (name, "dead_letters", position), dead_letters


def _sighting_problems(streams: Mapping[str, Stream]) -> Iterator[Problem]:
    """A first sighting is looked up on another stream that exists."""
    for name, position, upstream in _sightings(streams):
        at: KeyPath = (name, "event_time", position, "first_sighting")
        if upstream == name:
            yield Problem(at, "names its own stream: name the one that sees the event first")
        elif upstream not in streams:
            others = [other for other in streams if other != name]
            nearest = get_close_matches(upstream, others, n=1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            yield Problem(at, f"there is no stream called {upstream}{hint}")


def _sightings(streams: Mapping[str, Stream]) -> Iterator[tuple[str, int, str]]:
    for name, stream in streams.items():
        for position, entry in enumerate(stream.event_time):
            if isinstance(entry, FirstSightingTime):
                yield name, position, entry.first_sighting


class Config(Section, title="streamgauge"):
    """The configuration of streamgauge."""

    kafka: Kafka
    """How the brokers are reached and asked."""
    streams: Annotated[
        dict[StreamName, Stream], Field(min_length=1, max_length=100), AfterValidator(_among)
    ]
    """The topics that are watched, each under a name of its own."""
    dagster: Dagster | None = None
    """Where observations and check results are sent; without it nowhere."""
    otlp: Otlp | None = None
    """How metrics and spans are sent; without it they are not, `{}` sends them."""
    web: Web = Web()
    """The probes and the status document."""
    log: Log = Log()
    """What is logged."""
    grace_period_ms: Annotated[int, duration("1s", "10m")] = 10_000
    """How long a shutdown may take until what is left is cut off. Only in the file."""
