"""Coordinators of many groups in one request (KIP-699), which brokers know since 3.0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import CompactArray, Int8, Int16, Int32, Schema

from streamgauge.kafka.protocol.fields import NO_TAGS, STRING, TAGS

if TYPE_CHECKING:
    from collections.abc import Iterable

CONSUMER_GROUP: Final = 0
"""Coordinator type."""


class FindCoordinatorResponse_v4(Response):  # type: ignore[misc]  # noqa: N801 - as aiokafka names them
    """The coordinator of each group, or an error."""

    API_KEY = 10
    API_VERSION = 4
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "coordinators",
            CompactArray(
                ("key", STRING),
                ("node_id", Int32),
                ("host", STRING),
                ("port", Int32),
                ("error_code", Int16),
                ("error_message", STRING),
                TAGS,
            ),
        ),
        TAGS,
    )


class FindCoordinatorRequest_v4(RequestStruct):  # type: ignore[misc]  # noqa: N801 - as above
    """Asks for coordinators by group."""

    API_KEY = 10
    API_VERSION = 4
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = FindCoordinatorResponse_v4
    SCHEMA = Schema(("key_type", Int8), ("coordinator_keys", CompactArray(STRING)), TAGS)


class CoordinatorsOfGroups(Request[FindCoordinatorRequest_v4]):  # type: ignore[misc]  # untyped aiokafka
    """Which brokers coordinate these groups."""

    API_KEY = 10

    def __init__(self, groups: Iterable[str]) -> None:
        self._groups = list(groups)

    def build(self, request_struct_class: Any) -> Any:  # noqa: ANN401 - untyped aiokafka
        """Build the request."""
        return request_struct_class(CONSUMER_GROUP, self._groups, NO_TAGS)
