"""The bench of the page: its figures by hand, and a small archive for real."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pydicom
import pytest

from benchmarks import page
from benchmarks.page import judged, query_dicom, spread
from indexer.archive import open_snapshot


def seen(answer: float, turn: float) -> dict[str, object]:
    uploads = [{"film": 100.0, "answer": each} for each in (answer, answer, answer + 10)]
    return {"uploads": uploads, "pages": {"Compare": [turn] * 3}, "parts": {"search": [5.0, 7.0]}}


def test_waiting_is_judged_by_its_ninetieth_percentile() -> None:
    assert spread([1.0, 3.0, 2.0]) == {"p50": 2.0, "p90": pytest.approx(2.8), "worst": 3.0}
    found = judged(seen(1400, 490))
    assert found["holds"] and found["drawn_ms"]["answer"]["worst"] == 1410 and found["parts_ms"]["search"]["p50"] == 6
    assert not judged(seen(1500, 490))["holds"]
    assert not judged(seen(1400, 501))["holds"]


def test_the_film_is_as_large_as_a_hospital_sends_it(tmp_path: Path) -> None:
    film = pydicom.dcmread(query_dicom(tmp_path / "film.dcm"))
    assert (film.Rows, film.Columns, film.BitsAllocated) == (2140, 1760, 16)
    assert film.ImageComments == "SYNTHETIC"


@pytest.mark.slow
def test_a_small_archive_is_measured(encoder_cache: Path, tmp_path: Path) -> None:
    if shutil.which("chromium") is None or not find_spec("playwright"):
        pytest.skip("install chromium: apt-get install chromium")
    stored, work = tmp_path / "page.json", tmp_path / "work"
    small = ["--films", "400", "--near", "6", "--rounds", "2", "--cache", str(encoder_cache)]
    with pytest.raises(SystemExit):
        page.main([*small, "--work", str(work), "--json", str(stored)])
    found = json.loads(stored.read_text(encoding="utf-8"))
    assert found["films"] > 400 and found["rounds"] == len(found["uploads"]) == 2
    assert all(one["film"] > 0 and one["answer"] > 0 for one in found["uploads"])
    assert {"Open history", "Search", "Patient", "Compare", "Feedback"} <= set(found["pages"])
    assert all(len(times) == 2 for times in found["pages"].values())
    assert "segment" in found["parts_ms"] and found["machine"]["cores"] and len(found["load"]) == 2
    snapshot = open_snapshot(work / "archive")
    assert snapshot.manifest.segmenter and snapshot.manifest.synthetic
    snapshot.close()
