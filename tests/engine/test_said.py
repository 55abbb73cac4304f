"""Sentences with a code: plain texts to whoever knows no codes."""

import copy

from engine.errors import FilmError
from engine.said import FILM, Said

FEW = Said("few", "only {cases} of {k:.1f}", cases=2, k=5.0)


def test_it_is_its_text_and_knows_its_code() -> None:
    assert FEW == "only 2 of 5.0" and isinstance(FEW, str)
    assert (FEW.code, FEW.values, FEW.parts) == ("few", {"cases": 2, "k": 5.0}, ())


def test_a_film_is_named_before_it() -> None:
    said = Said.of("a.dcm", FEW)
    assert (said, said.code, said.values[FILM]) == ("a.dcm: only 2 of 5.0", "few", "a.dcm")
    assert FILM not in FEW.values
    plain = Said.of("a.dcm", "odd")
    assert (plain, plain.code) == ("a.dcm: odd", "")


def test_several_are_one() -> None:
    both = Said.joined([FEW, Said("off", "they may be off")])
    assert both == "only 2 of 5.0, they may be off" and [part.code for part in both.parts] == ["few", "off"]


def test_a_copy_keeps_everything() -> None:
    kept = copy.deepcopy(Said.of("a.dcm", FEW))
    assert (kept, kept.code, kept.values) == ("a.dcm: only 2 of 5.0", "few", {"cases": 2, "k": 5.0, FILM: "a.dcm"})


def test_any_text_is_one_without_a_code() -> None:
    assert Said.known(FEW) is FEW
    assert (Said.known("odd"), Said.known("odd").code) == ("odd", "")


def test_it_stands_without_its_film_too() -> None:
    alone = Said.of("a.dcm", FEW).alone
    assert (alone, alone.code, alone.values) == (FEW, "few", FEW.values)
    assert FEW.alone is FEW


def test_a_word_is_replaced_wherever_it_stands() -> None:
    inner = Said("where", "in {place}", place="/srv/secret")
    said = Said.joined([Said("lies", "it lies {where} ({n})", where=inner, n=3), inner]).replaced("/srv/secret", "here")
    assert said == "it lies in here (3), in here"
    first, second = said.parts
    assert isinstance(first.values["where"], Said) and first.values["n"] == 3
    assert first.values["where"].values == second.values == {"place": "here"}


def test_an_error_knows_its_sentence() -> None:
    assert FilmError(FEW).said is FEW and str(FilmError(FEW)) == FEW
    assert (FilmError("odd").said, FilmError().said) == ("odd", "")
