"""Dagster asset keys of topics whose configuration names none."""

import re
from typing import Any


def default_asset_key(topic: str) -> tuple[str, ...]:
    """The Dagster asset key of a topic whose configuration names none."""
    return ("kafka", re.sub(r"[^A-Za-z0-9_]", "_", topic))


def asset_key_of(settings: dict[str, Any]) -> tuple[str, ...]:
    """The default asset key, from the settings that were read before it."""
    return default_asset_key(settings["topic"])
