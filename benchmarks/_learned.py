"""What training brings, for docs/results.md: stored runs of `caselink validate` beside their floors."""

from collections.abc import Mapping
from typing import Any

from engine.training.recipe import load_recipe
from indexer.evaluation.cells import signed
from indexer.evaluation.tables import markdown, percent, pipes
from indexer.evaluation.vote_tables import confidence_rows, malignancy_rows, set_rows

MERGE = '--merge "osteochondroma=multiple osteochondromas"'
GROUPED, CENTRE = "validate-default-folds", "validate-default-centre"
RECIPES = ("adapter", "supcon-mlp", "supcon", "proxy", "arcface")
"""Other methods than the default's, fitted on centre 1."""
HELD, REGIONS = "var/btxrd-held", ("segment", "whole")
TRAIN_HELD = f"caselink train default --data $BTXRD --dev-only --out {HELD}"
"""A fifth of the split groups teaches neither encoder nor segmenter."""
TUMOURS = "entity <> 'no tumour'"


def _centre(recipe: str) -> str:
    return f"validate-{recipe}-centre"


def _region(roi: str) -> str:
    return f"held-{roi}"


def _validate(recipe: str, name: str, how: str) -> tuple[str, ...]:
    return (f"caselink validate {recipe} --data $BTXRD {how} {MERGE} --json docs/runs/{name}.json",)


def _held(roi: str) -> tuple[str, ...]:
    where = f'--where "{TUMOURS}" --query-where "{TUMOURS}"'
    return (
        TRAIN_HELD,
        f"caselink index $BTXRD --archive {HELD}-archive --encoder {HELD} --roi mask",
        f"caselink evaluate --archive {HELD}-archive --queries $BTXRD {where} --roi {roi} --against-roi mask "
        f"{MERGE} --json docs/runs/{_region(roi)}.json",
    )


TRAIN = "train-default"
COMMANDS = {
    TRAIN: (f"caselink train default --data $BTXRD --out var/btxrd-run --json docs/runs/{TRAIN}.json",),
    GROUPED: _validate("default", GROUPED, "--folds 5"),
    CENTRE: _validate("default", CENTRE, "--leave-out 2"),
    **{_region(roi): _held(roi) for roi in REGIONS},
    **{_centre(recipe): _validate(recipe, _centre(recipe), "--leave-out 2") for recipe in RECIPES},
}
TITLES = {
    GROUPED: "Other patients of the same centres (five folds of split groups)",
    CENTRE: "A centre that was not seen (fitted on centre 1, centre 2 asks)",
}
ROWS = (
    ("P@1", "precision", "1"),
    ("vote accuracy, k = 5", "vote_accuracy", "5"),
    ("macro recall, k = 5", "macro_recall", "5"),
)

YES = {True: "yes", False: "no", None: "unknown"}


