"""What votes are worth, fold by fold and against another run, as tables to read.

Every function gives a header and rows, or [] where the evaluation (`Evaluation.to_dict()`) has nothing of the kind.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from indexer.evaluation.cells import percent, plain, signed

Table = list[list[str]]
BALLOTS = {"votes": "each vote alike", "weighted": "by similarity", "calibrated": "calibrated shares"}
"""Ways to count; the last is there where enough patients were there to calibrate on."""
CONFIDENCE = {
    "vote_accuracy": ("vote accuracy", percent),
    "macro_recall": ("macro recall", percent),
    "ece": ("ECE, less is better", percent),
    "brier": ("Brier 0–2, less is better", plain),
    "risk_area": ("risk-coverage area, less is better", percent),
}
COMPARED = {
    "precision": "precision",
    "vote_accuracy": "vote accuracy",
    "macro_recall": "macro recall",
    "map": "mAP",
    "common": "macro recall, common entities",
    "merged": "labels merged",
    "calibration": "",
    "malignancy": "malignant",
}
_WORDS = {
    "votes": "each vote alike",
    "weighted": "weighted by similarity",
    "calibrated": "calibrated shares",
    "ece": "ECE",
    "brier": "Brier score",
    "risk_area": "risk-coverage area",
    "auroc": "AUROC",
    "at_half": "from 0.5",
    "operating_point": "operating point",
    "vote_accuracy": "vote accuracy",
    "macro_recall": "macro recall",
    "common": "common entities",
}
LESS_IS_BETTER = ("ece", "brier", "risk_area")


def confidence_rows(evaluation: Mapping[str, Any], group: str = "all") -> Table:
    """The vote and its confidence, votes alike and weighted. Per cent but for the Brier score."""
    found = evaluation["groups"][group].get("calibration")
    if not found:
        return []
    ways = [ballot for ballot in BALLOTS if ballot in found]
    table = [[f"vote of k = {found['k']}", *(BALLOTS[ballot] for ballot in ways)]]
    for name, (title, shown) in CONFIDENCE.items():
        table.append([title, *(shown(found[ballot][name]) for ballot in ways)])
    return table


def set_rows(evaluation: Mapping[str, Any], group: str = "all") -> Table:
    """How often prediction sets hold the entity, and how large they are."""
    found = evaluation["groups"][group].get("prediction_set")
    if not found:
        return []
    wanted = f"{100 * found['wanted']:.0f} %"
    return [
        [f"prediction set, {wanted} wanted", f"calibrated on {found['calibrated_on']}"],
        ["holds the entity, films", percent(found["coverage"])],
        ["holds the entity, patients", percent(found["coverage_of_patients"])],
        ["entities in a set", plain(found["size"])],
        ["sets of one entity", percent(found["single"])],
    ]


def label_rows(evaluation: Mapping[str, Any], group: str = "all") -> Table:
    """Macro recall over common entities, and vote accuracy and macro recall with labels merged, by k."""
    figures = evaluation["groups"][group]
    ks = list(figures["precision"])
    table = []
    if common := figures.get("common"):
        table.append([_common(common), *_by_k(common["macro_recall"], ks)])
    if merged := figures.get("merged"):
        table.append(["vote accuracy, merged", *_by_k(merged["vote_accuracy"], ks)])
        table.append(["macro recall, merged", *_by_k(merged["macro_recall"], ks)])
        if common := merged["common"]:
            table.append([f"{_common(common)}, merged", *_by_k(common["macro_recall"], ks)])
    return [["labels", *(f"k = {k}" for k in ks)], *table] if table else []


def merged_labels(evaluation: Mapping[str, Any]) -> str:
    """What is merged, as a sentence; "" where nothing is."""
    merged = evaluation["groups"]["all"].get("merged")
    if not merged:
        return ""
    return "Merged: " + "; ".join(f"{', '.join(names)} as {into}" for into, names in merged["labels"].items()) + "."


def malignancy_rows(evaluation: Mapping[str, Any], group: str = "all") -> Table:
    """AUROC, and sensitivity and specificity from 0.5 and from the operating point, by k."""
    found = evaluation["groups"][group].get("malignancy")
    if not found:
        return []
    first = next(iter(found.values()))
    counts = f"{first['n_malignant']} malignant of {first['n_films']}"
    table = [[counts, *(f"k = {k}" for k in found)], ["AUROC", *(percent(one["auroc"]) for one in found.values())]]
    for name, title in (("at_half", "from 0.5"), ("operating_point", "operating")):
        for rate in ("sensitivity", "specificity"):
            cells = [percent(one[name][rate]) if one[name] else "" for one in found.values()]
            table.append([f"{rate}, {title}", *cells])
    table.append(["operating threshold", *(_thresholds(one["operating_point"]) for one in found.values())])
    return table


def reliability_rows(evaluation: Mapping[str, Any], ballot: str = "votes") -> Table:
    """Of all films: mean confidence and accuracy of each bin of the winner's share."""
    found = _detail(evaluation, ballot, "reliability")
    body = [
        [f"{one['low']:.1f}–{one['high']:.1f}", str(one["n_films"]), _share(one["confidence"]), _share(one["accuracy"])]
        for one in found
    ]
    return [["share of votes", "films", "mean share", "accuracy"], *body] if body else []


