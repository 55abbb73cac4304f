"""Ratios, fronts and tables of rows made by hand."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks.ann.ratios import fastest, ratios
from benchmarks.ann.report import draw, front, markdown
from benchmarks.ann.store import Store

Row = dict[str, Any]


def row(engine: str, kind: str, recall: float, batch: float, single: float, **more: Any) -> Row:
    facts = {"data": "drawn", "n": 1000, "variant": "M16", "setting": {"ef": int(batch)}, "version": "1", "remark": ""}
    figures = {"batch_qps": batch, "single_qps": single, "p50_ms": 1e3 / single, "p99_ms": 2e3 / single, "load": 1.0}
    sizes = {"build_s": 2.0, "resident_bytes": 5_000_000, "disk_bytes": None}
    names = {"engine": engine, "kind": kind, "recall": recall, "threads": 1}
    return facts | names | figures | sizes | {"rounds": [figures]} | more


ROWS = [
    row("caselink", "own", 0.99, 300, 50),
    row("caselink", "own", 0.94, 900, 90),  # too few found
    row("caselink-exact", "own", 1.0, 100, 80),
    row("hnswlib", "library", 0.96, 200, 40),
    row("usearch", "library", 0.95, 150, 160),
    row("usearch", "library", 0.949, 999, 999),
    row("lancedb", "system", 0.97, 30, 4),
    row("datasketch-lsh", "hash table", 0.91, 8, 2),
    row("datasketch-forest", "hash table", 0.89, 50, 20),
]


def test_each_side_stands_at_its_fastest_that_finds_enough() -> None:
    found = ratios(ROWS)
    library = found["best_library"]
    assert library["ratio"] == pytest.approx(300 / 200)
    assert (library["own"]["recall"], library["other"]["engine"], library["n"]) == (0.99, "hnswlib", 1000)
    assert library["least_recall"] == 0.95 and library["reason"] is None
    single = found["best_library_single"]
    assert single["ratio"] == pytest.approx(50 / 160)
    assert (single["own"]["engine"], single["other"]["engine"]) == ("caselink", "usearch")
    index = found["index_over_best_library_single"]
    assert index["ratio"] == pytest.approx(80 / 160)
    assert index["own"]["engine"] == "caselink-exact"
    assert found["best_system"]["ratio"] == pytest.approx(10)
    assert found["best_system_single"]["ratio"] == pytest.approx(50 / 4)


def test_a_missing_side_is_said() -> None:
    found = ratios(ROWS)["lsh_over_datasketch"]
    assert found["ratio"] is None and "no caselink was" in found["reason"]
    assert found["other"]["engine"] == "datasketch-lsh"
    nothing = ratios([])["best_library"]
    assert nothing["ratio"] is None and nothing["n"] is None
    assert nothing["reason"] == "no caselink and no library was measured at recall 0.95 or more"


def test_hash_tables_meet_at_a_lower_recall() -> None:
    own = row("caselink-lsh", "own", 0.92, 80, 30)
    assert ratios([*ROWS, own])["lsh_over_datasketch"]["ratio"] == pytest.approx(10)
    poor = [one for one in ROWS if one["engine"] != "datasketch-lsh"]
    found = ratios([*poor, own])["lsh_over_datasketch"]
    assert found["ratio"] == pytest.approx(80 / 50)
    assert found["reason"] == "datasketch finds no more than 0.890, where it stands"
    assert ratios(poor)["lsh_over_datasketch"]["ratio"] is None


def test_lsh_stands_against_the_best_binary_index() -> None:
    rows = [row("caselink-lsh", "own", 0.92, 80, 30), row("caselink-lsh", "own", 0.8, 90, 40)]
    bare = [row("faiss-binary", "library", 0.9, 40, 60), row("faiss-binary", "library", 0.89, 99, 99)]
    found = ratios([*rows, *bare])
    assert found["lsh_over_best_binary"]["ratio"] == pytest.approx(2)
    assert found["lsh_over_best_binary_single"]["ratio"] == pytest.approx(0.5)


def test_fastest_of_none_is_none() -> None:
    assert fastest(ROWS, 1.1, "batch_qps") is None


def test_front_keeps_what_nothing_beats() -> None:
    some = [row("a", "own", r, q, 1) for r, q in ((0.9, 50), (0.95, 60), (0.99, 10), (0.8, 70), (0.99, 20))]
    assert [(one["recall"], one["batch_qps"]) for one in front(some, "batch_qps")] == [
        (0.8, 70),
        (0.95, 60),
        (0.99, 20),
    ]


@pytest.fixture
def store() -> Store:
    made = Store(None, threads=1, rounds=1)
    made.document["data"] = {"drawn 1000": {"facts": {"queries": 7}, "alike": None}}
    made.document["rows"] = [dict(one) for one in ROWS]
    made.document["failures"] = [
        {"data": "drawn", "n": 1000, "engine": "voyager", "variant": "M16", "why": "No module\nnamed | voyager"}
    ]
    made.save()
    return made


def test_table_holds_each_variant_once(store: Store) -> None:
    page = markdown(store, "drawn 1000")
    lines = [line for line in page.splitlines() if line.startswith("| ") and "M16" in line]
    engines = [line.split("|")[1].strip() for line in lines[:6]]
    assert engines == ["caselink", "hnswlib", "usearch", "caselink-exact", "lancedb", "datasketch-forest"]
    assert "| caselink | M16 | ef 300 | 0.990 | 300 | 50 | 20.000 | 40.000 | 1.0 | 2.0 |  | 5 |  |" in page
    assert "| (0.890) |" in page and "0.949" not in page
    assert "| best library | 1.50 | caselink M16 ef 300: recall 0.990, 300 a second |" in page
    assert "| voyager | M16 | named \\| voyager |" in page
    widths = {
        line.replace("\\|", "").count("|") for line in page.split("## Ratios")[0].splitlines() if line.startswith("|")
    }
    assert widths == {14}


def test_curves_are_drawn_twice_alike(store: Store, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.png", "a.svg", "b.svg")]
    draw(store.rows, "by hand", paths)
    with Image.open(paths[0]) as picture:
        assert picture.size == (1080, 720)
    text = paths[1].read_text(encoding="utf-8")
    assert text == paths[2].read_text(encoding="utf-8")
    assert "hnswlib" in text or "<path" in text
