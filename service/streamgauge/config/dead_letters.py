"""The `dead_letters` of a stream: topics where records end, and how those are to be read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final, Self

from pydantic import Field, PrivateAttr, model_validator

from streamgauge.config.asset_keys import asset_key_of
from streamgauge.config.errors import Problem, RuleError, shown
from streamgauge.config.section import Section
from streamgauge.config.values import TOPIC_SCHEMA, AssetKey, Flag, Text, Topic, topic
from streamgauge.config.written import Written, WrittenError

_OF_PATTERNS: Final = re.compile(r"[*?+^$|\\()\[\]{}]")


def _dead_letter_topic(value: object) -> str:
    if isinstance(value, str) and _OF_PATTERNS.search(value):
        raise WrittenError(f"{shown(value)} looks like a pattern: list each topic by its name")
    return topic(value)


class HeaderNames(Section, title="streams.<name>.dead_letters.headers"):
    """Headers of dead letters in which a program of your own says what happened.

    Headers of the known frameworks need no setting. Integers and times are read as text or binary.
    """

    original_topic: Text | None = None
    """Topic of the record that failed."""
    original_partition: Text | None = None
    """Its partition."""
    original_offset: Text | None = None
    """Its offset."""
    original_timestamp: Text | None = None
    """Its timestamp."""
    consumer_group: Text | None = None
    """Consumer group that could not process it."""
    consumer: Text | None = None
    """Program, listener or method that could not process it."""
    attempts: Text | None = None
    """How often it was tried."""
    error_class: Text | None = None
    """Class of the error."""
    cause_class: Text | None = None
    """Class of the error's cause."""
    message: Text | None = None
    """Message of the error; it is masked."""
    stacktrace: Text | None = None
    """Stack trace of the error, for classes that no other header names."""
    stage: Text | None = None
    """What was being done when it failed."""
    failed_at: Text | None = None
    """When it failed."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """What becomes of records in a dead letter topic that several streams list."""

    is_shared: bool = False
    left_to_others: frozenset[str] = frozenset()
    """Origins (topics) that other streams count."""
    takes_unknown: bool = True
    """Whether records of an unknown origin are counted here."""


class DeadLetters(Section, title="streams.<name>.dead_letters"):
    """A dead letter topic of the stream.

    Several streams may list the same topic: each counts the records that came from its own topics.
    The one named first counts those of an unknown origin too.
    """

    topic: Annotated[str, Written(_dead_letter_topic, TOPIC_SCHEMA)]
    """The dead letter topic."""
    asset_key: AssetKey = Field(default_factory=asset_key_of)
    """Dagster asset that stands for the topic; without it `[kafka, <topic>]`, where each
    character outside `A-Z a-z 0-9 _` is `_`. Of a topic that several streams list, it is
    `[kafka, <topic>__<stream>]` for all but the one named first."""
    source_topics: Annotated[tuple[Topic, ...], Field(max_length=100)] = ()
    """Topics whose records end here, where that is not only the stream's own. A single one is the
    origin of all records that name none, unless several streams list the dead letter topic."""
    consumer_group: Text | None = None
    """Consumer group of all records that name none."""
    retries: Flag | None = None
    """Whether this is a retry topic: its records are being tried again and are not dead. Without it
    the name says so: `orders-retry-0` is one, `orders-retry-dlq` is none."""
    headers: HeaderNames = HeaderNames()
    """Headers in which the records say what happened, by what they say."""
    requeue_headers: Annotated[tuple[Text, ...], Field(max_length=50)] = ()
    """Headers of programs that put a record back into this topic, such as `retry-count`: one that
    has such a header, and says nothing of a failure, is being tried again and is not dead. Case
    does not matter. Name none where records that are dead keep them."""
    _sharing: Sharing = PrivateAttr(default=Sharing())

    @property
    def sharing(self) -> Sharing:
        """Known once all streams are."""
        return self._sharing

    def shared(self, asset_key: tuple[str, ...], sharing: Sharing) -> Self:
        """The same topic, as one that several streams list."""
        copy = self.model_copy(update={"asset_key": asset_key})
        copy._sharing = sharing  # noqa: SLF001 - of its own kind
        return copy

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        problems = list(_source_problems(self))
        if problems:
            raise RuleError(problems)
        return self


def _source_problems(dead_letters: DeadLetters) -> Iterator[Problem]:
    sources = dead_letters.source_topics
    for position, source in enumerate(sources):
        if source == dead_letters.topic:
            told = "is the dead letter topic itself: name the topic that the records come from"
            yield Problem(("source_topics", position), told)
        elif position != sources.index(source):
            yield Problem(("source_topics", position), "stands in the list already: remove it")
