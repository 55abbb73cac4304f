import io
from collections.abc import Callable

import numpy as np
from PIL import Image

from engine.training.films import TrainingSet
from indexer.reproduce.gallery import FRAME, MARGIN, RIGHT, TILE, WRONG, Example, chosen, picture

Drawn = Callable[..., TrainingSet]


def shown(example: Example) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture(example))))


def edge(sheet: np.ndarray, number: int) -> np.ndarray:
    """The upper frame of a tile."""
    x = MARGIN + number * (TILE + MARGIN)
    return sheet[MARGIN + FRAME // 2, x : x + TILE]


def test_right_is_framed_whole_and_wrong_is_dashed(drawn: Drawn) -> None:
    films = drawn(6)
    query, other, wrong = films.films[0], films.films[1], films.films[2]
    sheet = shown(Example.of(query, [other, wrong], films))
    assert (edge(sheet, 0) == 0).all()
    assert (edge(sheet, 1) == RIGHT).all()
    dashed = (edge(sheet, 2) == WRONG).all(axis=1)
    assert 0.4 < dashed.mean() < 0.7


def test_words_say_it_too(drawn: Drawn) -> None:
    films = drawn(6)
    right = shown(Example.of(films.films[0], [films.films[1]], films))
    wrong = shown(Example.of(films.films[0], [films.films[2]], films))
    x = MARGIN + TILE + MARGIN
    below = np.s_[MARGIN + TILE + 2 : MARGIN + TILE + 18, x : x + TILE]
    assert (right[below] < 128).any()
    assert (right[below] != wrong[below]).any()


def test_pictures_hold_no_name_and_the_middle_of_the_cut(drawn: Drawn) -> None:
    films = drawn(6)
    example = Example.of(films.films[0], [films.films[3]], films)
    assert example.query.shape == (32, 32)
    data = picture(example)
    assert Image.open(io.BytesIO(data)).info == {}
    for name in (films.films[0].patient, films.films[0].group, films.films[0].sha256):
        assert name.encode() not in data


def test_letters_that_the_font_lacks_lose_their_marks() -> None:
    grey = np.zeros((32, 32), np.uint8)
    plain, marked = (shown(Example(grey, name, ())) for name in ("Fibrose Dysplasie", "Fibröse Dysplasie"))
    assert (plain == marked).all()


def test_one_of_each_entity_by_chance() -> None:
    entities = np.array(["a", "b", "a", "c", "a"], dtype=object)
    rows = chosen(entities, seed=0)
    assert [entities[row] for row in rows] == ["a", "b", "c"]
    assert {chosen(entities, seed)[0] for seed in range(20)} == {0, 2, 4}
    assert len(chosen(entities, 0, most=2)) == 2
