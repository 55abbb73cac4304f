import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from indexer.archive import Archive
from indexer.cohorts import cohort_of, has_calibrated, not_taught, unseen
from indexer.evaluation import Cohort, evaluate, load_schema
from indexer.prepare import Roi
from indexer.regions import ENCODER
from indexer.votes.films import SPLIT_FILE

Run = Callable[..., Any]
FEW = ["--resamples", 50]


def check(found: Any) -> None:
    jsonschema.Draft202012Validator(load_schema()).validate(found)


def test_json_follows_the_committed_schema(caselink: Run, archive: Path, tmp_path: Path) -> None:
    target = tmp_path / "figures" / "e.json"
    done = caselink("evaluate", "--archive", archive, "--json", target, *FEW)
    assert done.code == 0, done.err
    found = json.loads(target.read_text(encoding="utf-8"))
    check(found)
    group = found["groups"]["all"]
    assert (group["n_films"], group["n_patients"]) == (30, 15)
    assert set(group["precision"]) == {"1", "3", "5", "7"}
    assert found["manifest"]["protocol"] == "leave one patient out"
    assert found["manifest"]["archive"] == "Hospital films"
    assert str(archive.parent) not in json.dumps(found)


def test_json_on_stdout_is_nothing_else(caselink: Run, archive: Path) -> None:
    check(caselink("evaluate", "--archive", archive, "--json", "-", *FEW).json())


def test_the_same_seed_gives_the_same_numbers(caselink: Run, archive: Path) -> None:
    first, again = (caselink("evaluate", "--archive", archive, "--json", "-", *FEW).json() for _ in range(2))
    assert first == again


def test_groups_by_a_column(caselink: Run, archive: Path) -> None:
    found = caselink("evaluate", "--archive", archive, "--by", "centre", "--json", "-", *FEW).json()
    assert list(found["groups"]) == ["all", "centre=1", "centre=2"]
    assert found["groups"]["centre=1"]["n_films"] == 16


def test_where_restricts_the_archive_and_query_where_the_queries(caselink: Run, archive: Path) -> None:
    both = caselink("evaluate", "--archive", archive, "--where", "sex = 'F'", "--json", "-", *FEW).json()
    assert both["groups"]["all"]["n_films"] == both["manifest"]["n_archive_films"] == 16
    filters = ["--where", "sex = 'F'", "--query-where", "sex = 'M' and age > 12"]
    apart = caselink("evaluate", "--archive", archive, *filters, "--json", "-", *FEW).json()
    check(apart)
    assert apart["manifest"]["n_archive_films"] == 16
    assert apart["groups"]["all"]["n_films"] == 6
    assert (apart["manifest"]["where"], apart["manifest"]["query_where"]) == (filters[1], filters[3])


def teach(root: Path, films: int) -> set[str]:
    """As if a training run's encoder had seen the first films of an archive; their hashes."""
    with Archive(root) as opened:
        snapshot = opened.snapshot
        digests = sorted(snapshot.digest_code)
        patient = {digest: snapshot.patient[snapshot.rows_of_files([digest])[0]] for digest in digests}
    seen = {digest for digest in digests if patient[digest] in {patient[each] for each in digests[:films]}}
    roles = {digest: "train" if digest in seen else "calibration" for digest in digests}
    (root / ENCODER / SPLIT_FILE).write_text(json.dumps(roles), encoding="utf-8")
    return seen


@pytest.mark.parametrize("protocol", [[], ["--folds", 3]])
def test_patients_who_taught_the_encoder_do_not_ask(
    caselink: Run, copied: Callable[[], Path], protocol: list[Any]
) -> None:
    root = copied()
    seen = teach(root, 10)
    done = caselink("evaluate", "--archive", root, *protocol, "--json", "-", *FEW)
    assert f"left out: {len(seen)} query films of patients who taught the encoder" in done.err
    found = done.json()
    check(found)
    assert found["groups"]["all"]["n_films"] == 30 - len(seen)
    assert found["manifest"]["n_queries_taught"] == len(seen)
    assert found["manifest"]["n_archive_films"] == 30


def test_they_do_not_ask_beside_another_encoder_either(
    caselink: Run, archive: Path, copied: Callable[[], Path]
) -> None:
    root = copied()
    seen = teach(root, 10)
    found = caselink("evaluate", "--archive", root, "--against", archive, "--json", "-", *FEW).json()
    assert found["paired"]["n_films"] == found["groups"]["all"]["n_films"] == 30 - len(seen)


