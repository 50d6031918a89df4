"""Metadata of one topic, with its id where the broker tells it."""

from __future__ import annotations

from typing import Any

from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest_v4, MetadataRequest_v5
from aiokafka.protocol.types import Boolean, CompactArray, Int16, Int32, Schema

from streamgauge.kafka.protocol.fields import NO_ID, NO_TAGS, STRING, TAGS, Uuid


class MetadataResponse_v12(Response):  # type: ignore[misc]  # noqa: N801 - as aiokafka names them
    """Topics with their ids (KIP-516)."""

    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32), ("host", STRING), ("port", Int32), ("rack", STRING), TAGS
            ),
        ),
        ("cluster_id", STRING),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", STRING),
                ("topic_id", Uuid),
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
                        TAGS,
                    ),
                ),
                ("topic_authorized_operations", Int32),
                TAGS,
            ),
        ),
        TAGS,
    )


class MetadataRequest_v12(RequestStruct):  # type: ignore[misc]  # noqa: N801 - as above
    """Asks for topics by name."""

    API_KEY = 3
    API_VERSION = 12
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = MetadataResponse_v12
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", Uuid), ("name", STRING), TAGS)),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        TAGS,
    )


class TopicMetadata(Request[MetadataRequest_v4 | MetadataRequest_v5 | MetadataRequest_v12]):  # type: ignore[misc]  # untyped aiokafka
    """Metadata of one topic, without creating it."""

    API_KEY = 3

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def build(self, request_struct_class: Any) -> Any:  # noqa: ANN401 - untyped aiokafka
        """Build the request for the version agreed upon."""
        if request_struct_class is MetadataRequest_v12:
            return MetadataRequest_v12([(NO_ID, self._topic, NO_TAGS)], False, False, NO_TAGS)  # noqa: FBT003 - fields of a struct go by position
        return request_struct_class([self._topic], False)  # noqa: FBT003 - as above
