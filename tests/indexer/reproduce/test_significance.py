import pytest

from engine.errors import QueryError
from indexer.reproduce.significance import significance

HAND = {"a": [0.60, 0.62, 0.64], "b": [0.50, 0.52, 0.54], "c": [0.61, 0.63, 0.65]}


def test_anova_is_the_f_of_the_textbook() -> None:
    # between: 3 * ((.62-.59)^2 + (.52-.59)^2 + (.63-.59)^2) = .0222, 2 degrees; within: 3 * .0008 = .0024, 6 degrees
    f = (0.0222 / 2) / (0.0024 / 6)
    assert f == pytest.approx(27.75)
    # survival of F with 2 and 6 degrees: (1 + 2 f / 6) ** -3
    assert significance(HAND).anova == pytest.approx((1 + f / 3) ** -3, rel=1e-9)


def test_tukey_names_the_pairs_that_differ() -> None:
    found = {(pair.one, pair.other): pair for pair in significance(HAND).pairs}
    assert set(found) == {("a", "b"), ("a", "c"), ("b", "c")}
    one = found["a", "b"]
    assert one.difference == pytest.approx(0.10)
    # half width: the studentised range q(.05; 3, 6) = 4.339 of the tables, times sqrt(within / n)
    half = 4.339 * (0.0004 / 3) ** 0.5
    assert (one.low, one.high) == pytest.approx((0.10 - half, 0.10 + half), abs=2e-5)
    assert one.p < 0.01
    assert found["a", "c"].p > 0.5
    assert found["a", "c"].low < 0 < found["a", "c"].high


def test_shapiro_of_three_values_in_even_steps_is_one() -> None:
    assert significance(HAND).normal == pytest.approx({"a": 1, "b": 1, "c": 1}, abs=1e-6)


def test_models_that_never_vary_are_said_to_be_equal() -> None:
    found = significance({"a": [0.5] * 3, "b": [0.5, 0.6, 0.8]})
    assert found.normal["a"] is None
    assert found.normal["b"] is not None
    assert found.anova is not None
    still = significance({"a": [0.5] * 3, "b": [0.6] * 3})
    assert (still.normal, still.anova, still.pairs) == ({"a": None, "b": None}, None, ())


@pytest.mark.parametrize("values", [{"a": [1.0, 2.0, 3.0]}, {"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0]}, {}])
def test_too_few_values_are_refused(values: dict[str, list[float]]) -> None:
    with pytest.raises(QueryError, match="3 values each"):
        significance(values)
