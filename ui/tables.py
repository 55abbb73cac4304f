"""Tables in HTML that scroll within themselves, so that a phone never scrolls sideways."""

from collections.abc import Sequence
from html import escape

BAR = "cl-table-bar"


def table(name: str, header: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """A table as HTML. name: read out before it. words: so many first columns hold words, the others numbers."""
    head = "".join(f'<th scope="col"{_side(at, words)}>{escape(title)}</th>' for at, title in enumerate(header))
    body = "".join(
        "<tr>" + "".join(_cell(at, text, words) for at, text in enumerate(row)) + "</tr>"
        for row in rows
    )  # fmt: skip
    return framed(name, f'<table class="cl-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>')


def framed(name: str, inner: str) -> str:
    """A table's HTML in a frame that scrolls and that the keyboard reaches."""
    return f'<div class="cl-table-frame" role="region" tabindex="0" aria-label="{escape(name)}">{inner}</div>'


def bars(rows: Sequence[tuple[str, int]], shown: Sequence[str]) -> str:
    """Names with counts as bars, as an HTML list. shown: the words for each count."""
    most = max((count for _, count in rows), default=0) or 1
    items = "".join(
        f'<li><span>{escape(name)}</span><span class="{BAR}"><i style="width:{100 * count / most:.1f}%"></i></span>'
        f"<span>{escape(words)}</span></li>"
        for (name, count), words in zip(rows, shown, strict=True)
    )
    return f'<ul class="cl-bars">{items}</ul>'


def _cell(at: int, text: str, words: int) -> str:
    if at == 0:
        return f'<th scope="row">{escape(text)}</th>'
    return f"<td{_side(at, words)}>{escape(text)}</td>"


def _side(at: int, words: int) -> str:
    return "" if at < words else ' class="cl-number"'
