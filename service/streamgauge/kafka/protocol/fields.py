"""Field types and values that the newer versions of requests have in common."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from aiokafka.protocol.types import CompactString, TaggedFields

STRING: Final = CompactString()
TAGS: Final = ("tags", TaggedFields)
NO_TAGS: Final[dict[int, bytes]] = {}
NO_ID: Final = UUID(int=0)


class Uuid:
    """The protocol's `uuid`: 16 bytes, big-endian; zero stands for none."""

    @classmethod
    def decode(cls, data: Any) -> UUID | None:  # noqa: ANN401 - a BytesIO of untyped aiokafka
        """Read one; None for zero."""
        value = UUID(bytes=data.read(16))
        return None if value == NO_ID else value

    @classmethod
    def encode(cls, value: UUID) -> bytes:
        """Write one."""
        return value.bytes

    @classmethod
    def repr(cls, value: UUID) -> str:
        """Show one."""
        return str(value)
