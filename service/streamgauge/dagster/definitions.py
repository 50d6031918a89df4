"""Which of the assets and checks that are reported do not stand in Dagster's definitions.

Dagster stores reports for any key, but shows only what is defined.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamgauge.core.snapshot import Snapshot
    from streamgauge.dagster.graphql import AssetKey

    Expected = dict[AssetKey, frozenset[str]]


def expected(snapshots: Iterable[Snapshot]) -> Expected:
    """The assets that are reported, each with the names of its checks."""
    checks: dict[AssetKey, set[str]] = {}
    for snapshot in snapshots:
        for asset_key in (snapshot.asset_key, *(v.asset_key for v in snapshot.dead_letters)):
            checks.setdefault(asset_key, set())
        for verdict in snapshot.verdicts:
            checks.setdefault(verdict.asset_key, set()).add(verdict.check)
    return {asset_key: frozenset(names) for asset_key, names in checks.items()}


def not_defined(
    wanted: Mapping[AssetKey, frozenset[str]],
    defined: Mapping[AssetKey, frozenset[str] | None],
) -> set[tuple[AssetKey, str | None]]:
    """What is missing: (asset key, None) for an asset, else (asset key, check)."""
    missing: set[tuple[AssetKey, str | None]] = set()
    for asset_key, checks in wanted.items():
        if asset_key not in defined:
            missing.add((asset_key, None))
        else:
            known = defined[asset_key]
            missing |= {(asset_key, check) for check in checks if known is not None} - {
                (asset_key, check) for check in known or ()
            }
    return missing


def nearest(
    asset_key: AssetKey,
    check: str | None,
    defined: Mapping[AssetKey, frozenset[str] | None],
) -> str | None:
    """The name that looks most like what is missing: of an asset, or of a check of the asset."""
    if check is None:
        named = "/".join(asset_key)
        known = ["/".join(each) for each in defined]
    else:
        named, known = check, sorted(defined.get(asset_key) or ())
    return next(iter(get_close_matches(named, known, n=1)), None)
