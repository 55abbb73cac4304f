"""A run on one page: what was trained on what, how it went, and what it may be used for."""

import base64
import html
import io
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from engine.card import ModelCard
from engine.segmentation.metrics import WORDS

CURVES_FILE, REPORT_FILE = "curves.png", "report.html"
STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}th,td{text-align:left;padding:.2rem .9rem .2rem 0;"
    "border-bottom:1px solid #ccc;vertical-align:top}img{max-width:100%}.note{background:#fff3d6;padding:.6rem 1rem}"
)
USE = (
    "Research use only; not a diagnosis, and not a medical device. The weights carry what they learned from patients' "
    "films: use and share them only as the licence of those films allows, and measure them on your own patients first."
)
Rows = list[tuple[str, str]]


def write_report(folder: Path, metrics: dict[str, Any], card: ModelCard) -> None:
    """curves.png and report.html, from nothing but the run's figures."""
    picture = curves(metrics)
    (folder / CURVES_FILE).write_bytes(picture)
    (folder / REPORT_FILE).write_text(page(metrics, card, picture), encoding="utf-8")


def curves(metrics: dict[str, Any]) -> bytes:
    """PNG: loss, and precision-at-1 of patients held back, over the epochs of the development fit."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    history = metrics.get("development", {}).get("history") or metrics.get("final", {}).get("history", [])
    members = sorted({row.get("member", 0.0) for row in history})
    for member in members:
        rows = [row for row in history if row.get("member", 0.0) == member]
        name = f"fold {member:.0f}" if member else None
        left.plot([row["epoch"] for row in rows], [row["loss"] for row in rows], label=name)
        seen = [row for row in rows if row.get("precision") is not None]
        right.plot([row["epoch"] for row in seen], [row["precision"] for row in seen], marker="o", label=name)
    for axes, title in ((left, "training loss"), (right, "precision at 1, patients held back")):
        axes.set(title=title, xlabel="epoch")
        axes.spines[["top", "right"]].set_visible(False)
    right.set_ylim(0, 1)
    if len(members) > 1:
        left.legend(frameon=False)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110, metadata={"Software": None})
    return out.getvalue()


def page(metrics: dict[str, Any], card: ModelCard, picture: bytes) -> str:
    """The page, which needs no other file."""
    shown = base64.b64encode(picture).decode()
    parts = [
        f"<h1>{_text(metrics['title'])}</h1><p class=note>{_text(USE)}</p>",
        _table("Run", _run(metrics)),
        _table("Films", _films(metrics)),
        *(_development(metrics["development"]) if "development" in metrics else ()),
        *([_table("Segmenter", _segmenter(metrics["segmenter"]))] if "segmenter" in metrics else ()),
        f'<h2>Curves</h2><img alt="training loss and precision at 1 by epoch" src="data:image/png;base64,{shown}">',
        _table("Model card", _card(card)),
    ]
    title = f"caselink run: {metrics['recipe']} on {metrics['source']}"
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{_text(title)}</title><style>{STYLE}</style>'
    return f"{head}<body>{''.join(parts)}</body></html>\n"


def _run(metrics: dict[str, Any]) -> Rows:
    rows = [(name, str(metrics[name])) for name in ("recipe", "method", "source", "seed")]
    rows.append(("scale", str(metrics["scale"] or "as the recipe says")))
    for fit in ("development", "final"):
        if fit in metrics:
            rows.append((f"{fit} fit", f"{metrics[fit]['epochs']} epochs, {metrics[fit]['seconds'] / 60:.1f} min"))
    if "no_segmenter" in metrics:
        rows.append(("segmenter", f"none: {metrics['no_segmenter']}"))
    return rows


def _films(metrics: dict[str, Any]) -> Rows:
    rows = [("used", _counted(metrics["films"])), ("left out", f"{metrics['left_out']['films']} films")]
    if "development" in metrics:
        parts = metrics["development"]
        rows += [(f"development fit, {part}", _counted(parts[part])) for part in ("train", "calibration")]
    return rows + [(entity, f"{n} films") for entity, n in metrics["films"]["entities"].items()]


def _counted(counts: dict[str, Any]) -> str:
    return f"{counts['films']} films of {counts['patients']} patients in {counts['groups']} split groups"


def _development(figures: dict[str, Any]) -> list[str]:
    """Trained beside untrained, and the vote's recall of each entity."""
    trained, floor = figures["retrieval"], figures["untrained"]
    names = {"precision_at_1": "precision at 1", "vote_at_5": "vote of five", "macro_recall_at_5": "its macro recall"}
    rows = [(words, f"{_share(trained[key])} (untrained {_share(floor[key])})") for key, words in names.items()]
    if "retrieval_by_pixels_alone" in figures:
        alone = figures["retrieval_by_pixels_alone"]
        rows += [(f"{words}, by pixels alone", _share(alone[key])) for key, words in names.items()]
    rows += [
        (
            f"classifier, {kind}",
            f"accuracy {_percent(value['accuracy'])}, macro recall {_percent(value['macro_recall'])}",
        )
        for kind, value in figures["classifier"].items()
    ]
    recalls = [(entity, f"{_share(value)}, n = {value['n']}") for entity, value in trained["recall_at_5"].items()]
    said = f"Patients held back from the development fit: {_counted(trained)}; 95 % intervals over split groups."
    return [_table("Unseen patients", rows), f"<p>{_text(said)}</p>", _table("Recall of the vote by entity", recalls)]


def _segmenter(figures: dict[str, Any]) -> Rows:
    """Of films that taught it nothing, all and by centre; shares that no film has are left out."""
    rows = [
        ("taught by", f"{figures['training_films']:.0f} films, {figures['training_seconds'] / 60:.1f} min"),
        ("asked", f"{figures['films']:.0f} films with a lesion and {figures['empty']:.0f} without, held back"),
    ]
    for name, words in WORDS.items():
        parts = {key.partition(", ")[2]: value for key, value in figures.items() if key.partition(", ")[0] == name}
        said = [
            _percent(value) + (f" in {place}" if place else "") for place, value in parts.items() if np.isfinite(value)
        ]
        if said:
            rows.append((words, "; ".join(said)))
    return rows


def _share(score: dict[str, float]) -> str:
    between = f" [{100 * score['low']:.1f}, {100 * score['high']:.1f}]" if "low" in score else ""
    return _percent(score["value"]) + between


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _card(card: ModelCard) -> Rows:
    fields = ("name", "weights", "trained_on", "paper", "licence", "runtime", "dimension", "size", "sha256")
    rows = [(name.replace("_", " "), str(getattr(card, name))) for name in fields]
    return [*rows, ("views", ", ".join(card.views)), ("fingerprint", card.fingerprint)]


def _table(title: str, rows: Rows) -> str:
    body = "".join(f"<tr><th>{_text(name)}</th><td>{_text(value)}</td></tr>" for name, value in rows)
    return f"<h2>{_text(title)}</h2><table>{body}</table>"


def _text(value: str) -> str:
    return html.escape(value)