def test_an_encoder_that_has_seen_all_cannot_be_judged_by_its_archive(
    caselink: Run, copied: Callable[[], Path], more_patients: Path
) -> None:
    root = copied()
    teach(root, 30)
    done = caselink("evaluate", "--archive", root, *FEW)
    assert done.code == 1 and "trained on patients of all 30 films" in done.err
    others = caselink("evaluate", "--archive", root, "--queries", more_patients, "--json", "-", *FEW).json()
    assert others["manifest"]["n_queries_taught"] == 0


def test_patients_who_calibrated_the_votes_are_not_told_by_that_calibration(
    copied: Callable[[], Path], more_patients: Path, bench: Any
) -> None:
    """It would keep its promises to them: in an archive they ask or in the fifth that a run set aside."""
    root = copied()
    with Archive(root) as opened:
        snapshot = opened.snapshot
        assert has_calibrated(cohort_of(snapshot), snapshot)
        with unseen(snapshot, bench.embedder, more_patients, "auto", Roi.mask) as (asked, _):
            films = cohort_of(asked)
            assert not has_calibrated(films, snapshot)
            roles = dict.fromkeys(films.extra["sha256"][:1], "calibration")
            (root / ENCODER / SPLIT_FILE).write_text(json.dumps(roles), encoding="utf-8")
            assert has_calibrated(films, snapshot)


def test_a_film_under_another_name_does_not_find_itself(
    caselink: Run, archive: Path, source: Path, more_patients: Path, tmp_path: Path
) -> None:
    """A copy of an archive's film, saved anew at another quality, under a patient whom the archive does not know."""
    other = shutil.copytree(more_patients, tmp_path / "others")
    with Image.open(source / "p03-0.png") as film:
        film.convert("L").save(other / "copy.jpg", quality=88)
    table = (other / "films.csv").read_text(encoding="utf-8").splitlines()
    again = table[1].split(",")
    again[0], again[1] = "copy.jpg", "Somebody else"
    (other / "films.csv").write_text("\n".join([*table, ",".join(again)]) + "\n", encoding="utf-8")
    words = ("evaluate", "--archive", archive, "--json", "-", *FEW)
    without = caselink(*words, "--queries", more_patients).json()
    done = caselink(*words, "--queries", other)
    assert "left out: 1 query films that are in the archive under another patient" in done.err
    found = done.json()
    assert (found["manifest"]["n_queries_copies"], without["manifest"]["n_queries_copies"]) == (1, 0)
    assert found["groups"] == without["groups"]


def test_an_archives_own_patients_may_ask_it_though_their_films_are_there(
    caselink: Run, archive: Path, source: Path
) -> None:
    found = caselink("evaluate", "--archive", archive, "--queries", source, "--json", "-", *FEW).json()
    assert found["manifest"]["n_queries_copies"] == 0
    assert found["groups"]["all"]["n_films"] == 30


def test_a_threshold_is_not_fixed_on_films_that_taught_the_encoder() -> None:
    """Their neighbours are of their own entity, since they were fitted to be: it would come out far too high."""
    rng, n = np.random.default_rng(0), 120
    kind = np.arange(n) % 2
    told = np.eye(2)[kind] + rng.normal(0, 0.3, (n, 2))  # as fitted
    fresh = np.eye(2)[kind] + rng.normal(0, 0.7, (n, 2))

    def cohort(name: str, vectors: npt.NDArray[np.float64]) -> Cohort:
        names = np.array([f"{name}{row}" for row in range(n)], dtype=object)
        nothing = np.full(n, None)
        extra = {
            "malignancy": np.where(kind == 1, "malignant", "benign").astype(object),
            "sha256": np.array([f"{name}{row}" for row in range(n)], dtype=object),
        }
        unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        entity = np.array(["cyst", "sarcoma"], dtype=object)[kind]
        region = np.full(n, "mask")
        return Cohort(unit, np.arange(n), names, names, entity, np.full(n, np.nan), *[nothing] * 4, region, extra=extra)

    archive, queries = cohort("a", told), cohort("q", fresh)
    taught = frozenset(archive.extra["sha256"])
    assert len(not_taught(archive, taught)) == 0

    def operating(**given: Any) -> dict[str, Any]:
        found: dict[str, Any] = evaluate(archive, queries, resamples=0, **given).groups["all"]["malignancy"]["25"]
        return found["operating_point"]

    wrong, right = operating(), operating(fixing=not_taught(archive, taught))
    assert max(right["thresholds"]) < min(wrong["thresholds"])
    assert right["sensitivity"]["value"] > wrong["sensitivity"]["value"]


