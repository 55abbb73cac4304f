"""A dozen films of a source, and what an archive of them holds."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.encoders import EncoderFiles, OnnxEmbedder
from engine.facts import FactsCode
from indexer.archive import open_snapshot, read_segments
from indexer.bulk import Bulk, Runner, bulk_ingest
from indexer.ingest import IngestReport, Progress, ingest
from indexer.packs import COLUMNS, Place, read_picture
from indexer.prepare import Roi
from indexer.sources import open_place, open_source
from indexer.synthetic import generate
from indexer.writer import open_writer

Fill = Callable[..., IngestReport]
TABLES = ("patients", "lesions", "events", "ledger", "near")


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory, draw: Callable[..., bytes]) -> Path:
    """SYNTHETIC patients' films as DICOM whose headers alone say whose they are; a broken one, a copy, a picture."""
    root = tmp_path_factory.mktemp("bulk") / "cohort"
    generate(root, n_patients=4, seed=3, workers=1)
    (root / "films.csv").unlink()
    films = sorted((root / "films").rglob("*.dcm"))
    (root / "films" / "broken.dcm").write_bytes(films[0].read_bytes()[:2000])
    shutil.copy(films[1], root / "films" / "copy.dcm")
    (root / "films" / "picture.png").write_bytes(draw(1))
    return root


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory, encoder: EncoderFiles) -> EncoderFiles:
    """The default encoder, but that age, sex and site join its vectors."""
    folder = tmp_path_factory.mktemp("told")
    code = FactsCode(("femur", "tibia", "humerus"))
    card = replace(encoder.card, facts=code, dimension=encoder.card.dimension + code.dimension)
    shutil.copy(encoder.onnx, folder / "encoder.onnx")
    (folder / "card.json").write_text(card.to_json(), encoding="utf-8")
    return EncoderFiles.read(folder)


@pytest.fixture(scope="session")
def fill(tmp_path_factory: pytest.TempPathFactory, encoder: EncoderFiles) -> Fill:
    """Indexes a source into an archive, in threads or by a runner; all archives have one key."""
    key = tmp_path_factory.mktemp("key") / "private"
    key.mkdir()
    (key / "pseudonym.key").write_text("ab" * 32)

    def run(source: Path | str, root: Path, runner: Runner | None = None, **more: Any) -> IngestReport:
        with opened(source, root, runner, key, more.pop("encoder", encoder), more.pop("size", 4)) as go:
            return go(**more)

    return run


@contextmanager
def opened(
    source: Path | str, root: Path, runner: Runner | None, key: Path, encoder: EncoderFiles, size: int
) -> Iterator[Callable[..., IngestReport]]:
    if not root.exists():
        shutil.copytree(key, root / "private")
    embedder = OnnxEmbedder.open(encoder, threads=1)
    with open_place(str(source)) as place, open_writer(root, embedder.card, encoder.onnx.parent) as writer:

        def go(
            roi: Roi = Roi.whole,
            listen: Callable[[Progress], None] = lambda _: None,
            counts: list[int] | None = None,
            layout: str = "auto",
        ) -> IngestReport:
            listing = open_source(place.folder, layout)
            if runner is None:
                return ingest(listing, place, layout, roi, embedder, writer, listen, workers=2)
            bulk = Bulk(writer, place, listing.issuer, runner, size)
            try:
                return bulk_ingest(bulk, listing, layout, roi, embedder, listen)
            finally:
                if counts is not None:
                    counts[:] = [bulk.found, bulk.made]

        yield go


@pytest.fixture(scope="session")
def holds() -> Callable[[Path], dict[str, Any]]:
    """All that an archive holds, vectors and pictures as bytes."""

    def read(root: Path) -> dict[str, Any]:
        snapshot = open_snapshot(root)
        films = snapshot.films.to_pylist()
        parts = read_segments(root, snapshot.manifest)
        vectors = {int(n): v.tobytes() for ids, rows in parts for n, v in zip(ids, rows, strict=True)}
        tables = {name: sorted(map(str, snapshot.catalogue.rows(f"SELECT * FROM {name}"))) for name in TABLES}
        snapshot.catalogue.close()
        pictures = [read_picture(root, Place(*(film[name] for name in COLUMNS))) for film in films]
        return tables | {"films": films, "vectors": vectors, "pictures": pictures}

    return read


@pytest.fixture(scope="session")
def same() -> Callable[[IngestReport, IngestReport], bool]:
    """Whether two reports differ in nothing but the time taken."""
    return lambda one, other: replace(one, seconds=0.0) == replace(other, seconds=0.0)
