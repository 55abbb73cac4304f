"""When and by whom something was written."""

from datetime import datetime

from ui.wording import day
from ui.words import say


def moment(at: str) -> str:
    """Day and time of an ISO moment, in UTC as the journal keeps them."""
    when = datetime.fromisoformat(at)
    return say("board.moment", day=day(when.date()), time=f"{when:%H:%M}")


def by(who: str | None, at: str | None) -> str:
    """Who wrote, and when; empty where nobody did."""
    return say("board.by", who=who, when=moment(at)) if who and at else ""
