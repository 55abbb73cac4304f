"""The report of a run, from its figures alone."""

import math
from typing import Any

from engine.card import ModelCard
from engine.training.report import page

CARD = ModelCard("tiny", "random", "0" * 64, 8, 32, (0.5,), (0.5,), "openvino-f32", "films", "theirs", "none")
COUNTS = {"films": 9, "patients": 5, "groups": 4, "entities": {"<b>chordoma</b>": 9}}
METRICS: dict[str, Any] = {
    "title": "Tiny", "recipe": "tiny", "source": "drawn films", "method": "cross-entropy", "seed": 0, "scale": None,
    "films": COUNTS, "left_out": {"films": 2}, "final": {"epochs": 3, "seconds": 90.0},
}  # fmt: skip
SEGMENTER = {
    "training_films": 40, "training_seconds": 120.0, "films": 12, "empty": 3, "iou": 0.5, "dice": 0.61,
    "box_iou": 0.4, "box_iou_median": 0.45, "centre_hit": 0.7, "hit_rate": 0.75, "used": 0.8, "used_hit_rate": 0.9,
    "empty_used": math.nan, "hit_rate, centre 2": 1.0, "empty_used, centre 2": math.nan,
}  # fmt: skip


def test_names_are_text_and_not_markup() -> None:
    shown = page(METRICS, CARD, b"")
    assert "&lt;b&gt;chordoma" in shown and "<b>chordoma" not in shown
    assert "3 epochs, 1.5 min" in shown and "Segmenter" not in shown


def test_a_segmenters_shares_are_in_words_and_none_is_made_up() -> None:
    shown = page(METRICS | {"segmenter": SEGMENTER}, CARD, b"")
    assert "40 films, 2.0 min" in shown and "12 films with a lesion and 3 without" in shown
    assert "75.0 %; 100.0 % in centre 2" in shown
    assert "nan" not in shown and "without a lesion</th>" not in shown


def test_why_there_is_no_segmenter() -> None:
    assert "none: 3 films have a lesion mask" in page(
        METRICS | {"no_segmenter": "3 films have a lesion mask"}, CARD, b""
    )
