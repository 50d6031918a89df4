"""Writes the record of truth and all samples to files, for whoever wants to look."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from .gauge import Gauge
    from .stage import Stage


def keep(folder: Path, stages: Iterable[Stage]) -> None:
    """One file of each kind for each scenario, one JSON object a line."""
    folder.mkdir(parents=True, exist_ok=True)
    for stage in stages:
        logs = {id(case.log): case.log for case in stage.cases}.values()
        histories = {id(case.history): case.history for case in stage.cases}.values()
        _write(
            folder / f"{stage.name}.records.jsonl", (asdict(r) for log in logs for r in log.records)
        )
        _write(
            folder / f"{stage.name}.commits.jsonl",
            (
                {"group": each.name, "since": state.since, "offsets": state.offsets}
                for each in histories
                for state in each.states
            ),
        )
        _write(folder / f"{stage.name}.samples.jsonl", _samples(stage.gauge, stage.streams))


def _samples(gauge: Gauge, streams: Iterable[str]) -> Iterable[dict]:
    for sample in gauge.samples:
        told = {name: (sample.streams or {}).get(name) for name in streams}
        yield {"asked": sample.asked, "answered": sample.answered, "streams": told}


def _write(path: Path, lines: Iterable[dict]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line) + "\n")
