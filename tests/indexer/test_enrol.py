"""Enrolment: every file accounted for, through changes, corrections, removals and duplicates."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.encoders import EncoderFiles
from engine.encoders.runtime import OnnxEmbedder
from engine.said import Said
from indexer.archive import Archive, Snapshot, open_snapshot
from indexer.catalogue import Row
from indexer.facts import left_out_facts
from indexer.ingest import IngestReport
from indexer.patients import patient_history
from indexer.prepare import Roi
from indexer.remarks import as_json, from_json
from indexer.writer import open_writer

Draw = Callable[..., bytes]
Lay = Callable[..., Path]
Index = Callable[..., IngestReport]


class Shelf:
    """A folder of films and the archive it is indexed into."""

    def __init__(self, place: Path, lay: Lay, index: Index) -> None:
        self.source, self.root = place / "films", place / "archive"
        self.source.mkdir(parents=True)
        self._lay, self._index = lay, index

    def put(self, files: dict[str, bytes], rows: list[dict[str, object]] | None = None) -> None:
        self._lay(self.source, files, rows or [])

    def run(self, **options: object) -> IngestReport:
        report = self._index(self.source, self.root, **options)
        assert report.found == report.indexed + len(report.duplicates) + len(report.left_out)
        return report

    def snapshot(self) -> Snapshot:
        snapshot = open_snapshot(self.root)
        rows = snapshot.catalogue.rows("SELECT * FROM films")
        self.films: dict[str, Row] = {row["file"]: row for row in rows}
        assert len(self.films) == len(rows)
        self.ledger = {row["file"]: row for row in snapshot.catalogue.rows("SELECT * FROM ledger")}
        self.vectors = len(snapshot.index)
        self.events = snapshot.catalogue.rows("SELECT * FROM events ORDER BY dated, text")
        snapshot.close()
        return snapshot

    def patient(self, name: str) -> str:
        return self.snapshot().pseudonyms.patient(name, "")


@pytest.fixture
def shelf(tmp_path: Path, lay: Lay, index: Index) -> Shelf:
    return Shelf(tmp_path, lay, index)


def test_same_bytes_of_one_patient_are_one_film(shelf: Shelf, draw: Draw) -> None:
    shelf.put({"a.png": draw(1), "b.png": draw(1)}, [{"file": f, "patient_id": "1"} for f in ("a.png", "b.png")])
    report = shelf.run()
    assert (report.indexed, report.embedded, report.duplicates) == (1, 1, (("b.png", "a.png"),))
    shelf.snapshot()
    assert list(shelf.films) == ["a.png"]
    assert shelf.ledger["b.png"]["reason"] == "duplicate of a.png"
    assert shelf.ledger["b.png"]["film"] == shelf.films["a.png"]["film"]


def test_same_bytes_of_two_patients_are_one_vector_and_two_films(shelf: Shelf, draw: Draw) -> None:
    rows = [{"file": f, "patient_id": p} for f, p in (("a.png", "1"), ("b.png", "2"))]
    shelf.put({"a.png": draw(1), "b.png": draw(1)}, rows)
    report = shelf.run()
    assert (report.indexed, report.embedded, report.duplicates) == (2, 1, ())
    shelf.snapshot()
    assert shelf.vectors == 1
    assert shelf.films["a.png"]["vector"] == shelf.films["b.png"]["vector"]
    assert shelf.films["a.png"]["patient"] != shelf.films["b.png"]["patient"]


def test_a_second_run_embeds_nothing_and_changes_nothing(shelf: Shelf, draw: Draw) -> None:
    shelf.put({f"{n}.png": draw(n) for n in range(4)} | {"bad.png": b"", "copy.png": draw(0)})
    first = shelf.run()
    shelf.snapshot()
    films, ledger = shelf.films, shelf.ledger
    second = shelf.run()
    shelf.snapshot()
    assert (first.embedded, second.embedded) == (4, 0)
    assert second.to_dict() | {"embedded": 4, "seconds": 0} == first.to_dict() | {"seconds": 0}
    assert (shelf.films, shelf.ledger) == (films, ledger)


def test_a_changed_file_is_embedded_anew_and_the_old_film_goes(shelf: Shelf, draw: Draw) -> None:
    shelf.put({"a.png": draw(1), "b.png": draw(2)})
    shelf.run()
    shelf.snapshot()
    before = shelf.films
    shelf.put({"a.png": draw(3)})
    assert shelf.run().embedded == 1
    shelf.snapshot()
    assert shelf.films["b.png"] == before["b.png"]
    assert shelf.films["a.png"]["film"] > before["b.png"]["film"]
    assert shelf.vectors == 2


def test_a_file_that_went_bad_is_left_out_and_comes_back(shelf: Shelf, draw: Draw) -> None:
    shelf.put({"a.png": draw(1), "b.png": draw(2)})
    shelf.run()
    shelf.put({"a.png": draw(1)[:200]})
    report = shelf.run()
    assert [file for file, _ in report.left_out] == ["a.png"]
    shelf.snapshot()
    assert list(shelf.films) == ["b.png"]
    shelf.put({"a.png": draw(1)})
    assert (shelf.run().embedded, shelf.vectors) == (1, 1)


def test_a_removed_file_stays_in_the_archive(shelf: Shelf, draw: Draw) -> None:
    shelf.put({"a.png": draw(1), "b.png": draw(2)}, [{"file": f, "age": 9} for f in ("a.png", "b.png")])
    shelf.run()
    (shelf.source / "a.png").unlink()
    report = shelf.run()  # the table still names it: the archive holds its film
    assert (report.found, report.indexed, report.embedded) == (2, 2, 0)
    shelf.put({}, [{"file": "b.png", "age": 9}])
    report = shelf.run()
    assert (report.found, report.indexed) == (1, 1)
    shelf.snapshot()
    assert set(shelf.films) == {"a.png", "b.png"}


def test_a_duplicate_takes_the_place_of_a_changed_film(shelf: Shelf, draw: Draw) -> None:
    names = ("a.png", "b.png", "c.png")
    shelf.put(dict.fromkeys(names, draw(1)), [{"file": f, "patient_id": "1"} for f in names])
    shelf.run()
    shelf.snapshot()
    film = shelf.films["a.png"]
    shelf.put({"a.png": draw(2)})
    report = shelf.run()
    assert (report.indexed, report.embedded, report.duplicates) == (2, 1, (("c.png", "b.png"),))
    shelf.snapshot()
    assert shelf.films["b.png"] | {"file": "a.png", "uri": film["uri"]} == film
    assert shelf.films["b.png"]["uri"] == (shelf.source / "b.png").as_uri()
    assert shelf.ledger["c.png"]["reason"] == "duplicate of b.png"
    assert shelf.run().duplicates == (("c.png", "b.png"),)


def test_a_later_file_hands_its_place_to_one_before_it(shelf: Shelf, draw: Draw) -> None:
    shelf.put({"b.png": draw(1)})
    shelf.run()
    shelf.put({"a.png": draw(1)})
    assert shelf.run().duplicates == (("a.png", "b.png"),)
    shelf.put({"b.png": draw(2)})
    report = shelf.run()
    assert (report.indexed, report.duplicates, report.embedded) == (2, (), 1)


def test_a_duplicate_in_another_source(tmp_path: Path, lay: Lay, index: Index, draw: Draw) -> None:
    one, two = Shelf(tmp_path / "1", lay, index), Shelf(tmp_path / "2", lay, index)
    two.root = one.root
    one.put({"a.png": draw(1)})
    two.put({"b.png": draw(1)})
    one.run()
    assert two.run().duplicates == (("b.png", "a.png"),)
    one.put({"a.png": draw(2)})
    one.run()
    one.snapshot()
    assert one.films["b.png"]["source"] == str(two.source)
    report = two.run()
    assert (report.indexed, report.embedded, report.duplicates) == (1, 0, ())


def test_table_facts_are_brought_up_to_date(shelf: Shelf, draw: Draw) -> None:
    row: dict[str, object] = {"file": "a.png", "patient_id": "1", "entity": "enchondroma", "age": 9, "sex": ""}
    shelf.put({"a.png": draw(1)}, [row])
    shelf.run()
    shelf.put({}, [row | {"entity": "chondrosarcoma", "age": 10, "sex": "F", "stage": "before treatment"}])
    assert shelf.run().embedded == 0
    snapshot = open_snapshot(shelf.root)
    film = snapshot.films.to_pylist()[0]
    assert (film["entity"], film["age"], film["sex"], film["stage"]) == ("chondrosarcoma", 10, "F", "before treatment")
    assert patient_history(snapshot, film["patient"])["sex"] == "F"
    snapshot.close()
    shelf.put({}, [row | {"age": "", "stage": ""}])  # silence takes nothing away
    shelf.run()
    shelf.snapshot()
    assert (shelf.films["a.png"]["age"], shelf.films["a.png"]["stage"]) == (10, "before treatment")


def test_a_corrected_patient_number_moves_the_film(shelf: Shelf, draw: Draw) -> None:
    films = {"a.png": draw(1), "b.png": draw(2), "c.png": draw(2)}
    shelf.put(films, [{"file": f, "patient_id": "1"} for f in films])
    assert shelf.run().duplicates == (("c.png", "b.png"),)
    shelf.put({}, [{"file": f, "patient_id": p} for f, p in zip(films, "213", strict=True)])
    report = shelf.run()
    assert (report.indexed, report.embedded, report.duplicates) == (3, 0, ())
    shelf.snapshot()
    assert {file: row["patient"] for file, row in shelf.films.items()} == {
        "a.png": shelf.patient("2"),
        "b.png": shelf.patient("1"),
        "c.png": shelf.patient("3"),
    }
    assert shelf.vectors == 2
    shelf.put({}, [{"file": f, "patient_id": "1"} for f in films])
    assert shelf.run().duplicates == (("c.png", "b.png"),)


def test_histories_follow_their_tables(shelf: Shelf, draw: Draw) -> None:
    events = "patient_id,kind,date,text\n1,presentation,2020-01-02,pain\n1,therapy,2020-02-01,curettage\n9,therapy,,x\n"
    shelf.put({"a.png": draw(1), "events.csv": events.encode()}, [{"file": "a.png", "patient_id": "1"}])
    shelf.run()
    shelf.run()
    shelf.snapshot()
    assert [(row["dated"], row["text"]) for row in shelf.events] == [
        (date(2020, 1, 2), "pain"),
        (date(2020, 2, 1), "curettage"),
    ]
    shelf.put({"events.csv": b"patient_id,kind,text\n2,therapy,other\n"})
    shelf.run()
    shelf.snapshot()
    assert shelf.events == []


def test_two_sources_tell_of_one_patient(tmp_path: Path, lay: Lay, index: Index, draw: Draw) -> None:
    one, two = Shelf(tmp_path / "1", lay, index), Shelf(tmp_path / "2", lay, index)
    two.root = one.root
    for number, place in enumerate((one, two)):
        events = f"patient_id,kind,text\n1,therapy,told by {number}\n".encode()
        place.put({"a.png": draw(number), "events.csv": events}, [{"file": "a.png", "patient_id": "1"}])
    for place in (one, two, one):
        place.run()
    snapshot = open_snapshot(one.root)
    assert sorted(row["text"] for row in snapshot.catalogue.rows("SELECT text FROM events")) == [
        "told by 0",
        "told by 1",
    ]
    assert len(snapshot.film) == 2
    assert len(snapshot.patients) == 1
    snapshot.close()


def test_no_identifier_enters_the_archive(shelf: Shelf, draw: Draw) -> None:
    row = {"patient_id": "Rosalinde-4711", "study": "Study-0815", "split_group": "Group-2342"}
    shelf.put({"a.png": draw(1)}, [{"file": "a.png"} | row])
    shelf.run()
    for path in shelf.root.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not [value for value in row.values() if value.encode() in data], path


def test_paths_that_name_someone_are_counted(shelf: Shelf, draw: Draw) -> None:
    shelf.put(
        {"Rosalinde 4711/a.png": draw(1), "b.png": draw(2), "7.png": draw(3)},
        [
            {"file": "Rosalinde 4711/a.png", "patient_id": "Rosalinde 4711"},
            {"file": "b.png", "patient_id": "Rosalinde 4711"},
            {"file": "7.png", "patient_id": "7"},  # too short to tell
        ],
    )
    assert shelf.run().to_dict()["paths_with_identifier"] == 1


def test_masks_change_the_region_and_only_then_the_vector(shelf: Shelf, draw: Draw) -> None:
    shelf.put({"a.png": draw(1, 96), "b.png": draw(2, 96)})
    shelf.put({"masks/a.png": draw(9, 96)})
    whole = shelf.run()
    assert (whole.embedded, whole.unmasked) == (2, 0)
    masked = shelf.run(roi=Roi.mask)
    assert (masked.embedded, masked.unmasked) == (1, 1)
    shelf.snapshot()
    assert (shelf.films["a.png"]["region"], shelf.films["b.png"]["region"]) == ("mask", "whole")
    assert shelf.run(roi=Roi.mask).embedded == 0


def test_a_bad_mask_leaves_its_film_out_with_the_masks_reason(shelf: Shelf, draw: Draw) -> None:
    faint = np.zeros((96, 96), np.uint16)
    faint[20:60, 10:50] = 1  # less than one grey level of eight bits
    narrow = cv2.imencode(".png", np.ones((96, 72), np.uint8))[1].tobytes()
    names = ("black", "cut", "faint", "other", "text")
    shelf.put({f"{name}.png": draw(number, 96) for number, name in enumerate(names)})
    shelf.put({"masks/cut.png": draw(9, 96)[:200], "masks/text.png": b"lesion", "masks/other.png": narrow})
    for name, mask in (("faint", faint), ("black", np.zeros_like(faint))):
        (shelf.source / f"masks/{name}.png").write_bytes(cv2.imencode(".png", mask)[1].tobytes())
    report = shelf.run(roi=Roi.mask)
    reasons = dict(report.left_out)
    assert list(reasons) == ["cut.png", "other.png", "text.png"]
    assert "the mask other.png has 72x96 pixels, the film 96x96" in reasons["other.png"]
    assert all("not a whole picture" in reasons[f"{name}.png"] for name in ("cut", "text"))
    shelf.snapshot()
    assert {file: row["region"] for file, row in shelf.films.items()} == {"black.png": "whole", "faint.png": "mask"}


CONTENT = st.sampled_from([0, 1, 2, None])
"""Seeds of films; None = a broken file."""
FILE = st.tuples(CONTENT, st.sampled_from(["", "p", "q"]))
FILES = st.dictionaries(st.sampled_from(["a.png", "b.png", "c.png", "d.png", "e.png"]), FILE, min_size=1)


@settings(max_examples=15)
@given(runs=st.lists(FILES, min_size=1, max_size=3))
def test_any_files_in_any_order_are_accounted_for(
    runs: list[dict[str, tuple[int | None, str]]],
    tmp_path_factory: pytest.TempPathFactory,
    lay: Lay,
    index: Index,
    draw: Draw,
) -> None:
    shelf = Shelf(tmp_path_factory.mktemp("sets"), lay, index)
    for files in runs:
        for path in shelf.source.iterdir():
            path.unlink()
        data = {name: b"broken" if seed is None else draw(seed, 32) for name, (seed, _) in files.items()}
        shelf.put(data, [{"file": name, "patient_id": patient} for name, (_, patient) in files.items()])
        report = shelf.run()
        assert report.found == len(files)
        assert {file for file, _ in report.left_out} == {name for name, (seed, _) in files.items() if seed is None}
        check(shelf, files, report)
        assert shelf.run().embedded == 0


def check(shelf: Shelf, files: dict[str, tuple[int | None, str]], report: IngestReport) -> None:
    """Every good file is a film or the double of one with its bytes and, where it names one, its patient."""
    names = {name: shelf.patient(name) for name in ("p", "q")}
    doubles = dict(report.duplicates)
    assert len({row["sha256"] for row in shelf.films.values()}) == shelf.vectors
    for name, (seed, patient) in files.items():
        if seed is None:
            assert name not in shelf.films
            continue
        assert (name in doubles) != (name in shelf.films)
        film = shelf.films[doubles.get(name, name)]
        assert film["sha256"] == shelf.ledger[name]["sha256"]
        assert not patient or film["patient"] == names[patient]
        assert film["film"] == shelf.ledger[name]["film"]
    held = [(row["sha256"], row["patient"]) for row in shelf.films.values()]
    assert len(set(held)) == len(held)


def test_a_reason_keeps_its_code_and_an_archive_without_codes_its_text(
    shelf: Shelf, draw: Draw, embedder: OnnxEmbedder, encoder: EncoderFiles
) -> None:
    shelf.put({"a.png": draw(1), "b.png": b"", "c.png": draw(1), "c.pdf": b"%PDF-1.4"})
    shelf.run()
    told = {each["outcome"]: each for each in _left_out(shelf)}
    assert told["duplicate"]["remark"].code == "same_bytes"
    empty = next(each for each in _left_out(shelf) if "empty" in each["reason"])
    assert (empty["remark"].text, empty["remark"].code) == (empty["reason"], "film_empty")
    assert from_json(shelf.ledger["b.png"]["said"]).code == "film_empty" and shelf.ledger["a.png"]["said"] is None
    with open_writer(shelf.root, embedder.card, encoder.onnx.parent) as writer:  # as archives were before
        writer.publish(lambda: writer.catalogue._write("ALTER TABLE ledger DROP COLUMN said"))
    old = _left_out(shelf)
    assert [each["reason"] for each in old] == [each["reason"] for each in _left_out(shelf)]
    assert {each["outcome"]: each["remark"] and each["remark"].code for each in old} == {
        "duplicate": "same_bytes",
        "left out": None,
    }
    shelf.put({"d.png": b"GIF8"})
    shelf.run()
    assert {each["remark"] and each["remark"].code for each in _left_out(shelf)} == {
        "same_bytes", "film_empty", "film_pdf", "film_unknown"
    }  # fmt: skip


def _left_out(shelf: Shelf) -> list[Row]:
    with Archive(shelf.root) as opened:
        shelf.snapshot()
        return left_out_facts(opened.snapshot)


def test_a_reason_names_no_file_in_its_values_either(shelf: Shelf, draw: Draw) -> None:
    shelf.put({"a.png": draw(1)}, [{"file": "Erika Mustermann.png", "patient_id": "1"}])
    shelf.run()
    said = Said("odd", "{name} is odd", name="Erika Mustermann.png")
    assert "Mustermann" not in str(_left_out(shelf)) + as_json(said.replaced("Erika Mustermann.png", "the file"))
