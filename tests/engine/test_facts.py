"""Facts as part of a similarity: bounds, symmetry, and nothing required."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.embeddings import as_queries, lengths_fit
from engine.facts import UNKNOWN, Facts, FactsCode, sites_of
from engine.radiograph import Sex

CODE = FactsCode(("femur", "tibia", "hand"), age=0.2, sex=0.02, site=0.15)
facts = st.builds(
    Facts,
    st.none() | st.floats(0, 130),
    st.none() | st.sampled_from(Sex),
    st.lists(st.sampled_from(["femur", "tibia", "hand", "skull"]), unique=True, max_size=4).map(tuple),
)


def likeness(a: Facts, b: Facts) -> float:
    one, other = CODE.encode([a, b])
    return float(one @ other)


@given(a=facts, b=facts)
def test_a_similarity_is_bounded_and_symmetric_for_any_facts(a: Facts, b: Facts) -> None:
    assert likeness(a, b) == pytest.approx(likeness(b, a), abs=1e-6)
    assert -0.02 - 1e-6 <= likeness(a, b) <= 0.37 + 1e-6
    assert likeness(a, b) <= np.sqrt(likeness(a, a) * likeness(b, b)) + 1e-6


def test_what_is_unknown_is_like_nothing() -> None:
    assert likeness(UNKNOWN, Facts(30, Sex.male, ("femur",))) == 0
    assert likeness(Facts(sites=("skull",)), Facts(sites=("skull",))) == 0


def test_equal_facts_add_their_weights() -> None:
    someone = Facts(41, Sex.female, ("tibia", "hand"))
    assert likeness(someone, someone) == pytest.approx(0.37, abs=1e-6)


def test_a_nearer_age_is_more_alike_and_a_shared_site_counts_by_its_share() -> None:
    base = Facts(20)
    falling = [likeness(base, Facts(age)) for age in (20, 24, 30, 40, 60)]
    assert falling == sorted(falling, reverse=True)
    assert falling[0] == pytest.approx(0.2)
    assert falling[-1] < 0.01
    assert likeness(Facts(sites=("femur",)), Facts(sites=("femur", "tibia"))) == pytest.approx(0.15 / np.sqrt(2))


@given(rows=st.lists(facts, min_size=1, max_size=5), seed=st.integers(0, 9))
def test_joined_vectors_are_at_most_unit_and_without_facts_keep_the_pixels_order(rows: list[Facts], seed: int) -> None:
    vectors = np.random.default_rng(seed).standard_normal((len(rows), 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    joined = CODE.join(vectors, rows)
    assert joined.shape == (len(rows), 6 + CODE.dimension)
    assert lengths_fit(joined).all()
    silent = CODE.join(vectors, [UNKNOWN] * len(rows))
    assert np.allclose(as_queries(silent) @ silent.T, vectors @ vectors.T, atol=1e-5)


def test_a_film_is_no_nearer_for_what_is_not_known_of_it() -> None:
    """A fault of before: rows were stretched to unit length, and films without facts came before films that agree."""
    pixels = np.array([[1, 0, 0], [0.8, 0.6, 0], [0.82, 0, 0.572]], np.float32)
    pixels /= np.linalg.norm(pixels, axis=1, keepdims=True)
    told = Facts(41, Sex.female, ("tibia",))
    stranger = Facts(5, Sex.male, ("femur",))
    query, agreeing, silent = CODE.join(pixels, [told, told, UNKNOWN])
    assert np.linalg.norm(query) == pytest.approx(1, abs=1e-6)
    asked = as_queries(query[None])[0]
    assert asked @ agreeing > asked @ silent
    differing = CODE.join(pixels[2:], [stranger])[0]
    assert asked @ silent == pytest.approx(asked @ differing, abs=0.03)  # sexes that differ take off their 0.02


def test_a_query_of_which_nothing_is_known_goes_by_pixels_alone() -> None:
    pixels = np.array([[1, 0, 0], [0.9, 0.43589, 0], [0.8, 0, 0.6]], np.float32)
    told = Facts(41, Sex.female, ("tibia",))
    query, near, far = CODE.join(pixels, [UNKNOWN, UNKNOWN, told])
    assert as_queries(query[None])[0] @ np.stack([near, far]).T == pytest.approx([0.9, 0.8], abs=1e-4)


def test_impossible_facts_and_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="131"):
        Facts(131)
    with pytest.raises(ValueError, match="under 1"):
        FactsCode((), age=0.9, site=0.2)


def test_sites_are_read_as_sources_write_them() -> None:
    assert sites_of("Tibia;fibula, Knee-Joint ;") == ("tibia", "fibula", "knee-joint")
    assert sites_of(None) == sites_of(" ; ") == ()
