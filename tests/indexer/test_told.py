"""Age, sex and site in an archive's vectors: told by tables, changed by them, and never required."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from engine.encoders import EncoderFiles, OnnxEmbedder
from engine.facts import UNKNOWN, Facts, FactsCode
from engine.radiograph import Header, Sex
from engine.readers import read
from engine.region import Region
from indexer.archive import open_snapshot, read_segments
from indexer.ingest import IngestReport, ingest
from indexer.prepare import Roi
from indexer.records import FilmRecord, History, Lesion, facts_of
from indexer.sources import SourceOptions, open_source
from indexer.writer import open_writer

Draw = Callable[..., bytes]
Lay = Callable[..., Path]
CODE = FactsCode(("femur", "tibia"))


@pytest.fixture(scope="session")
def carrying(encoder: EncoderFiles, tmp_path_factory: pytest.TempPathFactory) -> EncoderFiles:
    """The default encoder under a card that says its embeddings carry facts."""
    folder = tmp_path_factory.mktemp("carrying")
    card = replace(encoder.card, dimension=encoder.card.dimension + CODE.dimension, facts=CODE)
    (folder / "encoder.onnx").write_bytes(encoder.onnx.read_bytes())
    (folder / "card.json").write_text(card.to_json())
    return EncoderFiles.read(folder)


def index(source: Path, root: Path, files: EncoderFiles) -> IngestReport:
    embedder = OnnxEmbedder.open(files, threads=1)
    with open_writer(root, embedder.card, files.onnx.parent) as writer:
        listing = open_source(source, "folder", SourceOptions())
        return ingest(listing, source, "folder", Roi.whole, embedder, writer, workers=1)


def stored(root: Path) -> dict[str, npt.NDArray[np.float32]]:
    """The vector of each film of the archive by its file."""
    snapshot = open_snapshot(root)
    rows = snapshot.films.select(["file", "vector"]).to_pylist()
    parts = read_segments(root, snapshot.manifest)
    vectors = {int(n): v for ids, part in parts for n, v in zip(ids, part, strict=True)}
    snapshot.close()
    return {row["file"]: vectors[row["vector"]] for row in rows}


def expected(files: EncoderFiles, data: Sequence[bytes], facts: Sequence[Facts]) -> npt.NDArray[np.float32]:
    embedder = OnnxEmbedder.open(files, threads=1)
    films = [read(each, name="film") for each in data]
    return embedder.embed([embedder.prepare(film, Region.whole(film.shape)) for film in films], facts)


def test_vectors_carry_what_a_table_says(tmp_path: Path, lay: Lay, draw: Draw, carrying: EncoderFiles) -> None:
    rows = [
        {"file": "a.png", "patient_id": "1", "age": 12, "sex": "F", "site": "Femur"},
        {"file": "b.png", "patient_id": "2", "age": "", "sex": "", "site": ""},
    ]
    data = [draw(1), draw(2)]
    source = lay(tmp_path / "films", dict(zip(("a.png", "b.png"), data, strict=True)), rows)
    index(source, tmp_path / "archive", carrying)
    found = stored(tmp_path / "archive")
    wanted = expected(carrying, data, [Facts(12, Sex.female, ("femur",)), UNKNOWN])
    assert np.allclose([found["a.png"], found["b.png"]], wanted, atol=1e-6)
    assert not found["b.png"][-CODE.dimension :].any()


def test_one_file_of_two_patients_is_two_vectors_and_a_mended_table_makes_another(
    tmp_path: Path, lay: Lay, draw: Draw, carrying: EncoderFiles
) -> None:
    def rows(age: int) -> list[dict[str, object]]:
        return [{"file": f"{n}.png", "patient_id": n, "age": age + n} for n in range(2)]

    files = {"0.png": draw(3), "1.png": draw(3)}
    source = lay(tmp_path / "films", files, rows(20))
    assert index(source, tmp_path / "archive", carrying).embedded == 2
    assert index(source, tmp_path / "archive", carrying).embedded == 0
    lay(tmp_path / "films", files, rows(50))
    assert index(source, tmp_path / "archive", carrying).embedded == 2
    found = stored(tmp_path / "archive")
    wanted = expected(carrying, [draw(3), draw(3)], [Facts(50), Facts(51)])
    assert np.allclose([found["0.png"], found["1.png"]], wanted, atol=1e-6)


def test_encoders_of_pixels_alone_share_the_vector(tmp_path: Path, lay: Lay, draw: Draw, encoder: EncoderFiles) -> None:
    rows = [{"file": f"{n}.png", "patient_id": n, "age": 20 + n} for n in range(2)]
    source = lay(tmp_path / "films", {"0.png": draw(3), "1.png": draw(3)}, rows)
    assert index(source, tmp_path / "archive", encoder).embedded == 1


def test_facts_come_from_the_film_its_lesion_or_the_patients_only_one() -> None:
    header = Header(patient="7", age=30, sex=Sex.male)
    histories = {"7": History((Lesion("osteosarcoma", site="tibia;fibula"),))}
    bare = FilmRecord("a.png", None)
    assert facts_of(bare, header, histories) == Facts(30, Sex.male, ("tibia", "fibula"))
    assert facts_of(replace(bare, site="Hand"), header, histories).sites == ("hand",)
    assert facts_of(replace(bare, lesion=Lesion("cyst", site="femur")), header, {}).sites == ("femur",)
    assert facts_of(bare, Header(age=200), {}) == UNKNOWN
