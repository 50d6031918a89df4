"""The oldest Dagster is the one that the project promises, and what cannot be made is not there."""

import tomllib
from pathlib import Path

import pytest

from streamgauge_dagster.requirement import LEAST
from streamgauge_demo.parts import dagster_oldest

ROOT = Path(__file__).parents[3]


def test_it_is_the_one_that_is_promised():
    """By the extra, by the package that Dagster projects install, and by the page."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    oldest = dagster_oldest.OLDEST
    (extra,) = extras["dagster"]
    assert extra.startswith(f"dagster>={oldest},")
    assert oldest == ".".join(map(str, LEAST))
    assert f"({oldest} or later" in (ROOT / "docs" / "dagster.md").read_text()


def test_where_there_is_none_it_is_said_what_makes_one(tmp_path, monkeypatch):
    """Nothing is installed by asking."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(dagster_oldest.OldestDagsterUnavailableError, match="make oldest-dagster"):
        dagster_oldest.find_oldest_dagster()
    assert list(tmp_path.iterdir()) == []


def test_failed_install_tells_why_and_leaves_nothing(tmp_path, monkeypatch):
    """As without a network."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(
        dagster_oldest.OldestDagsterUnavailableError, match="No matching distribution"
    ):
        dagster_oldest.prepare_oldest_dagster()
    assert [path.suffix for path in (tmp_path / "streamgauge").iterdir()] == [".lock"]
