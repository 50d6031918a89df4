"""The groups of one broker, with state and type where the broker tells them."""

from __future__ import annotations

from typing import Any

from aiokafka.protocol.admin import ListGroupsRequest_v0, ListGroupsRequest_v1
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import CompactArray, Int16, Int32, Schema

from streamgauge.kafka.protocol.fields import NO_TAGS, STRING, TAGS


class ListGroupsResponse_v4(Response):  # type: ignore[misc]  # noqa: N801 - as aiokafka names them
    """Groups with their state (KIP-518)."""

    API_KEY = 16
    API_VERSION = 4
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        (
            "groups",
            CompactArray(
                ("group_id", STRING),
                ("protocol_type", STRING),
                ("group_state", STRING),
                TAGS,
            ),
        ),
        TAGS,
    )


class ListGroupsRequest_v4(RequestStruct):  # type: ignore[misc]  # noqa: N801 - as above
    """Asks for groups of any state."""

    API_KEY = 16
    API_VERSION = 4
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = ListGroupsResponse_v4
    SCHEMA = Schema(("states_filter", CompactArray(STRING)), TAGS)


class ListGroupsResponse_v5(Response):  # type: ignore[misc]  # noqa: N801 - as above
    """Groups with their type (KIP-848)."""

    API_KEY = 16
    API_VERSION = 5
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        (
            "groups",
            CompactArray(
                ("group_id", STRING),
                ("protocol_type", STRING),
                ("group_state", STRING),
                ("group_type", STRING),
                TAGS,
            ),
        ),
        TAGS,
    )


class ListGroupsRequest_v5(RequestStruct):  # type: ignore[misc]  # noqa: N801 - as above
    """Asks for groups of any state and type."""

    API_KEY = 16
    API_VERSION = 5
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = ListGroupsResponse_v5
    SCHEMA = Schema(
        ("states_filter", CompactArray(STRING)), ("types_filter", CompactArray(STRING)), TAGS
    )


class GroupList(
    Request[  # type: ignore[misc]  # untyped aiokafka
        ListGroupsRequest_v0 | ListGroupsRequest_v1 | ListGroupsRequest_v4 | ListGroupsRequest_v5
    ]
):
    """All groups one broker coordinates."""

    API_KEY = 16

    def build(self, request_struct_class: Any) -> Any:  # noqa: ANN401 - untyped aiokafka
        """Build the request for the version agreed upon."""
        if request_struct_class is ListGroupsRequest_v5:
            return ListGroupsRequest_v5([], [], NO_TAGS)
        if request_struct_class is ListGroupsRequest_v4:
            return ListGroupsRequest_v4([], NO_TAGS)
        return request_struct_class()
