"""Asset keys that the gauge can report to and Dagster cannot define."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import dagster as dg

from streamgauge.config import ConfigError
from streamgauge.config.errors import dotted, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamgauge.config import Config

_PART: Final = re.compile(r"[A-Za-z0-9_.-]+")


def refuse_asset_keys(config: Config) -> None:
    """Do nothing if Dagster can define all assets.

    Raises:
        ConfigError: which asset keys have other characters than Dagster allows in definitions, or
            differ in none that it distinguishes there (`-`, `.` and `_` are one).
    """
    problems = []
    owners: dict[str, str] = {}
    for setting, parts in asset_keys(config):
        strange = [part for part in parts if not _PART.fullmatch(part)]
        identifier = dg.AssetKey(parts).to_python_identifier()
        owner = owners.setdefault(identifier, setting)
        if strange:
            told = (
                f"Dagster cannot define {shown(strange[0])}: use the characters A-Z a-z 0-9 _ . -"
            )
            problems.append(f"{setting}: {told}")
        elif owner != setting:
            told = (
                f"to Dagster it has the name of {owner}, {identifier}: give one of the two another"
            )
            problems.append(f"{setting}: {told}")
    if problems:
        raise ConfigError(problems)


def asset_keys(config: Config) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The setting and the parts of every asset key of streams and dead letter topics."""
    for name, stream in config.streams.items():
        yield dotted(("streams", name, "asset_key")), tuple(stream.asset_key)
        for position, each in enumerate(stream.dead_letters):
            path = ("streams", name, "dead_letters", position, "asset_key")
            yield dotted(path), tuple(each.asset_key)