def sections(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The page's paragraphs and tables. found: stored runs by name; those not run are named as such."""
    parts = [
        "## The default recipe, trained",
        "`caselink train default` fine-tunes the packaged EfficientNet-Lite0 on lesion crop and whole film; its 256 "
        "numbers carry age, sex and site where they are known. Each fold's encoder has seen none of the patients that "
        "ask. The recipe was chosen while looking at a fifth of these films and at centre 2, so these figures flatter "
        "it somewhat; patients and a centre that nobody looked at are the honest test. Floors: the untrained default "
        "on the same folds, and age, sex and site without any pixel.",
    ]
    parts.append(
        "Shares, prediction sets and malignant thresholds of a film rest on other split groups that asked: with five "
        "folds on those of the other folds, at centre 2 on other patients of centre 2 itself. So the latter say what "
        "a centre gets that calibrates on its own patients, not what carries over from centre 1."
    )
    for name, title in TITLES.items():
        parts += [f"### {title}", _commands(name)]
        run = found.get(name)
        parts += ["Not run."] if run is None else [pipes(beside(run)), *_votes(run), _all(run)]
    return [*parts, *_training(found.get(TRAIN)), *_regions(found), *_recipes(found)]


def _commands(*names: str) -> str:
    lines = dict.fromkeys(line for name in names for line in COMMANDS[name])
    return "```\n" + "\n".join(lines) + "\n```"


def _training(run: Mapping[str, Any] | None) -> list[str]:
    """How long the default recipe takes, segmenter included."""
    parts = ["### What training takes", _commands(TRAIN)]
    if run is None:
        return [*parts, "Not run."]
    took, segmenter = run["took"], run["segmenter"]
    fits = {
        "encoder, measured on a fifth": (run["development"]["train"]["films"], run["development"]["seconds"]),
        "encoder, on all": (run["final"]["films"]["films"], run["final"]["seconds"]),
        "segmenter, with films without a tumour": (segmenter["training_films"], segmenter["training_seconds"]),
    }
    table = [["fit", "films", "minutes"]]
    table += [[name, f"{films:.0f}", f"{seconds / 60:.1f}"] for name, (films, seconds) in fits.items()]
    table.append([f"the command, on {took['cores']} cores", "", f"{took['seconds'] / 60:.1f}"])
    return [*parts, pipes(table)]


def _regions(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What a query loses whose region nobody drew."""
    names = [_region(roi) for roi in REGIONS]
    parts = [
        "### What a region is worth that nobody drew",
        "Patients of the fifth that taught neither encoder nor segmenter ask the archive with the region that the "
        "segmenter proposes (the whole film where it dares none), or with the whole film; beside it the same films "
        "with the lesion drawn.",
        _commands(*names),
    ]
    runs = [found[name] for name in names if name in found]
    if not runs:
        return [*parts, "Not run."]
    table = [["queries by", "measure", "so", "lesion drawn", "difference", "films"]]
    for run in runs:
        paired = run["paired"]["groups"]["all"]
        for title, measure, k in ROWS:
            one = paired[measure][k]
            drawn = percent({"value": one["other"], "low": None, "high": None})
            asked = percent(run["groups"]["all"][measure][k])
            table.append([run["manifest"]["roi"], title, asked, drawn, signed(one), f"{run['paired']['n_films']}"])
    return [*parts, pipes(table)]


def _recipes(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Which method does how well, on the centre that no fit has seen."""
    names = {"default": CENTRE, **{recipe: _centre(recipe) for recipe in RECIPES}}
    parts = [
        "### What other methods bring",
        "Each recipe of `caselink train --list` that makes an encoder of one network for caselink itself, fitted on "
        "centre 1 as it stands; centre 2 asks. The difference is to the untrained default.",
        _commands(*names.values()),
    ]
    table = [["recipe", "method", *(title for title, _, _ in ROWS), "vote accuracy less untrained", "above zero"]]
    for recipe, name in names.items():
        run = found.get(name)
        method = load_recipe(recipe).method
        if run is None:
            table.append([recipe, method, "not run", "", "", "", ""])
            continue
        difference = run["paired"]["groups"]["all"]["vote_accuracy"]["5"]
        figures = [percent(run["groups"]["all"][measure][k]) for _, measure, k in ROWS]
        table.append([recipe, method, *figures, signed(difference), YES[difference["above_zero"]]])
    return [*parts, pipes(table)]


def _votes(run: Mapping[str, Any]) -> list[str]:
    """What the trained encoder's votes are worth; without the calibrated part where no other fold could calibrate."""
    return [pipes(table) for rows in (confidence_rows, set_rows, malignancy_rows) if (table := rows(run))]


def beside(run: Mapping[str, Any]) -> list[list[str]]:
    """Trained, untrained and metadata alone under each other, and the paired difference to the untrained."""
    group, floor = run["groups"]["all"], run["floor"]["all"]
    paired = run["paired"]["groups"]["all"]
    over = run["over_metadata"]["all"]
    table = [
        [
            "measure", "trained", "untrained", "age, sex, site only", "trained less untrained",
            "trained less age, sex, site",
        ]
    ]  # fmt: skip
    for title, measure, k in ROWS:
        difference = paired[measure][k]
        table.append(
            [
                title,
                percent(group[measure][k]),
                percent(floor[measure][k]),
                percent(group["baselines"]["metadata"][measure][k]),
                signed(difference),
                signed(over[measure][k]),
            ]
        )
    return table


def _all(run: Mapping[str, Any]) -> str:
    return f"<details><summary>All figures of this run</summary>\n\n{markdown(run).strip()}\n\n</details>"
