"""POST /v1/explain: maps on both films, from the original where it still is, and their refusals."""

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from safetensors.numpy import save_file

from api.app import create_app
from api.settings import Settings
from engine.explain.cam import NAMES, WEIGHTS

BOX = "20,30,70,90"


def ask(http: TestClient, data: bytes, **fields: object) -> Any:
    return http.post("/v1/explain", files={"files": ("knee.png", data)}, data=fields)


def picture(encoded: str) -> Any:
    return cv2.imdecode(np.frombuffer(base64.b64decode(encoded), np.uint8), cv2.IMREAD_UNCHANGED)


def nearest(http: TestClient, film: bytes) -> dict[str, Any]:
    answer: dict[str, Any] = http.post("/v1/search", files={"files": ("knee.png", film)}, data={"roi": BOX}).json()
    return answer


def test_both_films_carry_a_map_of_what_they_share(http: TestClient, film: bytes) -> None:
    case = nearest(http, film)["cases"][0]
    got = ask(http, film, roi=BOX, film=case["films"][0]["film"])
    assert got.status_code == 200, got.text
    told = got.json()
    assert got.headers["cache-control"] == "no-store"
    assert (told["picture"], told["exact"], told["warnings"]) == ("original", True, [])
    assert told["similarity"] == pytest.approx(case["similarity"], abs=1e-4)
    assert told["activation"] is None and told["activation_rule"] == "no entity was asked for"
    for side in ("query", "neighbour"):
        one = told[side]
        assert (one["rows"], one["columns"]) == (120, 90)
        (map_,) = one["maps"]
        grid = np.array(map_["grid"])
        assert grid.shape == (7, 7) and (grid.min(), grid.max()) == (0, 1)
        tint, (x0, y0, x1, y1) = picture(one["overlay"]), one["box"]
        assert tint.shape[2] == 4 and max(tint.shape[:2]) == 512
        assert tint.shape[1] / tint.shape[0] == pytest.approx((x1 - x0) / (y1 - y0), abs=0.01)
    assert told["query"]["maps"][0]["square"] == [6, 21, 84, 99]
    assert told["neighbour"]["box"] == [0, 0, 90, 120]  # the archive holds whole films


def test_what_speaks_for_the_vote(http: TestClient, film: bytes) -> None:
    answer = nearest(http, film)
    voters = [case["films"][0]["film"] for case in answer["cases"] if case["entity"] == answer["label"]]
    asked = {"roi": BOX, "film": answer["cases"][0]["films"][0]["film"], "entity": answer["label"]}
    told = ask(http, film, **asked, voters=voters).json()
    assert told["activation_of"] == answer["label"]
    assert "has no classifier" in told["activation_rule"]
    assert np.max(told["activation"]["maps"][0]["grid"]) == 1
    silent = ask(http, film, **asked).json()
    assert silent["activation"] is None
    assert "no neighbours who had the entity were named" in silent["activation_rule"]


def test_an_entity_that_the_classifier_was_not_taught_is_explained_by_its_neighbours(
    copied: Callable[[], Path], limits: Settings, film: bytes
) -> None:
    """A classifier of tumours is not taught what "no tumour" is, and such patients vote all the same."""
    archive = copied()
    save_file(
        {"weight": np.ones((2, 1280), np.float32), "bias": np.zeros(2, np.float32)}, archive / "encoder" / WEIGHTS
    )
    (archive / "encoder" / NAMES).write_text(json.dumps({"entities": ["chordoma", "lipoma"]}), encoding="utf-8")
    with TestClient(create_app(archive, limits), base_url="http://127.0.0.1") as http:
        answer = nearest(http, film)
        voters = [case["films"][0]["film"] for case in answer["cases"] if case["entity"] == answer["label"]]
        asked = {"roi": BOX, "film": voters[0], "entity": answer["label"]}
        told = ask(http, film, **asked, voters=voters).json()
        silent = ask(http, film, **asked)
        taught = ask(http, film, **(asked | {"entity": "lipoma"}), voters=voters).json()
    assert "was not taught it" in told["activation_rule"] and told["activation"] is not None
    assert silent.status_code == 422 and "the classifier knows no" in silent.json()["detail"]
    assert "class activation map" in taught["activation_rule"]


def test_a_gone_original_is_looked_at_in_its_small_copy(
    copied: Callable[[], Path], source: Path, limits: Settings, film: bytes, tmp_path: Path
) -> None:
    # the same archive, from a source that is no longer there
    archive = copied()
    moved = tmp_path / "moved"
    shutil.move(source, moved)
    try:
        with TestClient(create_app(archive, limits), base_url="http://127.0.0.1") as http:
            told = ask(http, film, roi=BOX, film=1).json()
    finally:
        shutil.move(moved, source)
    assert told["picture"] == "thumbnail"
    assert "small copy in the archive" in told["warnings"][0]
    assert np.max(told["neighbour"]["maps"][0]["grid"]) == 1


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({}, 422, "film"),
        ({"film": "17th"}, 422, "17th"),
        ({"film": "-1"}, 422, "greater than or equal to 0"),
        ({"film": "999999"}, 404, "the archive has no film 999999"),
        ({"film": "1", "roi": "5,5,6,6"}, 422, "a drawn region needs at least 8"),
        ({"film": "1", "roi": ["", ""]}, 422, "at most 1"),
        ({"film": "1", "entity": "x", "voters": ["1"] * 21}, 422, "at most 20"),
        ({"film": "1", "entity": "x", "voters": ["999999"]}, 404, "no film 999999"),
        ({"film": "1", "k": "5"}, 422, "'k' is no field of an explanation"),
        ({"film": ["1", "2"]}, 422, "was sent 2 times"),
    ],
)
def test_what_cannot_be_explained_is_refused(
    http: TestClient, film: bytes, fields: dict[str, object], status: int, says: str
) -> None:
    got = ask(http, film, **fields)
    assert got.status_code == status, got.text
    assert says in got.json()["detail"]
