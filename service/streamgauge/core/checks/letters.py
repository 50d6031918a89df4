"""The dead letter topic that a check is about, and how its causes are named in a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.wording import one_line

if TYPE_CHECKING:
    from streamgauge.core.checks.policy import Subject
    from streamgauge.core.snapshot import CauseView, DeadLetterTopicView, Snapshot


def letters_of(snapshot: Snapshot, subject: Subject) -> DeadLetterTopicView:
    """What the snapshot knows of the dead letter topic that is judged."""
    return next(view for view in snapshot.dead_letters if view.topic == subject.name)


def counted(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun: `1 dead letter`, `1,200 dead letters`."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def cause_named(cause: CauseView) -> str:
    """Class and group of a cause: "`TimeoutException` of group `billing`"."""
    text = f"`{cause.error_class}`"
    return (
        text
        if cause.consumer_group is None
        else f"{text} of group `{one_line(cause.consumer_group)}`"
    )
