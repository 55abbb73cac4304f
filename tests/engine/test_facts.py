"""Facts as part of a similarity: bounds, symmetry, and nothing required."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
def test_joined_vectors_are_unit_and_keep_the_pixels_order_where_nothing_is_known(rows: list[Facts], seed: int) -> None:
    vectors = np.random.default_rng(seed).standard_normal((len(rows), 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    joined = CODE.join(vectors, rows)
    assert joined.shape == (len(rows), 6 + CODE.dimension)
    assert np.allclose(np.linalg.norm(joined, axis=1), 1, atol=1e-5)
    silent = CODE.join(vectors, [UNKNOWN] * len(rows))
    assert np.allclose(silent @ silent.T, vectors @ vectors.T, atol=1e-5)


def test_impossible_facts_and_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="131"):
        Facts(131)
    with pytest.raises(ValueError, match="under 1"):
        FactsCode((), age=0.9, site=0.2)


def test_sites_are_read_as_sources_write_them() -> None:
    assert sites_of("Tibia;fibula, Knee-Joint ;") == ("tibia", "fibula", "knee-joint")
    assert sites_of(None) == sites_of(" ; ") == ()
