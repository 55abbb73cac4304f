"""Estimates as the cells of a table."""

from collections.abc import Mapping


def percent(estimate: Mapping[str, float | None]) -> str:
    """An estimate in per cent with its interval, where it has one; "" where there is none."""
    return _shown(estimate, 100, "{:.1f}")


def plain(estimate: Mapping[str, float | None]) -> str:
    """An estimate as it is, with its interval; "" where there is none."""
    return _shown(estimate, 1, "{:.2f}")


def signed(estimate: Mapping[str, float | None], *, per_cent: bool = True) -> str:
    """A difference with its sign, in points of a per cent or as it is: "+1.2 (-0.3 to +2.5)"."""
    scale, form = (100, "{:+.1f}") if per_cent else (1, "{:+.2f}")
    return _shown(estimate, scale, form, " to ")


def _shown(estimate: Mapping[str, float | None], scale: float, form: str, dash: str = "–") -> str:
    value, low, high = estimate["value"], estimate["low"], estimate["high"]
    if value is None:
        return ""
    if low is None or high is None:
        return form.format(scale * value)
    return f"{form.format(scale * value)} ({form.format(scale * low)}{dash}{form.format(scale * high)})"


def pipes(table: list[list[str]]) -> str:
    """A header and rows as a Markdown table."""
    header, *body = ([cell.replace("|", "\\|") for cell in row] for row in table)
    lines = [header, ["---" for _ in header], *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
