from engine.training.recipe import Scale
from indexer.reproduce import published
from indexer.reproduce.report import Reproduction, Table

TABLE = Table("", ("per cent", "k = 1", "k = 3"), (("precision",), ("film votes", "1.0", "22.5"), ("x", "", "3.0")))


def test_columns_stand_under_each_other() -> None:
    assert list(TABLE.lines()) == [
        "  per cent    k = 1  k = 3",
        "",
        "precision",
        "  film votes    1.0   22.5",
        "  x                    3.0",
    ]


def test_markdown_has_as_many_cells_in_each_row() -> None:
    lines = list(TABLE.markdown())
    assert lines[0] == "| per cent | k = 1 | k = 3 |"
    assert lines[2] == "| **precision** |  |  |"
    assert {line.count("|") for line in lines} == {4}
    assert next(Table("", ("a|b",), ()).markdown()) == "| a/b |"


def test_scales_that_were_not_run_say_so() -> None:
    made = Reproduction("r2", "R2", Scale.small, (TABLE,), ("a note",), {"figures": 1})
    assert made.scales.rows == (("small", "run"), ("cpu", "not run"), ("paper", "not run"))
    assert "| cpu | not run |" in made.markdown()
    assert "- a note" in made.markdown()
    found = made.to_dict()
    assert (found["state"], found["figures"], found["scales"]["paper"]) == ("run", 1, "not run")


def test_a_row_that_was_not_run_has_no_figures_but_the_reason() -> None:
    made = Reproduction("r2", "R2", Scale.paper, why="no GPU")
    assert made.scales.rows == (("small", "not run"), ("cpu", "not run"), ("paper", "not run: no GPU"))
    assert made.to_dict()["tables"] == []
    assert made.to_dict()["state"] == "not run"


def test_synthetic_films_are_called_so() -> None:
    made = Reproduction("r1", "R1", Scale.small, (TABLE,), synthetic=True)
    assert "SYNTHETIC" in made.markdown()
    assert made.to_dict()["synthetic"] is True


def test_the_92_86_never_stands_without_its_note() -> None:
    marked = [cell for cell in published.R1.values() if "92.86" in cell]
    assert marked
    assert all(cell.endswith("*") for cell in marked)
    assert published.R1_CARE.startswith("*")
    assert published.baseline("classifier r2-nest: nest_tiny_jx", "accuracy") == "62.80 ± 1.90"
    assert published.baseline("always the commonest entity", "accuracy") == ""


def test_bound_that_the_note_states() -> None:
    precision, accuracy = 0.6258, 0.9286
    # x votes right by two of three, y by all three: precision >= (2 x + 3 y) / 3 and accuracy = x + y
    y = 3 * precision - 2 * accuracy
    assert 0 <= y / accuracy < 0.1
