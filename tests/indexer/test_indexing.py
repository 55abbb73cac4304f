"""An archive's index on disk: made from its vectors, opened with what came and went since, hashed before it is read."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from engine.card import ModelCard
from engine.errors import ArchiveCorrupt, ArchiveError
from indexer.archive import Snapshot, open_snapshot
from indexer.catalogue import Catalogue
from indexer.indexes import ABSENT, INDEXES, IdSet
from indexer.indexes.auto import Limits
from indexer.indexes.compact import CompactIndex
from indexer.indexes.hnsw import HnswIndex
from indexer.indexes.rows import VECTORS
from indexer.indexing import FOLDER, build_index
from indexer.manifest import read_manifest
from indexer.repair import repair
from indexer.verify import verify
from indexer.writer import ArchiveWriter, open_writer

MEAN = (0.5, 0.5, 0.5)
D = 16
CARD = ModelCard("toy", "none", "0" * 64, D, 8, MEAN, MEAN, "openvino-f32", "nothing", "none", "none")
Write = Callable[[Callable[[ArchiveWriter], None]], None]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for kind in (CompactIndex, HnswIndex):
        monkeypatch.setattr(kind, "FEW", 50)
    toy = tmp_path / "toy"
    toy.mkdir()
    for name in ("encoder.onnx", "card.json"):
        (toy / name).write_text("toy", encoding="utf-8")
    with open_writer(tmp_path / "archive", CARD, toy) as writer:
        add(writer, 300)
        writer.publish()
    return tmp_path / "archive"


def unit(seed: int) -> np.ndarray:
    vector = np.random.default_rng(seed).standard_normal(D)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def add(writer: ArchiveWriter, count: int) -> None:
    """Films with vectors of their own, each of a patient of its own."""
    rows = []
    for _ in range(count):
        film = writer.new_film()
        names = dict.fromkeys(Catalogue.column_names("films"))
        facts = {"patient": f"P{film}", "sha256": f"{film:064x}", "stage": "unknown", "region": "whole"}
        rows.append(names | facts | {"film": film, "vector": writer.add_vector(unit(film))})
    writer.catalogue.insert("films", rows)
    people = [dict.fromkeys(Catalogue.column_names("patients")) | {"patient": row["patient"]} for row in rows]
    writer.catalogue.insert("patients", people)


def write(root: Path, change: Callable[[ArchiveWriter], None]) -> None:
    with open_writer(root, CARD, root / "encoder") as writer:
        change(writer)


def tuned(root: Path, name: str) -> None:
    make = partial(build_index, root, name=name, limits=Limits(0.95))
    write(root, lambda writer: writer.publish(indexed=make))


def finds_itself(snapshot: Snapshot, films: range) -> float:
    queries = np.stack([unit(film) for film in films])
    ids, _ = snapshot.index.search(queries, 1)
    return float(np.mean(ids[:, 0] == np.array(films)))


def test_a_server_is_for_milvus_alone(root: Path) -> None:
    make = partial(build_index, root, name="compact", server="http://127.0.0.1:1")
    with pytest.raises(ArchiveError, match="not at http://127.0.0.1:1; name 'milvus'"):
        write(root, lambda writer: writer.publish(indexed=make))


@pytest.mark.skipif("milvus" not in INDEXES, reason=ABSENT.get("milvus", ""))
def test_an_index_is_put_where_its_server_is(root: Path, tmp_path: Path) -> None:
    write(root, lambda writer: add(writer, 30))
    place = tmp_path / "elsewhere.db"  # Milvus Lite's address; a server's is http://
    make = partial(build_index, root, name="milvus", server=str(place))
    write(root, lambda writer: writer.publish(indexed=make))
    assert place.exists()
    snapshot = open_snapshot(root)
    assert snapshot.manifest.index.name == "milvus"
    assert finds_itself(snapshot, range(30)) == 1
    snapshot.close()


@pytest.mark.parametrize("name", ["compact", "hnsw"])
def test_opens_with_what_came_and_went_since(root: Path, name: str) -> None:
    tuned(root, name)
    write(root, lambda writer: (add(writer, 5), writer.publish())[1])
    write(root, lambda writer: (writer.catalogue.delete("films", "film", range(20)), writer.publish())[1])
    snapshot = open_snapshot(root)
    assert snapshot.manifest.index.name == snapshot.index.name == name
    assert sorted(snapshot.index.ids.tolist()) == list(range(20, 305))
    assert finds_itself(snapshot, range(300, 305)) == 1
    assert finds_itself(snapshot, range(20, 300)) >= 0.95
    among = IdSet(np.arange(40, dtype=np.int64))
    assert set(snapshot.index.search(unit(3)[None], 30, among)[0][0].tolist()) <= {-1, *range(20, 40)}
    snapshot.close()


def test_a_later_index_takes_the_place_of_the_first(root: Path) -> None:
    tuned(root, "compact")
    first = read_manifest(root).index.files[0].path
    for _ in range(4):
        tuned(root, "hnsw")
    assert not (root / first).exists()
    assert len(list((root / FOLDER).iterdir())) <= 3
    tuned(root, "exact")
    facts = read_manifest(root).index
    assert (facts.name, facts.files) == ("exact", ())
    open_snapshot(root).close()


def test_limits_choose(root: Path) -> None:
    told = []
    make = partial(build_index, root, limits=Limits(0.9), told=told.append)
    write(root, lambda writer: writer.publish(indexed=make))
    assert (told[0].name, read_manifest(root).index.name) == ("exact", "exact")
    assert "few enough" in read_manifest(root).index.why


def test_an_unknown_or_absent_index_is_refused_with_the_cure(root: Path) -> None:
    with pytest.raises(ArchiveError, match="no index 'fastest'; choose one of auto, exact"):
        tuned(root, "fastest")
    with pytest.raises(ArchiveError, match="'gpu' cannot be used here"):
        tuned(root, "gpu")
    assert read_manifest(root).version == 1


def test_every_changed_file_is_named_and_made_again(root: Path) -> None:
    tuned(root, "compact")
    for file in read_manifest(root).index.files:
        path = root / file.path
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 4
        path.write_bytes(data)
        if path.name != VECTORS:
            with pytest.raises(ArchiveCorrupt, match=path.name):
                open_snapshot(root)
        assert [finding.path for finding in verify(root).findings] == [file.path]
        data[len(data) // 2] ^= 4
        path.write_bytes(data)
    broken = read_manifest(root).index.files[:2]
    for file in broken:
        (root / file.path).write_bytes(b"nothing")
    done = repair(root)
    assert [(one.path, one.mended) for one in done] == [(file.path, True) for file in broken]
    assert verify(root).whole
    snapshot = open_snapshot(root)
    assert finds_itself(snapshot, range(300)) >= 0.95
    snapshot.close()


def test_a_folder_that_is_gone_is_named(root: Path) -> None:
    tuned(root, "hnsw")
    for file in read_manifest(root).index.files:
        if file.path.endswith(VECTORS):
            (root / file.path).unlink()
    with pytest.raises(ArchiveCorrupt, match="indexes/"):
        open_snapshot(root)


@pytest.mark.parametrize("name", ["compact", "hnsw"])
def test_an_erased_patient_is_in_no_file_of_the_index(root: Path, name: str) -> None:
    tuned(root, name)
    write(root, lambda writer: writer.erase("P7") and None)
    facts = read_manifest(root).index
    assert facts.name == name
    written = b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())
    assert unit(7).tobytes()[:16] not in written
    assert unit(8).tobytes()[:16] in written
    snapshot = open_snapshot(root)
    assert 7 not in snapshot.index.ids
    assert finds_itself(snapshot, range(8, 300)) >= 0.95
    snapshot.close()
    assert verify(root).whole


def test_what_a_killed_tuning_left_is_swept(root: Path) -> None:
    left = root / FOLDER / "000009"
    left.mkdir(parents=True)
    (left / "graph.faiss").write_bytes(b"half")
    write(root, lambda writer: writer.publish())
    assert not left.exists()
