"""What the screen says: counts of patients, never a diagnosis."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from api.schemas import (
    NOTICE,
    TIE_RULE,
    ColumnFacts,
    Likeness,
    MalignantShare,
    PredictionSet,
    Remark,
    SearchAnswer,
    SimilarCase,
    ValueCount,
)
from indexer.answer import count_votes
from ui import words
from ui.wording import (
    age,
    commonness,
    day,
    entity_name,
    film_line,
    headline,
    malignant_lines,
    percent,
    place,
    proof,
    proofs,
    refers,
    set_line,
    sex,
    share_line,
    side,
    site_name,
    tallied,
    tie_line,
    unlike_line,
    why_line,
)
from ui.words import counted

PC = "\N{NO-BREAK SPACE}%"
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
    assert (
        proofs([replace(CASE, proof="unknown"), replace(CASE, proof=None)], "osteosarcoma")
        == "2 with no proof on record"
    )
    assert (proof("histology"), proof(None)) == ("proven by histology", "no proof on record")
    assert proof("unknown") == proof(None)


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
    assert (counted("film", 1), counted("film", 1200), counted("year", 2)) == ("1 film", "1,200 films", "2 years")
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


UNMARKED_REMARK = Remark("no lesion is marked ..", "unmarked")


def test_a_whole_film_beside_crops_has_no_vote_and_says_what_to_do() -> None:
    asked = answer(*cases(**{"no tumour": 4, "osteosarcoma": 1}))
    given = replace(
        asked, vote={}, tally=(), label=None, abstained="no lesion marked", reason=UNMARKED_REMARK.text,
        remarks=(UNMARKED_REMARK,),
    )  # fmt: skip
    assert headline(given) == "The vote abstains: no lesion is marked"
    assert (why_line(given) or "").endswith("draw the lesion for a vote.")
    assert why_line(asked) is None and refers(given)


def test_no_headline_says_no_tumour() -> None:
    given = replace(answer(*cases(**{"no tumour": 5})), label=None, abstained="never for no tumour", reason="..")
    assert headline(given) == "The vote abstains: likeness to films without a tumour excludes none"
    assert why_line(given) == "..." and refers(given)


@pytest.mark.usefixtures("german")
def test_a_tie_names_all_in_german() -> None:
    tied = answer(*cases(enchondroma=2, osteosarcoma=2))
    assert headline(tied) == "Gleichstand: 2 von 4 ähnlichen Patienten hatten: Enchondrom, 2 hatten: Osteosarkom"


def test_calibrated_shares_and_their_set() -> None:
    plain = answer(*cases(enchondroma=3, osteosarcoma=2))
    assert tallied(plain, plain.tally[0]) == "3 of 5 similar patients, 3 proven by histology"
    assert share_line(plain, plain.tally[0]) is None
    assert set_line(plain) is None
    shares = {"enchondroma": 0.62, "osteosarcoma": 0.3796, "bone cyst": 0.0004}
    chosen = PredictionSet(("enchondroma", "osteosarcoma"), 0.9, 200)
    given = replace(plain, shares=shares, prediction_set=chosen)
    assert share_line(given, given.tally[0]) == f"calibrated share 62{PC}"
    said = set_line(given)
    assert said is not None and said.startswith(f"90{PC} prediction set: enchondroma (62{PC}), osteosarcoma (38{PC}). ")
    assert [percent(share) for share in (0, 0.0004, 0.5, 0.996, 1)] == [
        f"0{PC}",
        f"under 1{PC}",
        f"50{PC}",
        f"over 99{PC}",
        f"100{PC}",
    ]


def test_the_nearest_malignant_case_is_always_told() -> None:
    given = replace(answer(*cases(enchondroma=3)), nearest_malignant=replace(CASE, rank=0, similarity=0.512))
    assert malignant_lines(given) == [
        "Nearest malignant case: osteosarcoma, similarity 0.51, beyond the similar patients."
    ]
    near = replace(given, nearest_malignant=CASE, malignant=MalignantShare(0.4, 0.2, True, 0.9, 0.8))
    first, second = malignant_lines(near)
    assert f"40{PC}, above the operating point of 20{PC} (sensitivity 90{PC}, specificity 80{PC}" in first
    assert second.endswith("similar patient 1.")
    assert malignant_lines(replace(given, nearest_malignant=None, malignant_note="no film may answer")) == [
        "Nearest malignant case: no film may answer."
    ]


@pytest.fixture
def german() -> Iterator[None]:
    words.use("de")
    yield
    words.use(words.USUAL)


@pytest.mark.usefixtures("german")
def test_german() -> None:
    given = answer(*cases(enchondroma=3, osteosarcoma=2))
    assert headline(given) == "3 von 5 ähnlichen Patienten hatten: Enchondrom"
    assert tallied(given, given.tally[0]) == "3 von 5 ähnlichen Patienten, 3 gesichert durch Histologie"
    assert (day(date(2019, 3, 4)), counted("film", 1200), place("femur", "L")) == (
        "4. März 2019",
        "1.200 Aufnahmen",
        "Femur links",
    )
    assert malignant_lines(replace(given, nearest_malignant=CASE))[-1].startswith(
        "Nächster maligner Fall: Osteosarkom, Ähnlichkeit 0,90"
    )


def test_an_archives_names_as_people_say_them() -> None:
    assert (entity_name("Ewing sarcoma"), entity_name("other mt"), entity_name(None)) == (
        "Ewing sarcoma", "other malignant tumour", "entity not known"
    )  # fmt: skip
    assert (site_name("knee-joint;femur"), place("somewhere", None)) == ("knee joint, femur", "somewhere")


@pytest.mark.usefixtures("german")
def test_an_archives_names_in_german() -> None:
    assert (entity_name("Ewing sarcoma"), entity_name("no tumour")) == ("Ewing-Sarkom", "kein Tumor")
    assert (site_name("tibia; FEMUR"), site_name("hip bone")) == ("Tibia, Femur", "Hüftbein")
    assert entity_name("Tumor X") == "Tumor X"


def archive(*values: ValueCount) -> Any:
    return SimpleNamespace(films=200, columns=(ColumnFacts("entity", "text", values),))


def test_how_common_an_entity_is_in_the_archive() -> None:
    found = archive(ValueCount(None, 9), ValueCount("enchondroma", 40))
    assert commonness(found, "enchondroma") == f"In the archive: 40 of 200 films (20{PC})"
    assert commonness(found, "chordoma") is commonness(None, "enchondroma") is None
    assert commonness(SimpleNamespace(films=0, columns=()), "enchondroma") is None  # type: ignore[arg-type]


def test_a_film_unlike_the_archive_is_said_with_its_figures() -> None:
    plain = answer(*cases(enchondroma=3))
    assert unlike_line(plain) is None
    assert "unlike the archive" in str(unlike_line(replace(plain, unlike=True)))
    told = str(unlike_line(replace(plain, unlike=True, likeness=Likeness(0.21, 0.4, 0.05))))
    assert "0.21" in told and f"5{PC}" in told and "0.40" in told


def test_what_must_be_read_with_care() -> None:
    harmless = replace(CASE, malignancy="benign")
    assert not refers(answer(harmless))
    assert refers(answer(harmless, CASE))
    assert refers(replace(answer(harmless), nearest_malignant=CASE))
    assert refers(replace(answer(harmless), unlike=True))
    assert refers(answer()) and refers(replace(answer(harmless), abstained="tie"))


def test_the_notice_is_the_apis_own() -> None:
    assert f"{words.say('shell.research')} {words.say('shell.notice')}" == NOTICE