def test_unseen_patients_from_another_source(caselink: Run, archive: Path, more_patients: Path) -> None:
    options = ["--queries", more_patients, "--layout", "folder", "--query-where", "sex = 'M'", "--json", "-"]
    found = caselink("evaluate", "--archive", archive, *options, *FEW).json()
    check(found)
    assert found["manifest"]["protocol"] == "unseen queries"
    assert found["manifest"]["queries"] == more_patients.name
    assert found["groups"]["all"]["n_films"] == 6
    assert found["manifest"]["n_archive_films"] == 30


def test_films_that_cannot_be_asked_are_said(caselink: Run, archive: Path, more_patients: Path) -> None:
    (more_patients / "broken.png").write_bytes(b"")
    done = caselink("evaluate", "--archive", archive, "--queries", more_patients, *FEW)
    (more_patients / "broken.png").unlink()
    assert done.code == 0
    assert "left out: broken.png: the file is empty" in done.err


def test_tables_can_be_read_at_80_columns(caselink: Run, archive: Path) -> None:
    done = caselink("evaluate", "--archive", archive, "--by", "sex", *FEW)
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 80
    heads = [line.split()[0] for line in lines if "k = 1" in line and "k = 7" in line]
    assert heads == ["precision", "hit", "vote", "macro", "recall"] * 3  # all, F and M
    at = next(number for number, line in enumerate(lines) if line.startswith("vote accuracy"))
    sources = [line.split()[0] for line in lines[at + 1 : at + 4]]
    assert sources == ["images", "metadata", "shortcut"]
    assert lines[at + 1].count("(") == 4
    assert "sex=F: 16 films, 8 patients" in done.out
    for entity in ("osteosarcoma", "enchondroma", "osteochondroma"):
        assert any(line.split()[:3] == [entity, "10", "5"] for line in lines)


def test_markdown(caselink: Run, archive: Path, tmp_path: Path) -> None:
    assert caselink("evaluate", "--archive", archive, "--markdown", tmp_path / "e.md", *FEW).code == 0
    assert "### all (30 films, 15 patients" in (tmp_path / "e.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--where", "colour = 'red'"], "unknown column 'colour' at character 1"),
        (["--where", "1 = 1 or age > 2"], "at character 1"),
        (["--query-where", "age > 5; select 1"], "unexpected ';' at character 8"),
        (["--where", "age > 100"], "no film of Hospital films passes the filter 'age > 100'"),
        (["--by", "colour"], "no column 'colour' to report by"),
        (["--roi", "mask"], "was indexed with --roi whole, not mask"),
        (["--queries", "nowhere"], "nowhere is no folder"),
        (["--json", "/dev"], "is no plain file"),
        (["--where", "patient = 'x'"], "passes the filter"),
    ],
)
def test_a_bad_question_is_one_sentence(
    caselink: Run, archive: Path, tree_hash: Run, options: list[str], said: str
) -> None:
    before = tree_hash(archive)
    assert said in caselink("evaluate", "--archive", archive, *FEW, *options).refusal()
    assert tree_hash(archive) == before


def test_queries_of_another_encoder_are_refused(caselink: Run, of_another_model: Run, more_patients: Path) -> None:
    other = of_another_model(mean=[0.4, 0.4, 0.4])
    said = caselink("evaluate", "--archive", other, "--queries", more_patients, *FEW).refusal()
    assert "the archive was made with default" in said


def test_an_archive_or_queries_without_films(caselink: Run, archive: Path, tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "x.png").write_bytes(b"")
    assert caselink("index", tmp_path / "bad", "--archive", tmp_path / "a").code == 1
    said = caselink("evaluate", "--archive", tmp_path / "a", *FEW).refusal()
    assert said == "bad has no film that can be compared; index or give films that can be read"
    done = caselink("evaluate", "--archive", archive, "--queries", tmp_path / "bad", *FEW)
    assert done.code == 1
    left_out, said = done.err.splitlines()
    assert left_out == "left out: x.png: the file is empty; send the film's own file"
    assert said == "caselink: bad has no film that can be compared; index or give films that can be read"


def test_no_archive(caselink: Run, tmp_path: Path) -> None:
    assert "holds no archive" in caselink("evaluate", "--archive", tmp_path / "none").refusal()


def test_folds_inside_an_archive(caselink: Run, archive: Path, tmp_path: Path) -> None:
    options = ["--folds", 3, "--merge", "osteochondroma=enchondroma", "--k", 1, "--k", 5, "--by", "site", "--by", "sex"]
    done = caselink("evaluate", "--archive", archive, *options, "--json", tmp_path / "e.json", *FEW)
    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= 90
    assert "grouped cross-validation of 3 folds; archive of 30 films of 15 patients" in done.out
    found = json.loads((tmp_path / "e.json").read_text(encoding="utf-8"))
    check(found)
    assert found["groups"]["all"]["n_films"] == sum(fold["n_films"] for fold in found["manifest"]["folds"]) == 30
    assert found["groups"]["all"]["merged"]["labels"] == {"osteochondroma": ["enchondroma"]}
    assert found["manifest"]["by"] == ["site", "sex"]


