"""The Milvus index beyond the contract: what versions can, filters of every size, files, and other processes."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from engine.embeddings import Ids, Vectors
from engine.errors import ArchiveBusy, ArchiveCorrupt, ArchiveError, IndexUnsupported, QueryError
from indexer.indexes import INDEXES, IdSet, MilvusIndex, milvus, milvus_server
from indexer.indexes.milvus import unavailable
from indexer.indexes.milvus_server import Capabilities, lite_capabilities, server_capabilities

needs_milvus = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))
Make = Callable[..., MilvusIndex]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[MilvusIndex] = []

    def index(*given: object, **more: object) -> MilvusIndex:
        made.append(MilvusIndex(*given, **more))  # type: ignore[arg-type]
        return made[-1]

    yield index
    for each in made:
        each.close()


def unit(seed: int, n: int, d: int) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(n, d))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def nearest(vectors: Vectors, queries: Vectors, k: int, among: Ids) -> list[list[int]]:
    near = queries @ vectors[among].T
    return [among[np.argsort(-row)[:k]].tolist() for row in near]


# --- what versions can ---------------------------------------------------------------------------------------------


def test_milvus_lite_3_has_graphs_and_no_binary_vectors() -> None:
    can = lite_capabilities("3.2.2")
    assert can.chosen(None) == "HNSW" and can.files and not can.compares_few
    can.check_bits(None)
    with pytest.raises(
        IndexUnsupported, match="Milvus Lite 3.2.2 holds no binary vectors, so no signatures of 256 bit"
    ):
        can.check_bits(256)


def test_milvus_lite_2_has_binary_vectors_and_no_graphs() -> None:
    can = lite_capabilities("2.5.1")
    assert can.chosen(None) == "FLAT" and can.chosen("IVF_FLAT") == "IVF_FLAT"
    can.check_bits(256)
    with pytest.raises(
        IndexUnsupported, match="Milvus Lite 2.5.1 has no index 'HNSW', only FLAT, IVF_FLAT; ask for on"
    ):
        can.chosen("HNSW")
    for bits in (4, 12, 4104):
        with pytest.raises(
            IndexUnsupported, match=f"signatures of {bits} bits cannot be held; ask for a multiple of 8"
        ):
            can.check_bits(bits)


@pytest.mark.parametrize("number", ["2.5.4", "v2.6.0", "v2.5-dev", "unknown"])
def test_a_server_can_all(number: str) -> None:
    can = server_capabilities(number)
    assert can.chosen(None) == "HNSW" and can.binary and can.compares_few and not can.files


@pytest.mark.parametrize("number", ["v2.4.9", "1.1.0"])
def test_an_old_server_is_refused(number: str) -> None:
    with pytest.raises(
        IndexUnsupported, match=f"Milvus {number} has no missing values in columns; use a server of 2.5"
    ):
        server_capabilities(number)


def test_capabilities_without_exact_search_are_none() -> None:
    with pytest.raises(ValueError, match="without FLAT"):
        Capabilities("x", frozenset({"HNSW"}), True, True, True)


def test_without_the_library_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(milvus_server, "find_spec", lambda name: None)
    assert unavailable() == "pymilvus and milvus_lite not installed; " + milvus_server.CURE
    milvus_server.library.cache_clear()
    with pytest.raises(IndexUnsupported, match="pymilvus and milvus_lite not installed; install the extra `scale`"):
        MilvusIndex(4)


def test_registered_only_where_it_is_installed() -> None:
    assert ("milvus" in INDEXES) == (unavailable() is None)


def test_importing_the_registry_imports_no_pymilvus() -> None:
    code = "import indexer.indexes, sys; print([m for m in ('pymilvus', 'milvus_lite') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@needs_milvus
def test_a_schema_with_signatures_has_a_binary_field(make: Make) -> None:
    table = make(16)._table
    table.bits = 64
    fields = {field.name: field.params for field in table.schema().fields}
    assert fields["signature"] == {"dim": 64} and fields["vector"] == {"dim": 16}


@needs_milvus
def test_what_the_version_cannot_is_refused_plainly(make: Make) -> None:
    with pytest.raises(IndexUnsupported, match="has no index 'DISKANN', only FLAT, HNSW, IVF_FLAT"):
        make(4, index_type="DISKANN")
    with pytest.raises(IndexUnsupported, match="holds no binary vectors"):
        make(4, bits=64)
    with pytest.raises(IndexUnsupported, match="the index holds no signatures; make it with `bits`"):
        make(4).search_signatures(unit(0, 1, 4), 3)


# --- filters of every size -----------------------------------------------------------------------------------------


@needs_milvus
@pytest.mark.parametrize("kind", ["FLAT", "HNSW", "IVF_FLAT"])
@pytest.mark.parametrize("size", [0, 1, 5, 60, 240, 295, 300])
def test_a_filter_of_any_size_is_exact(
    loaded: dict[str, MilvusIndex], monkeypatch: pytest.MonkeyPatch, kind: str, size: int
) -> None:
    # short lists, so that several expressions are merged; few compared here, so that graphs search too
    monkeypatch.setattr(milvus, "LONGEST_LIST", 50)
    monkeypatch.setattr(milvus, "FEW", 4)
    monkeypatch.setattr(milvus, "FEW_SHARE", 1000)
    vectors, queries = unit(1, 300, 8), unit(2, 3, 8)
    allowed = np.random.default_rng(size).choice(300, size, replace=False).astype(np.int64)
    ids, near = loaded[kind].search(queries, 10, IdSet(np.append(allowed, 5000)))
    assert {*ids.ravel().tolist()} <= {-1, *allowed.tolist()}
    expected = nearest(vectors, queries, 10, allowed)
    if kind != "IVF_FLAT":  # lists that are not looked into may hold a nearer one
        assert [[each for each in row if each >= 0] for row in ids.tolist()] == expected
    assert (ids >= 0).sum(axis=1).tolist() == [min(10, size)] * 3
    assert np.isneginf(near[ids < 0]).all()


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, MilvusIndex]]:
    """An index of each kind, reopened, so that what it searches is what it built and not rows in memory."""
    made = {}
    for kind in ("FLAT", "HNSW", "IVF_FLAT"):
        folder = tmp_path_factory.mktemp(kind)
        index = MilvusIndex(8, index_type=kind)
        index.build(unit(1, 300, 8), np.arange(300, dtype=np.int64))
        index.save(folder)
        index.close()
        made[kind] = MilvusIndex.load(folder, 8)
    yield made
    for index in made.values():
        index.close()


@needs_milvus
def test_rows_that_a_graph_does_not_reach_are_still_found(make: Make, tmp_path: Path) -> None:
    # many twins about one direction: a graph's walk ends among them
    vectors = np.concatenate([np.tile(unit(0, 1, 4), (2400, 1)), unit(1, 5, 4)])
    first = make(4, index_type="HNSW")
    first.build(vectors, np.arange(2405, dtype=np.int64), {"sex": ["F"] * 2400 + ["M"] * 5})
    first.save(tmp_path)
    index = MilvusIndex.load(tmp_path, 4)
    for found in (
        index.search(vectors[:1], 5, IdSet(np.arange(2400, 2405)))[0],
        index.search_where(vectors[:1], 5, "sex = 'M'")[0],
    ):
        assert found.tolist() == nearest(vectors, vectors[:1], 5, np.arange(2400, 2405))
    assert index.search_where(vectors[:1], 5, "sex is null")[0].tolist() == [[-1] * 5]
    ids, _ = index.search(vectors[:1], 2405)
    assert sorted(ids[0].tolist()) == list(range(2405))
    index.close()


@needs_milvus
def test_more_neighbours_than_milvus_gives_are_refused(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(milvus, "MOST_K", 5)
    index = make(4)
    index.add(unit(0, 6, 4), np.arange(6, dtype=np.int64))
    assert index.search(unit(1, 1, 4), 5)[0].shape == (1, 5)
    with pytest.raises(QueryError, match="6 neighbours are over 5, the most that Milvus gives; ask for fewer"):
        index.search(unit(1, 1, 4), 7)


@needs_milvus
def test_searches_in_several_threads(loaded: dict[str, MilvusIndex]) -> None:
    vectors = unit(1, 300, 8)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda i: loaded["HNSW"].search(vectors[i : i + 1], 1)[0][0, 0], range(40)))
    assert found == list(range(40))


@needs_milvus
def test_says_which_way_it_went(make: Make) -> None:
    index = make(4)
    index.add(unit(0, 30, 4), np.arange(30, dtype=np.int64))
    assert index.way(5).startswith("HNSW of Milvus Lite")
    assert index.way(5, IdSet(np.arange(3))).startswith("those that may answer compared, held by Milvus Lite")
    assert make(4, index_type="FLAT").way(5, IdSet(np.arange(3))).endswith("within those that may answer")


@needs_milvus
def test_an_id_is_held_once(make: Make) -> None:
    index = make(4)
    index.add(unit(0, 2, 4), np.array([4, 5]))
    for ids in ([5, 6], [7, 7]):
        with pytest.raises(ValueError, match="each must be new"):
            index.add(unit(1, 2, 4), np.array(ids))
    assert len(index) == 2


# --- files ---------------------------------------------------------------------------------------------------------


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@needs_milvus
def test_saved_files_hold_columns_and_no_removed_vector(make: Make, tmp_path: Path) -> None:
    vectors, ids = unit(0, 40, 16), np.arange(40, dtype=np.int64)
    index = make(16)
    index.build(vectors, ids, {"age": [float(i) if i % 2 else None for i in range(40)]})
    index.remove(ids[:3])
    index.save(tmp_path)
    written = all_bytes(tmp_path)
    assert not any(vector.tobytes()[:16] in written for vector in vectors[:3])
    assert all(vector.tobytes()[:16] in written for vector in vectors[3:])
    assert {path.name for path in tmp_path.iterdir()} == {"milvus.json", "milvus.db"}
    loaded = MilvusIndex.load(tmp_path, 16)
    for each in (index, loaded):  # saving leaves the index as it was
        found, _ = each.search_where(vectors[:1], 40, "age < 10")
        assert sorted(found[0][found[0] >= 0].tolist()) == [3, 5, 7, 9]
    loaded.add(vectors[:1], ids[:1], {"age": [2.0]})
    assert len(loaded) == 38 and loaded.search_where(vectors[:1], 1, "age = 2")[0].tolist() == [[0]]
    assert all_bytes(tmp_path) == written
    # what is in its files already, Milvus Lite leaves there when it is removed
    loaded.remove(ids[5:8])
    (tmp_path / "again").mkdir()
    loaded.save(tmp_path / "again")
    loaded.close()
    written = all_bytes(tmp_path / "again")
    assert [i for i in range(40) if vectors[i].tobytes()[:16] in written] == [0, 3, 4, *range(8, 40)]


@needs_milvus
def test_saving_twice_without_removals_copies_the_files(make: Make, tmp_path: Path) -> None:
    index = make(4)
    for n in range(2):
        index.add(unit(n, 5, 4), np.arange(5, dtype=np.int64) + 5 * n)
        (tmp_path / str(n)).mkdir()
        index.save(tmp_path / str(n))
        assert index.search(unit(n, 1, 4), 1)[0].tolist() == [[5 * n]] or n == 0
    for n in range(2):
        loaded = MilvusIndex.load(tmp_path / str(n), 4)
        assert len(loaded) == 5 * (n + 1)
        loaded.close()


@needs_milvus
def test_files_that_do_not_belong_together_are_refused(make: Make, tmp_path: Path) -> None:
    with pytest.raises(ArchiveCorrupt, match=r"milvus.json is missing or not of format 1"):
        MilvusIndex.load(tmp_path, 4)
    index = make(4)
    index.add(unit(0, 5, 4), np.arange(5, dtype=np.int64))
    index.save(tmp_path)
    with pytest.raises(ArchiveCorrupt, match="of 4 numbers a vector, not 5"):
        MilvusIndex.load(tmp_path, 5)
    file = tmp_path / "milvus.json"
    good = json.loads(file.read_text(encoding="utf-8"))
    for change, error, said in (
        ({"rows": 6}, ArchiveCorrupt, "holds 5 rows of 6 saved"),
        ({"format": 2}, ArchiveCorrupt, "not of format 1"),
        ({"index_type": "FLAT"}, ArchiveCorrupt, "open it as it is, or build another"),
        ({"written_by": "Milvus Lite 2.5.1"}, IndexUnsupported, r"saved by Milvus Lite 2.5.1, this is Milvus Lite 3"),
    ):
        file.write_text(json.dumps(good | change), encoding="utf-8")
        with pytest.raises(error, match=said):
            MilvusIndex.load(tmp_path, 4)
    file.write_text(json.dumps(good), encoding="utf-8")
    (tmp_path / "milvus.db").rename(tmp_path / "moved.db")
    with pytest.raises(ArchiveCorrupt, match=r"milvus.db is not beside milvus.json"):
        MilvusIndex.load(tmp_path, 4)


# --- addresses -----------------------------------------------------------------------------------------------------


@needs_milvus
def test_a_database_in_a_place_goes_on_where_it_was_left(make: Make, tmp_path: Path) -> None:
    place = str(tmp_path / "films.db")
    vectors = unit(0, 20, 4)
    first = make(4, place)
    first.add(vectors[:10], np.arange(10, dtype=np.int64))
    with pytest.raises(ArchiveBusy, match=r"films.db' is open elsewhere; close it there first"):
        make(4, place)
    first.close()
    first.close()
    second = make(4, place)
    second.remove(np.array([3]))
    second.close()
    again = make(4, place)
    assert len(again) == 9
    again.add(vectors[10:], np.arange(10, 20, dtype=np.int64))
    assert again.search(vectors[12:13], 1)[0].tolist() == [[12]]
    (tmp_path / "saved").mkdir()
    again.save(tmp_path / "saved")
    written = all_bytes(tmp_path / "saved")
    assert vectors[3].tobytes() not in written and vectors[4].tobytes() in written
    again.close()
    with pytest.raises(ArchiveCorrupt, match="open it as it is, or build another"):
        make(5, place)


@needs_milvus
@pytest.mark.parametrize(
    ("address", "error", "said"),
    [
        ("nowhere/there/films.db", ArchiveError, "is no place for a database; name a file .db in a folder"),
        ("films.sqlite", ArchiveError, "is no place for a database"),
        ("http://user:secret@host:19530", ArchiveError, "holds a password, which the index would save"),
        ("http://127.0.0.1:9", ArchiveError, "Milvus refused to open 'http://127.0.0.1:9': "),
    ],
)
def test_addresses_that_lead_nowhere(make: Make, address: str, error: type[ArchiveError], said: str) -> None:
    with pytest.raises(error, match=said) as caught:
        make(4, address)
    assert "secret" not in str(caught.value)


@needs_milvus
def test_temporary_files_go_with_the_index(tmp_path: Path) -> None:
    code = f"""
import tempfile, weakref, numpy as np
from pathlib import Path
from indexer.indexes import MilvusIndex
tempfile.tempdir = {str(tmp_path)!r}
indexes = [MilvusIndex(4) for _ in range(3)]
for index in indexes:
    index.add(np.eye(4, dtype=np.float32), np.arange(4))
count = lambda: len(list(Path(tempfile.tempdir).iterdir()))
print(count())
indexes[0].close()
print(count())
del indexes[1]
print(count())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split() == ["3", "2", "1"]
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
