"""What the screen says: counts of patients, never a diagnosis."""

import re
from dataclasses import replace
from datetime import date

import pytest

from api.schemas import TIE_RULE, MalignantShare, PredictionSet, SearchAnswer, SimilarCase
from indexer.answer import count_votes
from ui.wording import (
    age,
    count,
    day,
    film_line,
    headline,
    malignant_lines,
    percent,
    place,
    proof,
    proofs,
    set_line,
    sex,
    side,
    tallied,
    tie_line,
)

CASE = SimilarCase(1, "P1", 0.9, "osteosarcoma", "malignant", "histology", "femur", "L", 14.0, "F", None, ())


def answer(*cases: SimilarCase) -> SearchAnswer:
    tally = count_votes(cases)
    label = tally[0].entity if tally else None
    reason = None if tally else "none has a known entity"
    return SearchAnswer(cases, {b.entity: b.patients for b in tally}, tally, label, reason, TIE_RULE, (), {})


def cases(**entities: int) -> list[SimilarCase]:
    return [replace(CASE, entity=name.replace("_", " ")) for name, n in entities.items() for _ in range(n)]


def test_a_clear_vote() -> None:
    given = answer(*cases(giant_cell_tumour=3, enchondroma=2))
    assert headline(given) == "3 of 5 similar patients had giant cell tumour"
    assert tie_line(given) is None


def test_a_tie_is_called_a_tie_and_names_the_rule() -> None:
    chondrosarcoma = replace(CASE, entity="chondrosarcoma", similarity=0.7)
    given = answer(*cases(enchondroma=2), chondrosarcoma, chondrosarcoma, CASE)
    assert headline(given) == "A tie: 2 of 5 similar patients had enchondroma, 2 had chondrosarcoma"
    assert tie_line(given) == "The tie rule puts enchondroma first, by the larger summed similarity."


def test_a_tie_of_similarities_too_goes_to_the_nearer_patient() -> None:
    given = answer(*cases(osteosarcoma=1, enchondroma=1))
    assert tie_line(given) == f"The tie rule puts {given.label} first, by the nearer patient."
    assert given.label == "osteosarcoma"


def test_one_patient() -> None:
    assert headline(answer(CASE)) == "The one similar patient had osteosarcoma"


def test_no_vote() -> None:
    assert headline(answer(replace(CASE, entity=None))) == headline(answer()) == "No vote"
    assert tie_line(answer()) is None


@pytest.mark.parametrize("given", [answer(CASE), answer(*cases(enchondroma=4)), answer(*cases(a=2, b=2)), answer()])
def test_no_headline_diagnoses_or_reassures(given: SearchAnswer) -> None:
    said = headline(given).lower()
    assert not re.search(r"diagnos|benign|probab|likely|your patient|this film", said)


def test_proofs_are_counted_by_kind() -> None:
    found = [
        *cases(enchondroma=2),
        replace(CASE, entity="enchondroma", proof="tumour board"),
        replace(CASE, entity="enchondroma", proof=None),
        CASE,
    ]
    said = proofs(found, "enchondroma")
    assert said == "2 proven by histology, 1 by tumour board, 1 with no proof on record"
    assert proofs([replace(CASE, proof=None)], "osteosarcoma") == "1 with no proof on record"
    assert (proof("histology"), proof(None)) == ("proven by histology", "no proof on record")


def test_small_words() -> None:
    assert day(date(2019, 3, 4)) == "4 Mar 2019"
    assert day(None) == "not known"
    assert [age(years) for years in (None, 0.5, 1.99, 14.0)] == ["not known", "6 months", "24 months", "14 years"]
    assert [side(code) for code in ("L", "R", "B", "U", "odd", None)] == [
        "left",
        "right",
        "both sides",
        "unpaired",
        "odd",
        None,
    ]
    assert (sex("F"), sex("M"), sex("O"), sex(None)) == ("female", "male", "O", "not known")
    assert (count(1, "film"), count(1200, "film"), count(2, "body", "bodies")) == ("1 film", "1,200 films", "2 bodies")
    assert (place("femur", "L"), place(None, None)) == ("left femur", "not known")
    assert film_line("frontal", "L", date(2019, 3, 4)) == "frontal view, left, 4 Mar 2019"
    assert film_line(None, None) == ""


def test_a_data_sets_label_is_no_proof() -> None:
    given = [*cases(enchondroma=1), replace(CASE, entity="enchondroma", proof="reference label")]
    assert proofs(given, "enchondroma") == "1 proven by histology, 1 by label of the data set"
    assert proof("reference label") == "label of the data set"


def test_an_abstention_is_said_with_the_ballot_beside_it() -> None:
    given = replace(answer(*cases(enchondroma=2, osteosarcoma=2)), label=None, abstained="tie", reason="tie: ..")
    assert headline(given) == "The vote abstains: tie"
    assert tie_line(given) is None
    assert [ballot.patients for ballot in given.tally] == [2, 2]


def test_calibrated_shares_and_their_set() -> None:
    plain = answer(*cases(enchondroma=3, osteosarcoma=2))
    assert tallied(plain, plain.tally[0]) == "3 of 5 patients"
    assert set_line(plain) is None
    shares = {"enchondroma": 0.62, "osteosarcoma": 0.3796, "bone cyst": 0.0004}
    chosen = PredictionSet(("enchondroma", "osteosarcoma"), 0.9, 200)
    given = replace(plain, shares=shares, prediction_set=chosen)
    assert tallied(given, given.tally[0]) == "3 of 5 patients, calibrated share 62 %"
    said = set_line(given)
    assert said is not None and said.startswith("90 % prediction set: enchondroma (62 %), osteosarcoma (38 %). ")
    assert [percent(share) for share in (0, 0.0004, 0.5, 0.996, 1)] == [
        "0 %",
        "under 1 %",
        "50 %",
        "over 99 %",
        "100 %",
    ]


def test_the_nearest_malignant_case_is_always_told() -> None:
    given = replace(answer(*cases(enchondroma=3)), nearest_malignant=replace(CASE, rank=0, similarity=0.512))
    assert malignant_lines(given) == [
        "Nearest malignant case: osteosarcoma, similarity 0.51, beyond the patients below."
    ]
    near = replace(given, nearest_malignant=CASE, malignant=MalignantShare(0.4, 0.2, True, 0.9, 0.8))
    first, second = malignant_lines(near)
    assert "40 %, above the operating point of 20 % (sensitivity 90 %, specificity 80 %" in first
    assert second.endswith("patient 1 below.")
    assert malignant_lines(replace(given, nearest_malignant=None, malignant_note="no film may answer")) == [
        "Nearest malignant case: no film may answer."
    ]
