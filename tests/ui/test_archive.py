"""What the archive page tells: counts, tables, what goes to the map, and what is believed of what comes back."""

import csv
import io
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

import ui.map as map_files
from api.routes.examined_examples import FILM
from api.routes.examples import ARCHIVE
from api.schemas import ArchivedFilm, ArchiveFacts, ArchiveMap, GroupCount, LeftOut, MapPoint, Remark
from tests.ui.test_contrast import GROUND, LEAST_PART, colour, contrast, dimmed
from ui import words
from ui.archive import csv_of, entities, reason, tiles, value_name
from ui.archive_card import card_lines, moment
from ui.archive_films import about, facts_of
from ui.map import COLOURS, OTHER, read_chosen, told
from ui.tables import bars, table

FACTS = TypeAdapter(ArchiveFacts).validate_python(ARCHIVE)


def point(film: int, entity: str | None, malignancy: str | None = "benign", **known: Any) -> MapPoint:
    given = {"site": "femur", "side": "L", "taken": date(2019, 3, 11), "patient": f"P{film}"} | known
    return MapPoint(film, film / 100, -film / 100, entity, malignancy, **given)


def mapped(*points: MapPoint, films: int | None = None) -> ArchiveMap:
    return ArchiveMap("n", 3, "PCA", films or len(points), (0.21, 0.12), points)


def test_the_map_goes_as_columns_with_the_commonest_entity_first() -> None:
    found = told(
        mapped(point(4, "b"), point(7, "a", "malignant"), point(9, "b", taken=None), point(12, None, None, side=None))
    )
    assert [entity["name"] for entity in found["entities"]] == ["b", "a", "entity not known"]
    assert [entity["colour"] for entity in found["entities"]] == [*COLOURS[:2], None]
    assert (found["film"], found["entity"]) == ([4, 7, 9, 12], [0, 1, 0, 2])
    assert found["shape"] == [2, 0, 2, 3]
    assert [found["places"][code] for code in found["place"]] == ["left femur"] * 3 + ["femur"]
    assert [found["dates"][code] for code in found["date"]] == ["11 Mar 2019"] * 2 + ["not known", "11 Mar 2019"]
    assert all(len(found[name]) == 4 for name in ("x", "y", "shape", "place", "date"))
    assert found["words"]["option"] == "Film <film>: <entity>, <place>, <date>"


def test_beyond_the_palette_entities_are_hollow() -> None:
    found = told(mapped(*(point(n, f"entity {n}") for n in range(len(COLOURS) + 2))))
    assert [entity["colour"] is None for entity in found["entities"]] == [False] * len(COLOURS) + [True] * 2


def test_an_archive_without_films_has_an_empty_map() -> None:
    assert told(mapped())["film"] == [] and about(mapped()).startswith("All 0 films")


@pytest.mark.parametrize("sent", [None, "4", 5, -1, True, 4.0, [4], {"film": 4}])
def test_only_a_film_of_the_map_is_chosen(sent: object) -> None:
    found = mapped(point(4, "b"), point(1, "b"))
    assert read_chosen(sent, found) is None
    assert read_chosen(4, found) == 4


def test_how_many_films_are_shown_is_said() -> None:
    assert about(mapped(point(1, "a"), films=20_000)).startswith("1 of 20,000 films, drawn by chance.")
    assert "33" in about(mapped(point(1, "a")))


TO_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.072175), (0.0193339, 0.119192, 0.9503041))
PROTAN = ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998))
DEUTAN = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881))
"""Machado, Oliveira and Fernandes 2009, A Physiologically-based Model, severity 1."""


def lab(linear: Any) -> Any:
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
    )
    xyz = np.clip(linear, 0, 1) @ to_xyz.T / (0.95047, 1, 1.08883)
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * root[:, 1] - 16, 500 * (root[:, 0] - root[:, 1]), 200 * (root[:, 1] - root[:, 2])], axis=1)


def test_the_palette_is_told_apart_by_the_colour_blind_and_reassures_nobody() -> None:
    eight_bit = np.array([colour(each) for each in COLOURS]) / 255
    linear = np.where(eight_bit <= 0.04045, eight_bit / 12.92, ((eight_bit + 0.055) / 1.055) ** 2.4)
    for seen in (linear, linear @ np.array(PROTAN).T, linear @ np.array(DEUTAN).T):
        apart = np.linalg.norm(lab(seen)[:, None] - lab(seen)[None], axis=2)
        assert apart[np.triu_indices(len(COLOURS), 1)].min() > 20
    for each in (*COLOURS, OTHER):
        red, green, blue = colour(each)
        assert green <= max(red, blue) + 12, each
        assert contrast(colour(each), GROUND) >= LEAST_PART, each
        assert contrast(dimmed(colour(each), 0.76), (0, 0, 0)) >= LEAST_PART, each


