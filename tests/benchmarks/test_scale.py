"""The page of scale, from runs made by hand."""

import json
from pathlib import Path
from typing import Any

from benchmarks.scale import COMMANDS, LOTS, PAGE, render

MACHINE = {"cpu": "a chip", "cores": 2, "memory_gib": 24}


def grown(n: int, index: str) -> dict[str, Any]:
    sizes = {"peak_bytes": 2e9, "resident_bytes": 40 * n, "process_bytes": 36.4 * n, "disk_bytes": 1000 * n}
    times = {"build_s": n / 1e4, "open_s": 0.25, "p50_ms": n / 1e6, "p99_ms": 3.0, "batch_qps": 5000}
    return {"n": n, "index": index, "recall": 0.96} | sizes | times


def write(folder: Path, name: str, found: dict[str, Any]) -> None:
    (folder / f"{name}.json").write_text(json.dumps({"machine": MACHINE} | found), encoding="utf-8")


def test_laws_are_drawn_out_and_missing_runs_are_named(tmp_path: Path) -> None:
    rows = [grown(10_000, "compact"), grown(1_000_000, "compact"), grown(1_000_000, "hnsw")]
    write(tmp_path, "growth", {"rows": rows, "wanted_recall": 0.95, "queries": 500})
    page = render(tmp_path)
    sizes, times = "100.0 s | 2.00 GB | 44 | 36 | 1,000 MB", "0.25 s | 1.00 ms | 3.00 ms | 5,000/s"
    assert f"| 1,000,000 | compact | 0.960 | {sizes} | {times} |" in page
    # 1e8 films: 1e4 s of building, 100 ms, 4 GB, 100 GB; one size makes no law
    assert (
        "| compact | 10,000 to 1,000,000 | 1.00 | 1.00 | 1.00 | 1.00 | 2.8 h | 100.0 ms | 4.0 GB | 100.0 GB |" in page
    )
    assert "| hnsw | 1" not in page
    left = page.split("## Not measured yet")[1]
    assert all(command in left for name in ("ann", "filters", "bulk") for command in COMMANDS[name])
    assert COMMANDS["growth"][0] not in left and "a chip, 2 cores, 24 GiB" in page


def test_what_is_stored_is_shown(tmp_path: Path) -> None:
    row = {"where": "age = 4", "share": 0.01, "recall": 0.9987, "ratio": 2.345, "first_ms": 8.25, "way": "cells"}
    bare = row | {"where": None, "share": 1.0, "ratio": 1.0, "first_ms": None}
    write(tmp_path, "filters", {"rows": [bare, row], "n": 1000, "index": "compact"})
    write(tmp_path, "bulk", {"films": 300, "ratios": {"one": {"whole": 0.5, "steady": None}}})
    side = {"engine": "caselink", "variant": "whole path", "recall": 0.953, "qps": 20_000.4}
    ratios = {"best_library": {"ratio": 1.5, "own": side, "other": side | {"engine": "hnswlib"}}, "x": {"ratio": None}}
    first, second = (
        lot for lot in LOTS if (lot.n == 100_000 and "own" in lot.engines) or "faiss-ivf-pq" in lot.engines
    )
    rows = [{"data": "drawn", "n": first.n, "engine": "one", "kind": kind} for kind in first.engines]
    failures = [{"data": "drawn", "n": second.n, "engine": second.engines[0]}]
    write(tmp_path, "ann", {"ratios_by_data": {"drawn 5": ratios}, "rows": rows, "failures": failures})
    times = {"p50": 801.4, "p90": 926.6, "worst": 1005.0}
    waits = {"drawn_ms": {"answer": times}, "pages_ms": {"Compare": times}, "parts_ms": {"segment": times}}
    facts = {"films": 100_138, "index": "exact", "load": [0.1, 1.94], "rows": 2140, "columns": 1760, "megabytes": 7.534}
    write(tmp_path, "page", facts | waits | {"rounds": 20, "wanted_ms": {"answer": 1500.0, "page": 500.0}})
    write(tmp_path, "growth-1280", {"rows": [grown(100_000, "compact")]})
    page = render(tmp_path)
    wide = page.split("1,280 numbers")[1].split("##")[0]
    assert "| 100,000 | compact | 0.960 |" in wide and COMMANDS["growth-1280"][-1] in wide
    assert "| upload to answer drawn | 801 ms | 927 ms | 1005 ms |" in page and "| to Compare | 801 ms" in page
    assert "100,138 films with `exact`" in page and "load was 0.1 to 1.9" in page and "| segment | 801 ms" in page
    assert "| `age = 4` | 1.000 % | 0.9987 | 2.35 | 8.2 ms | cells |" in page
    assert "| none | 100.000 % | 0.9987 | 1.00 |  | cells |" in page
    assert "| one | 0.50 | not run |" in page
    assert "| drawn 5 | best library | 1.50 | caselink whole path, recall 0.953, 20,000/s | hnswlib" in page
    assert "(runs/ann-drawn-5.md)" in page and page.count("a chip") == 1
    done, left = page.split("## Not measured yet")
    assert first.command in done and first.command not in left
    assert all(lot.command in left and lot.command not in done for lot in LOTS if lot is not first)


def test_the_page_is_what_the_stored_runs_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == render()
