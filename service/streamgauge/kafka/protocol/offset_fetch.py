"""Committed offsets of many groups in one request (KIP-709), which brokers know since 3.0."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Boolean, CompactArray, Int16, Int32, Int64, Schema

from streamgauge.kafka.protocol.fields import NO_TAGS, STRING, TAGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NOTHING: Final = 1
"""A text's length plus one stands before it: 1 for the empty one, 0 for null."""


class _Commit(Schema):  # type: ignore[misc]  # untyped aiokafka
    """A row, of which an answer has thousands; without text it is read in one step, not in six."""

    _WITHOUT_TEXT: Final = struct.Struct(">iqiBhB")

    def decode(self, data: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a BytesIO of untyped aiokafka
        """Read one row; a text of null is read as the empty one."""
        begun = data.tell()
        row = self._WITHOUT_TEXT.unpack(data.read(self._WITHOUT_TEXT.size))
        partition, offset, epoch, length, code, tags = row
        if length <= _NOTHING and not tags:
            return partition, offset, epoch, "", code, NO_TAGS
        data.seek(begun)
        return super().decode(data)  # type: ignore[no-any-return]  # untyped aiokafka


class OffsetFetchResponse_v8(Response):  # type: ignore[misc]  # noqa: N801 - as aiokafka names them
    """What each group has committed, or its error."""

    API_KEY = 9
    API_VERSION = 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "groups",
            CompactArray(
                ("group_id", STRING),
                (
                    "topics",
                    CompactArray(
                        ("name", STRING),
                        (
                            "partitions",
                            CompactArray(
                                _Commit(
                                    ("partition_index", Int32),
                                    ("committed_offset", Int64),
                                    ("committed_leader_epoch", Int32),
                                    ("metadata", STRING),
                                    ("error_code", Int16),
                                    TAGS,
                                )
                            ),
                        ),
                        TAGS,
                    ),
                ),
                ("error_code", Int16),
                TAGS,
            ),
        ),
        TAGS,
    )


class OffsetFetchRequest_v8(RequestStruct):  # type: ignore[misc]  # noqa: N801 - as above
    """Asks for partitions of each group."""

    API_KEY = 9
    API_VERSION = 8
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = OffsetFetchResponse_v8
    SCHEMA = Schema(
        (
            "groups",
            CompactArray(
                ("group_id", STRING),
                (
                    "topics",
                    CompactArray(
                        ("name", STRING), ("partition_indexes", CompactArray(Int32)), TAGS
                    ),
                ),
                TAGS,
            ),
        ),
        ("require_stable", Boolean),
        TAGS,
    )


class OffsetsOfGroups(Request[OffsetFetchRequest_v8]):  # type: ignore[misc]  # untyped aiokafka
    """What groups of one coordinator have committed on the same partitions of a topic."""

    API_KEY = 9

    def __init__(self, groups: Iterable[str], topic: str, partitions: Sequence[int]) -> None:
        topics = [(topic, partitions, NO_TAGS)]
        self._groups = [(group, topics, NO_TAGS) for group in groups]

    def build(self, request_struct_class: Any) -> Any:  # noqa: ANN401 - untyped aiokafka
        """Build the request."""
        return request_struct_class(self._groups, False, NO_TAGS)  # noqa: FBT003 - fields of a struct go by position
