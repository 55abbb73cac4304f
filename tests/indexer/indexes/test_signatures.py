import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import QueryError
from indexer.indexes import signatures as lsh


def unit(seed: int, n: int, d: int = 16) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@given(st.integers(0, 1000), st.integers(1, 9), st.integers(1, 9), st.integers(1, 5))
def test_distances_are_those_of_bits_counted_one_by_one(seed: int, m: int, n: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.integers(0, 256, (rows, width), dtype=np.uint8) for rows in (m, n))
    plain = [[sum(bin(int(x) ^ int(y)).count("1") for x, y in zip(p, q, strict=True)) for q in b] for p in a]
    assert lsh.hamming(a, b).tolist() == plain


def test_many_queries_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = lsh.signatures(unit(0, 12), 64)
    whole = lsh.hamming(codes, codes)
    monkeypatch.setattr(lsh, "HELD", 200)  # two rows at once
    assert (lsh.hamming(codes, codes) == whole).all()


def test_distance_tells_the_angle() -> None:
    first, second = unit(1, 1), unit(2, 1)
    apart = lsh.hamming(lsh.signatures(first, 4096), lsh.signatures(second, 4096))[0, 0] / 4096
    angle = np.arccos(float(first[0] @ second[0])) / np.pi  # Charikar 2002: the chance that a bit differs
    assert apart == pytest.approx(angle, abs=0.04)
    assert lsh.hamming(lsh.signatures(first), lsh.signatures(first)).item() == 0
    assert lsh.hamming(lsh.signatures(first), lsh.signatures(-first)).item() == lsh.BITS


def test_signatures_are_the_same_again_and_hold_the_bits() -> None:
    vectors = unit(3, 5)
    assert lsh.signatures(vectors, 60).shape == (5, 8)
    assert (lsh.signatures(vectors, 64) == lsh.signatures(vectors, 64)).all()


@pytest.mark.parametrize("bits", [0, 7, 4097])
def test_bits_that_make_no_hash_are_refused(bits: int) -> None:
    with pytest.raises(QueryError, match=f"{bits} bits"):
        lsh.signatures(unit(0, 2), bits)


def test_more_bits_keep_more_neighbours() -> None:
    table, queries = unit(4, 300), unit(5, 40)
    few, many = lsh.kept(queries, table, bits=16), lsh.kept(queries, table, bits=2048)
    assert 0 < few < many <= 1
    assert many > 0.6
    assert lsh.kept(queries, table[:5]) == 1  # all there are


@pytest.mark.parametrize("planes", list(lsh.Planes))
def test_signers_set_a_bit_above_each_plane(planes: lsh.Planes) -> None:
    vectors = unit(3, 400, 64)
    signer = lsh.Signer.fit(vectors, 256, planes)
    codes = signer(vectors[:20])
    assert (codes.shape, signer.bits) == ((20, 32), 256)
    for vector, code in zip(vectors[:20].astype(np.float64), codes, strict=True):
        above = vector @ signer.normals.astype(np.float64) - signer.offsets
        clear = np.abs(above) > 1e-5
        assert (np.unpackbits(code, bitorder="little").astype(bool)[clear] == (above > 0)[clear]).all()
    assert (lsh.Signer.fit(vectors, 256, planes).normals == signer.normals).all()


def test_parallel_planes_order_better_than_random_ones() -> None:
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(3000, 64)) / np.arange(1, 65)
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    queries, table = rows[:50], rows[50:]
    exact = np.argsort(-(queries @ table.T), axis=1)[:, :10]

    def found(planes: lsh.Planes) -> float:
        signer = lsh.Signer.fit(table, 256, planes)
        near = np.argsort(lsh.hamming(signer(queries), signer(table)), axis=1, kind="stable")[:, :100]
        return float(np.mean([len(np.intersect1d(a, b)) / 10 for a, b in zip(exact, near, strict=True)]))

    assert found(lsh.Planes.parallel) > found(lsh.Planes.random)


def test_random_planes_are_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[int, ...]] = []
    plain = faiss.IndexLSH
    monkeypatch.setattr(faiss, "IndexLSH", lambda *sizes: (drawn.append(sizes), plain(*sizes))[1])
    vectors = np.random.default_rng(5).normal(size=(3, 37)).astype(np.float32)
    for _ in range(4):
        lsh.signatures(vectors, 72)
    assert drawn == [(37, 72)]
