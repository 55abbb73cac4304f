"""What is held and asked: an archive's vectors, drawn ones, and the truth about both."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks._archive import make_archive
from benchmarks.ann import data
from benchmarks.ann.data import BASE, KTH, QUERIES, asked_by, from_arrays, make, read, recall, truth
from engine.embeddings import Vectors
from engine.encoders import encoder_files
from engine.errors import ArchiveError
from indexer.archive import open_snapshot

K = 10


def unit(n: int, seed: int) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(n, 256))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, encoder_cache: Path) -> Path:
    root = tmp_path_factory.mktemp("ann") / "archive"
    make_archive(root, 400, encoder_files("default", encoder_cache), seed=3)
    return root


def test_truth_is_found_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "AT_ONCE", 7)
    base, queries = unit(100, 0), unit(9, 1)
    expected = np.argsort(-(queries.astype(np.float64) @ base.T), axis=1)[:, :K]
    assert np.array_equal(truth(base, queries, K), expected)


def test_recall_counts_ties_and_nothing_twice() -> None:
    base = np.eye(256, dtype=np.float32)[[0, 1, 1, 2, 3]]
    queries = np.eye(256, dtype=np.float32)[[1, 2]]
    kth = np.array([1.0, 0.0])
    assert recall(base, queries, kth, np.array([[1, 2], [3, 0]])) == 1
    assert recall(base, queries, kth, np.array([[2, 1], [0, 3]])) == 1
    assert recall(base, queries, kth, np.array([[1, 1], [3, -1]])) == 0.5
    assert recall(base, queries, kth, np.array([[0, 3], [-1, -1]])) == 0


def test_archives_vectors_are_read_once_each_with_their_patient(archive: Path) -> None:
    vectors, patients = read(archive)
    snapshot = open_snapshot(archive)
    held = np.unique(snapshot.vector)
    assert vectors.shape == (len(held), snapshot.manifest.card.dimension) and vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(held)), abs=1e-5)
    ids, _ = snapshot.index.search(vectors[:50], 1)
    assert ids[:, 0].tolist() == held[:50].tolist()
    whose = {int(vector): int(patient) for vector, patient in zip(snapshot.vector, snapshot.patient, strict=True)}
    assert patients.tolist() == [whose[int(vector)] for vector in held]
    snapshot.catalogue.close()


def test_archives_own_patients_ask_the_others(archive: Path, tmp_path: Path) -> None:
    made = make(archive, None, 50, K, tmp_path)
    _, patients = read(archive)
    asking = asked_by(patients, 0)
    assert not set(patients[asking].tolist()) & set(patients[~asking].tolist())
    assert made.n == (~asking).sum() == len(np.load(tmp_path / BASE))
    assert len(np.load(tmp_path / QUERIES)) == min(50, asking.sum())
    assert made.name == "archive" and made.alike is None


def test_drawn_ones_are_files_that_facts_tell_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "read", lambda _: (unit(300, 5), np.arange(300, dtype=np.int64) // 2))
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    one, same, other = (
        make(tmp_path, 500, 20, K, folder, seed) for folder, seed in zip(folders, (1, 1, 2), strict=True)
    )
    assert one.facts == same.facts != other.facts
    assert one.alike is not None and {"real", "drawn"} <= set(one.alike)
    base, queries = np.load(folders[0] / BASE), np.load(folders[0] / QUERIES)
    assert base.shape == (500, 256)
    expected = np.sort(queries @ base.T, axis=1)[:, -K]
    assert np.load(folders[0] / KTH) == pytest.approx(expected, abs=1e-5)


def test_no_archive_and_too_few_vectors_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="caselink index"):
        make(None, 1000, 10, K, tmp_path)
    with pytest.raises(ArchiveError, match="9 vectors have no 10 nearest"):
        from_arrays("drawn", unit(9, 0), unit(2, 1), K, tmp_path)