def coverage_rows(evaluation: Mapping[str, Any], ballot: str = "weighted") -> Table:
    """Of all films: accuracy when only the most confident are answered."""
    found = _detail(evaluation, ballot, "risk_coverage")
    body = [
        [_share(one["coverage"]), str(one["n_films"]), _share(one["accuracy"]), f"{one['confidence']:.2f}"]
        for one in found
    ]
    return [["answered", "films", "accuracy", "least share"], *body] if body else []


def fold_rows(evaluation: Mapping[str, Any]) -> Table:
    """Who asked whom."""
    body = [
        [
            one["name"], str(one["n_films"]), str(one["n_groups"]),
            str(one["n_archive_films"]), str(one["n_archive_patients"]),
        ]
        for one in evaluation["manifest"].get("folds", [])
    ]  # fmt: skip
    return [["fold", "films", "split groups", "archive films", "archive patients"], *body] if body else []


def value_rows(evaluation: Mapping[str, Any], column: str) -> Table:
    """One line for each value of a column that is reported by: the nearest patient, and the usual vote."""
    groups = {name: figures for name, figures in evaluation["groups"].items() if name.startswith(f"{column}=")}
    k = str(evaluation["manifest"].get("vote_k", list(evaluation["groups"]["all"]["precision"])[-1]))
    measures = {"precision": "1", "vote_accuracy": k, "macro_recall": k}
    shown = [(name, at) for name, at in measures.items() if at in figures_of(evaluation)[name]]
    header = [column, "films", "patients", *(f"{COMPARED[name]} @{at}" for name, at in shown)]
    body = [
        [
            name.removeprefix(f"{column}="), str(figures["n_films"]), str(figures["n_patients"]),
            *(percent(figures[measure][at]) for measure, at in shown),
        ]
        for name, figures in groups.items()
    ]  # fmt: skip
    return [header, *body]


def figures_of(evaluation: Mapping[str, Any]) -> Mapping[str, Any]:
    """The figures over all films."""
    found: Mapping[str, Any] = evaluation["groups"]["all"]
    return found


def paired_rows(evaluation: Mapping[str, Any], group: str = "all", ks: Sequence[str] = ()) -> Table:
    """Every figure of this run and of the other, and their difference; per cent but for the Brier score.

    ks: the numbers of neighbours to show, empty = all.
    """
    if "paired" not in evaluation:
        return []
    table = [["figure", "this", "other", "difference", "interval"]]
    for name, title in COMPARED.items():
        if found := evaluation["paired"]["groups"][group].get(name):
            table += _compared([title] if title else [], found, name, ks)
    return table


def _compared(path: Sequence[str], found: Mapping[str, Any], name: str, ks: Sequence[str]) -> Table:
    if "above_zero" not in found:
        rows = []
        for key, below in found.items():
            if key.isdigit() and ks and key not in ks:
                continue
            word = f"k = {key}" if key.isdigit() else _WORDS.get(key, key)
            rows += _compared(path if name == "common" else [*path, word], below, key, ks)
        return rows
    shown = plain if name == "brier" else percent
    bare = [shown({"value": found[side], "low": None, "high": None}) for side in ("this", "other")]
    return [[", ".join(path), *bare, signed(found, per_cent=name != "brier"), _verdict(found, name)]]


def _verdict(found: Mapping[str, Any], name: str) -> str:
    if found["low"] is None:
        return "none"
    words = ("above 0 (worse)", "below 0 (better)") if name in LESS_IS_BETTER else ("above 0", "below 0")
    if found["above_zero"]:
        return words[0]
    return words[1] if found["high"] < 0 else "holds 0"


def _detail(evaluation: Mapping[str, Any], ballot: str, name: str) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = figures_of(evaluation).get("calibration", {}).get(ballot, {}).get(name, [])
    return found


def _common(common: Mapping[str, Any]) -> str:
    return f"macro recall, {common['n_entities']} entities of ≥ {common['least_patients']} patients"


def _by_k(given: Mapping[str, Any], ks: Sequence[str]) -> list[str]:
    return [percent(given[k]) for k in ks]


def _share(value: float) -> str:
    return f"{100 * value:.1f}"


def _thresholds(point: Mapping[str, Any] | None) -> str:
    if not point:
        return ""
    low, high = min(point["thresholds"]), max(point["thresholds"])
    return f"{low:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} to {high:.2f}"
