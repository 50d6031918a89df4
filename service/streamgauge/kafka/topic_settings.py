"""What a topic's settings say of how long its records stay: compaction and retention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aiokafka.protocol.admin import DescribeConfigsRequest

from streamgauge.kafka.errors import UnexpectedAnswerError

if TYPE_CHECKING:
    from streamgauge.kafka.wire import Wire

_TOPIC: Final = 2
"""Resource type of DescribeConfigs."""
_CLEANUP_POLICY: Final = "cleanup.policy"
_COMPACT: Final = "compact"
_DELETE: Final = "delete"
_RETENTION_MS: Final = "retention.ms"
_UNLIMITED: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSettings:
    """How long records stay. All are None where nobody says so."""

    is_compacted: bool | None
    """Whether records go because their key came again, also if old ones are deleted besides."""
    is_retention_unlimited: bool | None
    """Whether records never go because they are old; a limit of bytes may still delete them."""
    retention_ms: int | None
    """How long they stay at least, unless a limit of bytes deletes them; None if unlimited, too."""


UNKNOWN_SETTINGS: Final = TopicSettings(
    is_compacted=None, is_retention_unlimited=None, retention_ms=None
)


async def read_topic_settings(wire: Wire, topic: str) -> TopicSettings:
    """Ask any broker for the settings of one topic.

    They are unknown without the right DESCRIBE_CONFIGS on the topic, of an absent topic, and
    where the brokers do not know the question.

    Raises:
        BrokersUnavailableError: If no broker answers.
    """
    request = DescribeConfigsRequest([(_TOPIC, topic, [_CLEANUP_POLICY, _RETENTION_MS])])
    try:
        return read_settings(await wire.send_to_any(request), topic)
    except UnexpectedAnswerError:
        return UNKNOWN_SETTINGS


def read_settings(response: Any, topic: str) -> TopicSettings:  # noqa: ANN401 - untyped aiokafka
    """Read a DescribeConfigs response, version 0 to 2, that was asked for one topic."""
    settings = {
        name: value
        for code, _, kind, resource, entries in response.resources
        if (code, kind, resource) == (0, _TOPIC, topic)
        for name, value, *_ in entries
    }
    cleanup_policy = settings.get(_CLEANUP_POLICY)
    if cleanup_policy is None:
        return UNKNOWN_SETTINGS
    policies = {policy.strip() for policy in cleanup_policy.split(",")}
    try:
        retention_ms = int(settings.get(_RETENTION_MS) or "") if _DELETE in policies else _UNLIMITED
    except ValueError:
        retention_ms = None
    return TopicSettings(
        is_compacted=_COMPACT in policies,
        is_retention_unlimited=None if retention_ms is None else retention_ms == _UNLIMITED,
        retention_ms=None if retention_ms == _UNLIMITED else retention_ms,
    )