def test_each_centre_asks_the_others(caselink: Run, archive: Path) -> None:
    found = caselink("evaluate", "--archive", archive, "--leave-out", "centre", "--json", "-", *FEW).json()
    check(found)
    assert [fold["name"] for fold in found["manifest"]["folds"]] == ["centre=1", "centre=2"]
    assert [fold["n_films"] for fold in found["manifest"]["folds"]] == [16, 14]
    women = ["--leave-out", "centre", "--query-where", "sex = 'F'", "--json", "-"]
    asked = caselink("evaluate", "--archive", archive, *women, *FEW).json()
    assert asked["groups"]["all"]["n_films"] == 16
    assert [fold["name"] for fold in asked["manifest"]["folds"]] == ["centre=1"]  # women are of that centre alone
    assert asked["manifest"]["n_archive_films"] == 14


def test_another_archive_of_the_same_films_is_paired(
    caselink: Run, archive: Path, source: Path, bench: Any, tmp_path: Path
) -> None:
    bench.index(source, tmp_path / "other")  # pseudonyms by another key
    options = ["--against", tmp_path / "other", "--markdown", tmp_path / "e.md", "--json", tmp_path / "e.json"]
    done = caselink("evaluate", "--archive", archive, *options, *FEW)
    assert done.code == 0, done.err
    found = json.loads((tmp_path / "e.json").read_text(encoding="utf-8"))
    check(found)
    assert (found["paired"]["n_films"], found["paired"]["n_left_out"]) == (30, 0)
    difference = found["paired"]["groups"]["all"]["precision"]["5"]
    assert (difference["value"], difference["low"], difference["above_zero"]) == (0, 0, False)
    for text in (done.out, (tmp_path / "e.md").read_text(encoding="utf-8")):
        assert "the same 30 films: difference = this - other" in text
        assert "+0.0 (+0.0 to +0.0)" in text


def test_two_regions_of_the_same_queries_are_paired(caselink: Run, archive: Path, more_patients: Path) -> None:
    words = ("evaluate", "--archive", archive, "--queries", more_patients, "--json", "-", *FEW)
    whole, mask = (caselink(*words, "--roi", roi).json() for roi in ("whole", "mask"))
    found = caselink(*words, "--roi", "whole", "--against-roi", "mask").json()
    check(found)
    compared = found["paired"]["groups"]["all"]["vote_accuracy"]["5"]
    assert found["paired"]["against"]["roi"] == "mask" and found["manifest"]["roi"] == "whole"
    assert (compared["this"], compared["other"]) == (
        whole["groups"]["all"]["vote_accuracy"]["5"]["value"],
        mask["groups"]["all"]["vote_accuracy"]["5"]["value"],
    )
    same = caselink(*words, "--roi", "mask", "--against-roi", "mask").json()["paired"]["groups"]["all"]
    assert same["vote_accuracy"]["5"]["value"] == 0


def test_plots_are_pictures_that_say_what_they_show(caselink: Run, archive: Path, tmp_path: Path) -> None:
    done = caselink("evaluate", "--archive", archive, "--plots", tmp_path / "new" / "plots", *FEW)
    assert done.code == 0, done.err
    for name in ("reliability.png", "risk_coverage.png"):
        with Image.open(tmp_path / "new" / "plots" / name) as picture:
            assert min(picture.size) >= 500
            assert "30 films of 15 patients" in picture.info["Description"]
            assert picture.info["Description"] in done.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--folds", 2, "--leave-out", "centre"], "--folds and --leave-out are different protocols"),
        (["--folds", 1], "1 folds leave nothing to compare with"),
        (["--folds", 99], "99 folds need as many split groups and there are 15"),
        (["--leave-out", "colour"], "no column 'colour'"),
        (["--merge", "osteosarcoma"], "'osteosarcoma' names no two entities"),
        (["--merge", "osteosarcoma=flu"], "No film has the entity 'flu'"),
        (["--malignant-at", 2], "a malignant share of 2.0 is impossible"),
        (["--against", "nowhere"], "nowhere holds no archive"),
        (["--against-roi", "whole"], "say which films with --queries"),
        (["--plots", "/dev/null"], "/dev/null cannot be written"),
    ],
)
def test_a_bad_protocol_is_one_sentence(caselink: Run, archive: Path, options: list[object], said: str) -> None:
    assert said.lower() in caselink("evaluate", "--archive", archive, *FEW, *options).refusal().lower()
