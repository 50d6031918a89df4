"""What a Dagster project says of its streams beyond what the gauge needs to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import dagster as dg

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT_KINDS: Final = ("kafka", "streaming")


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """How the assets of all streams of one definition are shown."""

    group_name: str = "streams"
    """Dagster's group of all these assets."""
    owners: Sequence[str] = ()
    """E-mail addresses, or `team:` and a name."""
    tags: Mapping[str, str] = field(default_factory=dict)
    kinds: Sequence[str] = DEFAULT_KINDS
    description: str | None = None
    """Stands before what the numbers of a stream mean."""
    upstream: Sequence[dg.AssetKey] = ()
    """Assets that write the streams."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Addresses by the name under which they are shown, such as `runbook`."""
    observable: bool = True
    """Whether Dagster may observe the assets, and automation may start on their data.

    Without it they are plain external assets: their node turns red when a check fails.
    """

    def metadata(self) -> dict[str, dg.MetadataValue[Any]]:
        """The links, as what can be clicked on."""
        return link_entries(self.links)


def link_entries(links: Mapping[str, str]) -> dict[str, dg.MetadataValue[Any]]:
    """Addresses that can be followed."""
    return {name: dg.MetadataValue.url(address) for name, address in links.items()}
