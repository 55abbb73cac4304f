"""Model cards and embeddings."""

from dataclasses import replace

import numpy as np
import pytest

from engine.card import ModelCard
from engine.embeddings import Embeddings, fuse
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


def test_embeddings_must_be_unit_rows_of_their_model() -> None:
    ids = np.arange(2)
    with pytest.raises(ValueError, match="unit length"):
        Embeddings(np.ones((2, 4), np.float32), ids, CARD)
    with pytest.raises(ValueError, match=r"\(2, 4\)"):
        Embeddings(np.ones((2, 3), np.float32), ids, CARD)
    assert len(Embeddings(np.full((2, 4), 0.5, np.float32), ids, CARD).ids) == 2


def test_fused_query_is_the_mean_direction() -> None:
    vectors = np.eye(4, dtype=np.float32)[:2]
    fused = fuse(vectors)
    assert fused.dtype == np.float32
    np.testing.assert_allclose(fused, [0.5**0.5, 0.5**0.5, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(fuse(vectors[:1]), vectors[0])
