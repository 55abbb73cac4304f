"""A comparison for people: a Markdown table and curves of recall against speed."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.ann.alike import lines
from benchmarks.ann.ratios import NEAR, Row, fastest
from benchmarks.ann.store import Store

SIZE, DPI = (9.0, 6.0), 120
LINES = {"own": ("-", 2.5), "library": ("-", 1.2), "hash table": (":", 1.2), "system": ("--", 1.2)}
"""Style and width by kind."""
HEAD = (
    "engine",
    "variant",
    "setting",
    "recall@10",
    "64 at once, a second",
    "one, a second",
    "p50 ms",
    "p99 ms",
    "load",
)
HEAD_BUILD = ("build s", "core s", "memory MB", "disk MB")


def markdown(store: Store, name: str) -> str:
    """The page of data by its key: each variant at its fastest with recall NEAR or more, or else at its best recall."""
    rows = store.of(name)
    machine, data = store.document["machine"], store.document["data"][name]
    parts = [
        f"# Nearest-neighbour libraries, {name}",
        f"{machine['cpu']}, {machine['cores']} cores, {store.facts['threads']} threads for each; medians of "
        f"{store.rounds} rounds, {data['facts']['queries']} queries. Each variant at its fastest setting of recall "
        f"{NEAR:g} or more, or else, in brackets, at its best. Load: processes at work in the last "
        f"minute, its own {store.facts['threads']} among them; beyond, others disturbed it. Core s: what its own "
        "process worked while it built, whatever else ran.",
        _piped([(*HEAD, *HEAD_BUILD), *(_cells(row) for row in _best(rows))]),
        "## Ratios",
        _piped([("ratio", "", "caselink", "other"), *_ratio_rows(store.document["ratios_by_data"][name])]),
    ]
    failures = [one for one in store.document["failures"] if f"{one['data']} {one['n']}" == name]
    if failures:
        told = [(one["engine"], one["variant"], one["why"].splitlines()[-1]) for one in failures]
        parts += ["## Not measured", _piped([("engine", "variant", "why"), *told])]
    if data["alike"] is not None:
        parts += ["## Drawn beside real", _piped(lines(data["alike"]))]
    return "\n\n".join(parts) + "\n"


def _best(rows: Sequence[Row]) -> Iterator[Row]:
    """One row of each variant, the fastest in batches first."""
    variants: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        variants.setdefault((row["engine"], row["variant"]), []).append(row)
    found = [
        fastest(some, NEAR, "batch_qps") or max(some, key=lambda row: (row["recall"], row["batch_qps"]))
        for some in variants.values()
    ]
    return iter(sorted(found, key=lambda row: (row["recall"] < NEAR, -row["batch_qps"])))


def _cells(row: Row) -> tuple[str, ...]:
    recall = f"{row['recall']:.3f}"
    setting = ", ".join(f"{name} {value}" for name, value in row["setting"].items())
    speeds = f"{row['batch_qps']:,.0f}", f"{row['single_qps']:,.0f}", f"{row['p50_ms']:.3f}", f"{row['p99_ms']:.3f}"
    load = f"{row['load']:.1f}"
    sizes = ("" if row[name] is None else f"{row[name] / 1e6:.0f}" for name in ("resident_bytes", "disk_bytes"))
    shown = recall if row["recall"] >= NEAR else f"({recall})"
    cores = f"{row['build_cpu_s']:.1f}" if "build_cpu_s" in row else ""  # noted since the second stored run
    return row["engine"], row["variant"], setting, shown, *speeds, load, f"{row['build_s']:.1f}", cores, *sizes


def _ratio_rows(ratios: dict[str, dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    for name, one in ratios.items():
        value = "none" if one["ratio"] is None else f"{one['ratio']:.2f}"
        said = f"{value} ({one['reason']})" if one["reason"] else value
        yield name.replace("_", " "), said, _side(one["own"]), _side(one["other"])


def _side(side: dict[str, Any] | None) -> str:
    if side is None:
        return ""
    setting = ", ".join(f"{name} {value}" for name, value in side["setting"].items())
    return f"{side['engine']} {side['variant']} {setting}: recall {side['recall']:.3f}, {side['qps']:,.0f} a second"


def _piped(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose first row is the head."""
    text = ["| " + " | ".join(cell.replace("|", "\\|").strip() for cell in row) + " |" for row in rows]
    return "\n".join([text[0], "|" + " --- |" * len(rows[0]), *text[1:]])


def front(rows: Sequence[Row], measure: str) -> list[Row]:
    """The rows that no other beats in both recall and speed, by recall upwards."""
    kept: list[Row] = []
    for row in sorted(rows, key=lambda row: (-row["recall"], -row[measure])):
        if not kept or row[measure] > kept[-1][measure]:
            kept.append(row)
    return kept[::-1]


def draw(rows: Sequence[Row], title: str, paths: Sequence[Path]) -> None:
    """Curves of recall@10 against queries a second, one engine a line, in batches and one by one, as files."""
    figure = Figure(figsize=SIZE, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 2, sharey=True)
    engines = list(dict.fromkeys(row["engine"] for row in rows))
    colours = matplotlib.colormaps["tab20"]
    for plot, measure, says in zip(axes, ("batch_qps", "single_qps"), ("64 at once", "one at a time"), strict=True):
        for number, engine in enumerate(engines):
            some = front([row for row in rows if row["engine"] == engine], measure)
            style, width = LINES[some[0]["kind"]]
            plot.plot(
                [row["recall"] for row in some], [row[measure] for row in some],
                marker="o", markersize=3, linestyle=style, linewidth=width, color=colours(number % 20), label=engine,
            )  # fmt: skip
        plot.set(yscale="log", xlabel="recall@10", title=says)
        plot.grid(color="0.9", linewidth=0.6)
        plot.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("queries a second")
    figure.suptitle(title)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", frameon=False, fontsize="small")
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # laid out once, so that every file is the same
    for path in paths:
        svg = path.suffix == ".svg"
        with matplotlib.rc_context({"svg.hashsalt": "caselink"}):
            figure.savefig(path, dpi=DPI, metadata={"Date": None} if svg else {"Software": None})
