from typing import Any

from api.cli.figures import LEGEND, figures


def given(value: float, low: float | None = None, high: float | None = None) -> dict[str, float | None]:
    return {"value": value, "low": low, "high": high}


def by_k(value: float) -> dict[str, Any]:
    return {"1": given(value, 0, 1), "3": given(value, 0.467, 0.667)}


def lines() -> list[str]:
    measures = {"precision": by_k(0.567), "hit": by_k(1.0), "vote_accuracy": by_k(0.5), "macro_recall": by_k(0.1)}
    majority = {"entity": "x", "vote_accuracy": given(0.3, 0.2, 0.4), "macro_recall": given(0.1)}
    entity = {"n_films": 9, "n_patients": 3, "recall": {"1": 0.5, "3": 0.25}}
    group = {
        **measures,
        "map": given(0.25),
        "per_entity": {"giant cell tumour of bone, recurrent": entity, "bone cyst": entity},
        "baselines": {"majority": majority, "metadata": {**measures, "map": given(0.5)}},
    }
    return list(figures({"groups": {"all": group}}, "all"))


def test_measures_line_up() -> None:
    measures = lines()[: lines().index("mAP" + "any k".rjust(24))]
    assert {len(line) for line in measures if line} == {10 + 2 * 17}
    assert measures[:2] == [
        "precision             k = 1            k = 3",
        "  images     56.7 (0.0–100) 56.7 (46.7–66.7)",
    ]
    assert [line.split()[0] for line in measures if line] == [
        "precision", "images", "metadata", "hit", "images", "metadata",
        "vote", "images", "metadata", "majority", "macro", "images", "metadata", "majority",
    ]  # fmt: skip


def test_a_figure_without_k_holds_for_each() -> None:
    (first, second) = [line for line in lines() if line.startswith("  majority")]
    assert first.split("30.0 (20.0–40.0)") == ["  majority ", " ", ""]
    assert second.split() == ["majority", "10.0", "10.0"]


def test_entities_line_up_and_a_long_name_takes_the_blanks() -> None:
    head, short, long = lines()[-3:]
    assert head.split() == ["recall", "by", "entity", "films", "patients", "k", "=", "1", "k", "=", "3"]
    assert short.split() == ["bone", "cyst", "9", "3", "50.0", "25.0"]
    assert "recurrent 9  " in long
    assert len(long) == len(short) == len(head)


def test_the_legend_names_every_short_word() -> None:
    assert all(f"{name}: " in LEGEND for name in ("metadata", "shortcut", "majority"))