def test_the_map_calls_no_other_host() -> None:
    for name in ("map.js", "map.css"):
        text = (Path(map_files.__path__[0]) / name).read_text(encoding="utf-8")
        assert not re.search(r"https?:|//[a-z]+\.|import\s|fetch\(|XMLHttp|@import", text), name


def test_counts_at_a_glance_and_by_entity() -> None:
    groups = (GroupCount("osteochondroma", 6, 4, 1), GroupCount(None, 2, 2, 0))
    proofs = (GroupCount("histology", 5, 3, 3), GroupCount("tumour board", 3, 3, 0))
    facts = replace(FACTS, films=8, patients=6, counts={"entity": groups, "proof": proofs, "site": groups})
    shown = re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", tiles(facts))
    assert shown == [
        ("Patients", "6"), ("Films", "8"), ("Entities", "1"), ("Sites", "1"), ("Centres", "0"),
        ("Proven by histology", "3"),
    ]  # fmt: skip
    rows = re.findall(r'<th scope="row">([^<]*)</th>' + r'<td class="cl-number">(\d+)</td>' * 3, entities(facts))
    assert rows == [("Osteochondroma", "4", "6", "1"), ("Entity not known", "2", "2", "0")]
    many = replace(facts, counts={"entity": tuple(GroupCount(str(n), 1, 1, 0) for n in range(200))})
    assert "200 or more" in tiles(many)


def test_values_are_said_in_the_language_spoken() -> None:
    named = [("sex", "F"), ("age", "10–19"), ("proof", "reference label"), ("site", "femur"), ("centre", None)]
    told_in = {}
    for language in words.LANGUAGES:
        words.use(language)
        told_in[language] = [value_name(*each) for each in named]
    words.use("en")
    assert told_in["en"] == ["Female", "10–19 years", "Label of the data set", "Femur", "Not known"]
    assert told_in["de"] == ["Weiblich", "10–19 Jahre", "Angabe des Datensatzes", "Femur", "Nicht bekannt"]


def test_why_a_film_was_left_out_in_the_language_spoken() -> None:
    text = "its pixels go down to -7; export it with pixels from 0 on"
    coded = LeftOut("left out", text, 3, Remark(text, "film_below_zero", {"low": -7}))
    old = LeftOut("left out", text, 3)
    assert [reason(coded), reason(old)] == [text, text]
    words.use("de")
    assert reason(coded) == "ihre Pixel reichen bis -7 hinab; exportieren Sie sie mit Pixeln ab 0"
    assert reason(old) == text
    words.use("en")


def test_what_was_left_out_as_csv() -> None:
    reasons = (LeftOut("left out", 'says "no", and more', 3), LeftOut("duplicate", "the same", 1))
    assert list(csv.reader(io.StringIO(csv_of(reasons)))) == [
        ["outcome", "reason", "files"], ["left out", 'says "no", and more', "3"], ["duplicate", "the same", "1"],
    ]  # fmt: skip


def test_the_card_of_the_model() -> None:
    lines = dict(card_lines(FACTS))
    assert lines["Name"] == FACTS.model["name"] and lines["Segmenter"] in (
        FACTS.segmenter,
        "none: no region is proposed",
    )
    assert dict(card_lines(replace(FACTS, model={"name": "x"})))["Beside the pixels"] == "nothing"
    code = {"views": ["region", "film"], "size": 288, "facts": {"sites": []}}
    lines = dict(card_lines(replace(FACTS, model=code)))
    assert lines["Sees"] == "The marked region, the whole film, scaled to 288 pixels"
    assert lines["Beside the pixels"] == "age, sex and site"
    assert moment("2026-11-20T09:30:00+00:00") == "20 Nov 2026, 09:30 UTC" and moment("then") == "then"


def test_what_is_known_of_a_film() -> None:
    film = TypeAdapter(ArchivedFilm).validate_python(FILM)
    told_of = dict(facts_of(film))
    assert (told_of["Film number"], told_of["Pseudonym"]) == ("17", film.patient)
    assert (told_of["Site"], told_of["Date"], told_of["Age then"]) == ("left femur", "11 Mar 2019", "14 years")
    bare = replace(film, malignancy=None, site=None, side=None, view=None, taken=None, age=None, sex=None)
    assert [value for _, value in facts_of(bare)][2:] == ["not known"] * 6


def test_tables_escape_and_can_be_reached() -> None:
    html = table("a & b", ["x", "n"], [["<b>", "1"]])
    assert 'aria-label="a &amp; b"' in html and "&lt;b&gt;" in html and 'tabindex="0"' in html
    assert html.count('scope="col"') == 2 and '<td class="cl-number">1</td>' in html
    assert "width:50.0%" in bars([("a", 4), ("b", 2)], ["4", "2"]) and bars([], []) == '<ul class="cl-bars"></ul>'
