"""Which Dagster this package needs, and what is said where there is another one."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from typing import Final

LEAST: Final = (1, 13, 10)
"""Before it, reports are taken and checks are shown in other ways."""
_NUMBERS: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_INSTALL: Final = "install it with: pip install 'streamgauge[dagster]'"


def demand_dagster() -> None:
    """Do nothing where Dagster is new enough.

    Raises:
        ImportError: there is no Dagster, or one that is too old.
    """
    try:
        installed = version("dagster")
    except PackageNotFoundError:
        raise ImportError(f"streamgauge_dagster needs dagster; {_INSTALL}") from None
    numbers = _NUMBERS.match(installed)
    if numbers and tuple(map(int, numbers.groups())) < LEAST:
        least = ".".join(map(str, LEAST))
        raise ImportError(
            f"streamgauge_dagster needs dagster {least} or later, not {installed}; {_INSTALL}"
        )
