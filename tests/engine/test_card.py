"""Model cards and embeddings."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.card import ModelCard
from engine.embeddings import Embeddings, as_queries, fuse
from engine.errors import ModelMismatch

CARD = ModelCard("m", "w", "00", 4, 224, (0.5,) * 3, (0.5,) * 3, "openvino-f32", "ImageNet", "Apache-2.0", "paper")


def test_json_round_trip() -> None:
    assert ModelCard.from_json(CARD.to_json()) == CARD


@pytest.mark.parametrize("change", [{"sha256": "01"}, {"size": 240}, {"mean": (0.4,) * 3}, {"runtime": "other"}])
def test_whatever_moves_a_vector_changes_the_fingerprint(change: dict[str, object]) -> None:
    other = replace(CARD, **change)  # type: ignore[arg-type]
    assert other.fingerprint != CARD.fingerprint
    with pytest.raises(ModelMismatch, match=CARD.fingerprint):
        CARD.require(other)


def test_words_alone_do_not() -> None:
    CARD.require(replace(CARD, paper="another", licence="MIT"))


def test_embeddings_must_be_unit_rows_of_their_model_or_shorter() -> None:
    ids = np.arange(2)
    with pytest.raises(ValueError, match="at most 1"):
        Embeddings(np.ones((2, 4), np.float32), ids, CARD)
    with pytest.raises(ValueError, match=r"\(2, 4\)"):
        Embeddings(np.ones((2, 3), np.float32), ids, CARD)
    with pytest.raises(ValueError, match="above 0"):
        Embeddings(np.zeros((2, 4), np.float32), ids, CARD)
    assert len(Embeddings(np.full((2, 4), 0.5, np.float32), ids, CARD).ids) == 2
    assert len(Embeddings(np.full((2, 4), 0.4, np.float32), ids, CARD).ids) == 2


def test_fused_query_is_the_mean_direction() -> None:
    vectors = np.eye(4, dtype=np.float32)[:2]
    fused = fuse(vectors)
    assert fused.dtype == np.float32
    np.testing.assert_allclose(fused, [0.5**0.5, 0.5**0.5, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(fuse(vectors[:1]), vectors[0])


@given(lengths=st.lists(st.floats(0.1, 1), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_a_query_finds_itself_with_similarity_one_however_long(lengths: list[float], seed: int) -> None:
    rows = np.random.default_rng(seed).standard_normal((len(lengths), 5)).astype(np.float32)
    rows *= np.array(lengths, np.float32)[:, None] / np.linalg.norm(rows, axis=1, keepdims=True)
    queries = as_queries(rows)
    assert np.einsum("nd,nd->n", queries, rows) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose([fuse(row[None]) for row in rows], queries, rtol=1e-5, atol=1e-6)
