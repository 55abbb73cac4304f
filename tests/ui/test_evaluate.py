"""What the evaluation page reads out of a stored run, whatever a run lacks, and how it is drawn."""

import json
from pathlib import Path
from typing import Any

import pytest

from api.schemas import RunFacts
from ui import words
from ui.evaluate import about, group_name
from ui.evaluate_tables import recall
from ui.evaluate_votes import matrix
from ui.plots import COLOURS, DASHES, SHAPES, Axes, Line, Point, legend, plot
from ui.runs import Estimate, at, by_k, cell, columns, difference, estimate, floors, ks, signed, vote_k

DOCS = Path(__file__).parents[2] / "docs" / "runs"
RUN: dict[str, Any] = json.loads((DOCS / "btxrd-mask.json").read_text(encoding="utf-8"))
ALL = RUN["groups"]["all"]
ODD: tuple[Any, ...] = (
    {}, {"groups": {"all": {}}}, {"groups": {"all": {"precision": {}}}}, {"groups": {"all": {"calibration": []}}},
    {"manifest": {"vote_k": "x"}, "groups": {"all": {"per_entity": {"a": 3}, "baselines": {"metadata": 1}}}},
)  # fmt: skip


def test_figures_are_read_where_they_lie() -> None:
    assert ks(RUN) == ["1", "3", "5", "7"] and vote_k(RUN) == "5"
    found = by_k(ALL, "precision", ks(RUN))
    assert found["3"].value == ALL["precision"]["3"]["value"] and found["3"].low == ALL["precision"]["3"]["low"]
    majority = floors(RUN, "all")["majority"]
    assert {one.value for one in by_k(majority, "vote_accuracy", ks(RUN)).values()} == {
        ALL["baselines"]["majority"]["vote_accuracy"]["value"]
    }
    assert by_k(majority, "precision", ks(RUN)) == {}
    assert columns(RUN) == {"centre": ["centre=1", "centre=2"]}


def test_a_recipes_floor_is_the_untrained_encoder() -> None:
    run = json.loads((DOCS / "validate-default-folds.json").read_text(encoding="utf-8"))
    assert floors(run, "all")["untrained"] == run["floor"]["all"]
    assert "untrained" not in floors(RUN, "all")


@pytest.mark.parametrize("run", ODD)
def test_a_run_that_stores_little_is_read_as_such(run: Any) -> None:
    assert ks(run) == [] and vote_k(run) is None and columns(run) == {} and floors(run, "all") == {}
    assert at(run, "groups", "all", "calibration", "votes", "reliability") is None
    assert recall(at(run, "groups", "all", "per_entity", "a"), "5") is None


@pytest.mark.parametrize("odd", [None, "0.5", True, float("nan"), float("inf"), [], {}, {"value": None}, {"low": 0.1}])
def test_what_is_no_figure(odd: object) -> None:
    assert estimate(odd) is None and cell(estimate(odd)) == "–"


def test_cells_speak_the_language() -> None:
    one = Estimate(0.5671, 0.541, 0.5899)
    assert cell(one) == "56.7 (54.1–59.0)" and cell(Estimate(0.5)) == "50.0"
    assert cell(Estimate(1.234, 1, 1.5), per_cent=False) == "1.23 (1.00–1.50)"
    assert estimate({"value": 0.5, "low": None, "high": 0.7}) == Estimate(0.5)
    assert (signed(0.0123), signed(-0.0123), signed(0)) == ("+1.2", "−1.2", "0.0")
    assert difference(-0.05, -0.1, 0.01) == "−5.0 (−10.0 to +1.0)" and difference(0.05, None, None) == "+5.0"
    words.use("de")
    assert cell(one) == "56,7 (54,1–59,0)" and difference(-0.05, -0.1, 0.01) == "−5,0 (−10,0 bis +1,0)"
    words.use("en")


def test_recall_has_the_interval_that_is_stored() -> None:
    held = {"recall": {"5": 0.4}, "interval": {"5": [0.3, 0.6], "7": None}}
    assert recall(held, "5") == Estimate(0.4, 0.3, 0.6)
    assert recall({"recall": {"5": 0.4}}, "5") == Estimate(0.4)
    assert recall(held | {"interval": {"5": None}}, "5") == Estimate(0.4) and recall(held, None) is None


def test_a_chart_has_its_lines_told_apart_three_times() -> None:
    lines = [
        Line("one", 0, (Point(1, 50, 40, 60, "k = 1: 50"), Point(3, 55, None, None, "k = 3: 55"))),
        Line("floor", 2, (Point(1, 20, None, None, "k = 1: 20"),)),
    ]
    spec = plot("P@k", lines, Axes("k", "%", (0.5, 3.5), (1, 3), diagonal=True), "words")
    assert len(spec["data"]["values"]) == 3 and spec["description"] == "words" and len(spec["layer"]) == 4
    scales = [spec["layer"][-1]["encoding"][name]["scale"] for name in ("color", "shape")]
    assert [scale["domain"] for scale in scales] == [["one", "floor"]] * 2
    assert scales[0]["range"] == [COLOURS[0], COLOURS[2]] and scales[1]["range"] == [SHAPES[0], SHAPES[2]]
    assert len(set(COLOURS)) == len(set(SHAPES)) == len(DASHES) == 6
    assert legend(lines).count("<span>") == 2 and "dashed" in legend(lines)
    assert "://" not in json.dumps(spec)


def test_the_confusion_matrix_is_a_table() -> None:
    html = matrix("m", {"k": 5, "entities": ["a<b", "c"], "counts": [[3, 1, 0], [0, 2, 2]]})
    assert "A&lt;b" in html and html.count('scope="row"') == 2 and html.count('scope="col"') == 3
    assert html.count("cl-right") == 2 and "/ 0.338)" in html and "/ 0.000)" in html
    assert "<tbody></tbody>" in matrix("m", {"entities": [], "counts": []})
    assert "/ 0.000)" in matrix("m", {"entities": ["a"], "counts": [[0, 0]]})


def test_what_was_run_is_a_column_for_each() -> None:
    one = RunFacts("one", "2026-11-20T09:30:00+00:00", "m", "unseen queries", None, False, 3, 1, ())
    other = RunFacts("other", "x", None, None, "A", True, 1, 2, ("centre=1",))
    html = about([one, other])
    assert "unseen patients" in html and "3 films, 1 patient<" in html and "1 film, 2 patients" in html
    assert html.count("not known") == 3 and "SYNTHETIC films" in html
    assert "SYNTHETIC" not in about([one])
    assert [group_name(name) for name in ("all", "centre=1", "strange=2=3")] == [
        "all films",
        "centre = 1",
        "strange = 2=3",
    ]
