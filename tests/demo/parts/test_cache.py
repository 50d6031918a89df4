"""What is kept in the cache was made once, and never half."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep

import pytest

from streamgauge_demo.parts.cache import cache_folder, make_once


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """A cache of this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "streamgauge"


@pytest.mark.parametrize("configured", ["", None])
def test_without_a_configured_cache_it_is_in_the_home_folder(monkeypatch, configured):
    """An empty variable counts as not set (XDG Base Directory specification)."""
    if configured is None:
        monkeypatch.delenv("XDG_CACHE_HOME")
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", configured)
    assert cache_folder() == Path.home() / ".cache" / "streamgauge"


def test_parallel_calls_make_it_once(cache):
    """The others wait and get what the first one made; only it and its lock stay."""
    folders = []

    def make(folder):
        folders.append(folder)
        (folder / "part").write_text("x")
        sleep(0.2)
        return (folder / "part").rename(folder / "whole")

    with ThreadPoolExecutor() as pool:
        paths = set(pool.map(lambda _: make_once("thing-1.2", make), range(4)))
    assert (paths, len(folders)) == ({cache / "thing-1.2"}, 1)
    assert (cache / "thing-1.2").read_text() == "x"
    assert {path.name for path in cache.iterdir()} == {"thing-1.2", "thing-1.2.lock"}


def test_a_failure_keeps_nothing_and_the_next_call_tries_again(cache):
    """What was half made is not taken for the whole."""

    def fail(folder):
        (folder / "half").write_text("x")
        raise LookupError(folder)

    with pytest.raises(LookupError):
        make_once("thing", fail)
    assert [path.name for path in cache.iterdir()] == ["thing.lock"]
    folder = make_once("thing", lambda folder: (folder / "files").mkdir() or folder / "files")
    assert folder.is_dir()
