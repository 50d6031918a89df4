"""What a Dagster project says of its streams beyond what the gauge needs to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import dagster as dg

from streamgauge.config import ConfigError
from streamgauge.config.errors import shown
from streamgauge_dagster.silence import SILENT_AFTER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from streamgauge_dagster.partitions import Partitions

DEFAULT_KINDS: Final = ("kafka", "streaming")
_OWN_ENTRIES: Final = frozenset(
    {
        "bootstrap_servers",
        "cluster",
        "consumer_groups",
        "event_time",
        "isolation_level",
        "security",
        SILENT_AFTER,
        "topic",
        "window",
    }
)
"""Metadata that the assets have of themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """How the assets of all streams of one definition are shown, and what lies around them.

    Raises:
        ConfigError: a link that nobody could follow, or whose name is taken.
    """

    group_name: str = "streams"
    """Dagster's group of all these assets."""
    owners: Sequence[str] = ()
    """E-mail addresses, or `team:` and a name."""
    tags: Mapping[str, str] = field(default_factory=dict)
    kinds: Sequence[str] = DEFAULT_KINDS
    description: str | None = None
    """Stands before what the numbers of a stream mean."""
    cluster: str | None = None
    """What people call the Kafka cluster."""
    upstream: Sequence[dg.AssetKey] = ()
    """Assets that write the streams."""
    downstream: Sequence[dg.AssetKey] = ()
    """Assets that are built on the streams, and that nothing else in the project defines."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Addresses by the name under which they are shown, such as `runbook`."""
    observable: bool = True
    """Whether Dagster may observe the assets, and automation may start on their data.

    Without it they are plain external assets: their node turns red when a check fails.
    """
    partitions: Partitions | None = None
    """How each stream is cut into Dagster's partitions, which an asset beside it holds."""
    blocking: Sequence[str] = ()
    """Names of checks that `AutomationCondition.all_deps_blocking_checks_passed()` waits for."""

    def __post_init__(self) -> None:
        refuse_links(self.links)

    def metadata(self) -> dict[str, dg.MetadataValue[Any]]:
        """The links, as what can be clicked on."""
        return link_entries(self.links)


def refuse_links(links: Mapping[str, str]) -> None:
    """Do nothing if everybody can follow these addresses by name, and may read them.

    Raises:
        ConfigError: what is wrong with which.
    """
    problems = [
        f"links.{name}: {told}"
        for name, address in links.items()
        for told in _link_problems(name, address)
    ]
    if problems:
        raise ConfigError(problems)


def link_entries(links: Mapping[str, str]) -> dict[str, dg.MetadataValue[Any]]:
    """Addresses that can be followed."""
    return {name: dg.MetadataValue.url(address) for name, address in links.items()}


def _link_problems(name: str, address: str) -> Iterator[str]:
    if name in _OWN_ENTRIES or name.startswith("dagster/"):
        yield "the assets have an entry of that name already: choose another name"
    try:
        parts = urlsplit(address)
        followed = parts.scheme in {"http", "https"} and bool(parts.hostname)
        secret = parts.username is not None or parts.password is not None
    except ValueError:
        followed, secret = False, False
    if secret:
        yield "must hold no user name or password: everybody can read it in Dagster"
    elif not followed or not address.isprintable() or " " in address:
        yield f"{shown(address)} is no address: write one that begins with http:// or https://"
