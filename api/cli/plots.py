"""Reliability and risk-coverage of an evaluation as pictures. The only reader of matplotlib among the commands."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

WAYS = {"votes": ("each vote alike", "#1b6ca8", "o"), "weighted": ("weighted by similarity", "#c2571a", "s")}
"""Kind of vote to its name, colour and marker."""
SIZE, DPI = (6.4, 5.0), 120


def draw(folder: Path, evaluation: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Write both pictures; yields each path and what it shows in words, which the picture holds too (Description)."""
    for name, plot, says in (
        ("reliability.png", _reliability, reliability_text),
        ("risk_coverage.png", _risk_coverage, risk_coverage_text),
    ):
        figure = Figure(figsize=SIZE, layout="constrained")
        FigureCanvasAgg(figure)
        plot(figure, evaluation)
        text, path = says(evaluation), folder / name
        figure.savefig(path, dpi=DPI, metadata={"Description": text, "Software": None})
        yield path, text


def reliability_text(evaluation: Mapping[str, Any]) -> str:
    """The reliability picture in words."""
    found = evaluation["groups"]["all"]["calibration"]
    errors = "; ".join(f"{WAYS[way][0]}: ECE {found[way]['ece']['value']:.3f}" for way in WAYS)
    return f"Accuracy of the vote of {found['k']} against the winner's share, {_n(evaluation)}. {errors}."


def risk_coverage_text(evaluation: Mapping[str, Any]) -> str:
    """The risk-coverage picture in words."""
    found = evaluation["groups"]["all"]["calibration"]
    parts = []
    for way, (name, _, _) in WAYS.items():
        curve = found[way]["risk_coverage"]
        half = min(curve, key=lambda point: abs(point["coverage"] - 0.5))
        parts.append(
            f"{name}: {100 * half['accuracy']:.0f} % of the surest half, {100 * curve[-1]['accuracy']:.0f} % of all"
        )
    return (
        f"Accuracy of the vote of {found['k']} when only the surest are answered, {_n(evaluation)}. {'; '.join(parts)}."
    )


def _reliability(figure: Figure, evaluation: Mapping[str, Any]) -> None:
    found = evaluation["groups"]["all"]["calibration"]
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    top.plot((0, 1), (0, 1), color="0.6", linestyle="--", linewidth=1, label="a share that is a probability")
    for number, (way, (name, colour, marker)) in enumerate(WAYS.items()):
        table = found[way]["reliability"]
        label = f"{name}, ECE {found[way]['ece']['value']:.3f}"
        top.plot(
            _column(table, "confidence"), _column(table, "accuracy"), marker, linestyle="-", color=colour, label=label
        )
        width = 0.4 / found["bins"]
        left = [row["low"] + (0.1 + number * 0.4) / found["bins"] for row in table]
        bottom.bar(left, _column(table, "n_films"), width, align="edge", color=colour)
    top.set(ylim=(0, 1), xlim=(0, 1), ylabel="accuracy", title=f"Vote of {found['k']}, {_n(evaluation)}")
    bottom.set(xlabel="winner's share of votes", ylabel="films")
    top.legend(loc="upper left", frameon=False)
    _plain(top, bottom)


def _risk_coverage(figure: Figure, evaluation: Mapping[str, Any]) -> None:
    found = evaluation["groups"]["all"]["calibration"]
    axes = figure.subplots()
    for way, (name, colour, marker) in WAYS.items():
        curve = found[way]["risk_coverage"]
        label = f"{name}, area of risk {found[way]['risk_area']['value']:.3f}"
        axes.plot(
            _column(curve, "coverage"), _column(curve, "accuracy"), marker, linestyle="-", color=colour, label=label
        )
    axes.set(
        xlim=(0, 1.02), ylim=(0, 1.02), xlabel="share of films answered, the surest first", ylabel="accuracy of those",
        title=f"Vote of {found['k']}, {_n(evaluation)}",
    )  # fmt: skip
    axes.legend(loc="lower left", frameon=False)
    _plain(axes)


def _plain(*axes: Axes) -> None:
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.grid(color="0.9", linewidth=0.6)
        one.set_axisbelow(True)


def _column(table: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [row[name] for row in table]


def _n(evaluation: Mapping[str, Any]) -> str:
    group = evaluation["groups"]["all"]
    return f"{group['n_films']} films of {group['n_patients']} patients"
