import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, precision_score, recall_score

from indexer.reproduce.scores import Spread, answers, commonest, confusion, spreads


def names(text: str) -> np.ndarray:
    return np.array([None if letter == "-" else letter for letter in text], dtype=object)


def test_by_hand() -> None:
    found = answers(names("aaab"), names("aabb"))
    assert found.accuracy == 0.75
    assert found.macro_precision == pytest.approx((1 + 0.5) / 2)
    assert found.macro_recall == pytest.approx((2 / 3 + 1) / 2)


@pytest.mark.parametrize("seed", range(5))
def test_as_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, said = (names("".join(rng.choice(list("abcd"), 60))) for _ in range(2))
    found, labels = answers(truth, said), sorted(set(truth))
    how = {"labels": labels, "average": "macro", "zero_division": 0}
    pair = truth.tolist(), said.tolist()
    assert found.accuracy == pytest.approx(accuracy_score(*pair))
    assert found.macro_precision == pytest.approx(precision_score(*pair, **how))
    assert found.macro_recall == pytest.approx(recall_score(*pair, **how))
    assert (confusion(truth, said, labels) == confusion_matrix(*pair, labels=labels)).all()


def test_no_answer_is_wrong_and_an_entity_never_answered_has_no_precision() -> None:
    found = answers(names("ab"), names("a-"))
    assert (found.accuracy, found.macro_precision, found.macro_recall) == (0.5, 0.5, 0.5)


def test_spread_has_the_deviation_of_a_sample() -> None:
    one = spreads([answers(names("ab"), names("ab")), answers(names("ab"), names("aa"))])["accuracy"]
    assert one.values == (1.0, 0.5)
    assert one.sd == pytest.approx(0.5 / 2**0.5)
    assert str(one) == "75.0 ± 35.4"
    assert str(Spread((0.5,))) == "50.0"
    assert Spread((0.5,)).to_dict() == {"mean": 0.5, "sd": None, "values": [0.5]}


def test_commonest_goes_by_name_among_equals() -> None:
    assert commonest(["b", "a", "b", "a", "c"]) == "a"
