"""Reads record headers as OpenTelemetry's instrumentations of Kafka clients do."""  # noqa: INP001 - a part of scripts, not of a package

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.propagators.textmap import Getter

if TYPE_CHECKING:
    from collections.abc import Sequence

    Headers = Sequence[tuple[str, bytes | None]]


class HeaderGetter(Getter["Headers"]):
    """The headers of one record as a carrier of trace context."""

    def get(self, carrier: Headers, key: str) -> list[str] | None:
        """The first header of this name."""
        for name, value in carrier:
            if name == key and value is not None:
                return [value.decode()]
        return None

    def keys(self, carrier: Headers) -> list[str]:
        """All names."""
        return [name for name, _ in carrier]
