"""The harness judges others, so it is judged here: what it imports, and whether it finds faults."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .judge import judge
from .plants import PLANTS
from .play import play
from .report import report

CHECKOUT = Path(__file__).parents[2]
WHAT_IS_IMPORTED = """
import sys
import tests.truth.__main__
print(*(name for name in sys.modules if name.partition(".")[0] == "streamgauge"))
"""


def test_it_imports_nothing_of_the_gauge():
    """Neither itself nor through what it uses of the demo."""
    command = [sys.executable, "-c", WHAT_IS_IMPORTED]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.timeout(300)
async def test_it_finds_what_is_planted(java_broker, tmp_path, capsys):
    """A gauge that tells the truth holds; off by one in lag, in age or in status, it does not."""
    stages = await play(["steady", "stuck-partition"], java_broker, tmp_path, lambda _: None)
    assert report([judge(stage) for stage in stages]) == 0, capsys.readouterr().out
    assert "truth: 2 of 2 scenarios hold" in capsys.readouterr().out
    kinds = {"lag": "lag", "time-lag": "time lag", "age": "ages", "count": "count",
             "status": "status"}  # fmt: skip
    assert kinds.keys() == PLANTS.keys()
    for plant, kind in kinds.items():
        assert report([judge(stage, plant) for stage in stages]) == 1
        told = capsys.readouterr().out
        assert "truth: 0 of 2 scenarios hold" in told, plant
        assert f": {kind}: " in told, plant
