"""The one sentence that says what died of late, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge.core.dead_letters.cause import UNCLASSIFIED
from streamgauge.core.wording import duration, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamgauge.core.snapshot import CauseView, DeadLetterTopicView

CAUSES_NAMED: Final = 5


def dead_letters_sentence(view: DeadLetterTopicView, window_ms: int) -> str:
    """What came within the last window length, as of the view.

    The counts of the causes add up to that of all; no message and no value is in it.
    """
    text = f"{_letters(view.recent)} in {duration(window_ms)}"
    causes = sorted((each for each in view.causes if each.recent), key=lambda each: -each.recent)
    if view.recent and causes:
        others = view.recent - sum(each.recent for each in causes)
        groups = {each.consumer_group for each in causes}
        one = causes[0].consumer_group if len(groups) == 1 and others <= 0 else None
        if one is not None:
            text += f" from group `{one_line(one)}`"
        text += f": {', '.join(_told(causes, others, are_of_one_group=one is not None))}"
    if view.retrying_recent:
        are = "is" if view.retrying_recent == 1 else "are"
        more = " more" if view.recent else ""
        text += f"; {view.retrying_recent:,}{more} {are} being tried again"
    return text


def _letters(count: int) -> str:
    if count == 0:
        return "no dead letter"
    return "1 dead letter" if count == 1 else f"{count:,} dead letters"


def _told(causes: Sequence[CauseView], others: int, *, are_of_one_group: bool) -> list[str]:
    """The first causes, and the rest in one.

    Args:
        causes: those with recent dead letters.
        others: recent dead letters that have none of these.
        are_of_one_group: whether the group is told already.
    """
    told = [_cause(each, with_group=not are_of_one_group) for each in causes[:CAUSES_NAMED]]
    rest = causes[CAUSES_NAMED:]
    count = sum(each.recent for each in rest) + max(others, 0)
    if rest:
        least = "at least " if others > 0 else ""
        told.append(f"and {least}{len(rest)} more cause{'s' if len(rest) > 1 else ''} ({count:,})")
    elif count:
        told.append(f"and {count:,} of other causes")
    return told


def _cause(cause: CauseView, *, with_group: bool) -> str:
    name = f"`{one_line(cause.error_class)}`" if cause.error_class != UNCLASSIFIED else UNCLASSIFIED
    if with_group and cause.consumer_group is not None:
        name += f" of `{one_line(cause.consumer_group)}`"
    reason = "" if cause.reason is None else f", {cause.reason}"
    return f"{name} ({cause.recent:,}{reason})"
