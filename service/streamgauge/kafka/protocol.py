"""Requests that aiokafka does not know in the version the gauge needs.

Each falls back to the newest version that aiokafka and the broker share. Field names and types are
those of https://kafka.apache.org/protocol.html.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from aiokafka.protocol.admin import ListGroupsRequest_v0, ListGroupsRequest_v1
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest_v4, MetadataRequest_v5
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

_STRING: Final = CompactString()
_TAGS: Final = ("tags", TaggedFields)
_NO_TAGS: Final[dict[int, bytes]] = {}
_NO_ID: Final = UUID(int=0)


class _Uuid:
    """The protocol's `uuid`: 16 bytes, big-endian; zero stands for none."""

    @classmethod
    def decode(cls, data: Any) -> UUID | None:  # noqa: ANN401 - a BytesIO of untyped aiokafka
        value = UUID(bytes=data.read(16))
        return None if value == _NO_ID else value

    @classmethod
    def encode(cls, value: UUID) -> bytes:
        return value.bytes

    @classmethod
    def repr(cls, value: UUID) -> str:
        return str(value)


class MetadataResponse_v12(Response):  # type: ignore[misc]  # noqa: N801 - as aiokafka names them
    """Topics with their ids (KIP-516)."""

    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32), ("host", _STRING), ("port", Int32), ("rack", _STRING), _TAGS
            ),
        ),
        ("cluster_id", _STRING),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", _STRING),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition_index", Int32),
                        ("leader_id", Int32),
                        ("leader_epoch", Int32),
                        ("replica_nodes", CompactArray(Int32)),
                        ("isr_nodes", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        _TAGS,
                    ),
                ),
                ("topic_authorized_operations", Int32),
                _TAGS,
            ),
        ),
        _TAGS,
    )


class MetadataRequest_v12(RequestStruct):  # type: ignore[misc]  # noqa: N801 - as above
    """Asks for topics by name."""

    API_KEY = 3
    API_VERSION = 12
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = MetadataResponse_v12
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("name", _STRING), _TAGS)),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        _TAGS,
    )


class TopicMetadata(Request[MetadataRequest_v4 | MetadataRequest_v5 | MetadataRequest_v12]):  # type: ignore[misc]  # untyped aiokafka
    """Metadata of one topic, without creating it."""

    API_KEY = 3

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def build(self, request_struct_class: Any) -> Any:  # noqa: ANN401 - untyped aiokafka
        """Build the request for the version agreed upon."""
        if request_struct_class is MetadataRequest_v12:
            return MetadataRequest_v12([(_NO_ID, self._topic, _NO_TAGS)], False, False, _NO_TAGS)  # noqa: FBT003 - fields of a struct go by position
        return request_struct_class([self._topic], False)  # noqa: FBT003 - as above


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
                ("group_id", _STRING),
                ("protocol_type", _STRING),
                ("group_state", _STRING),
                ("group_type", _STRING),
                _TAGS,
            ),
        ),
        _TAGS,
    )


class ListGroupsRequest_v5(RequestStruct):  # type: ignore[misc]  # noqa: N801 - as above
    """Asks for groups of any state and type."""

    API_KEY = 16
    API_VERSION = 5
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = ListGroupsResponse_v5
    SCHEMA = Schema(
        ("states_filter", CompactArray(_STRING)), ("types_filter", CompactArray(_STRING)), _TAGS
    )


class GroupList(Request[ListGroupsRequest_v0 | ListGroupsRequest_v1 | ListGroupsRequest_v5]):  # type: ignore[misc]  # untyped aiokafka
    """All groups one broker coordinates."""

    API_KEY = 16

    def build(self, request_struct_class: Any) -> Any:  # noqa: ANN401 - untyped aiokafka
        """Build the request for the version agreed upon."""
        if request_struct_class is ListGroupsRequest_v5:
            return ListGroupsRequest_v5([], [], _NO_TAGS)
        return request_struct_class()
