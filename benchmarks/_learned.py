"""What training brings, for docs/results.md: stored runs of `caselink validate` beside their floors."""

from collections.abc import Mapping
from typing import Any

from indexer.evaluation.tables import markdown, percent, pipes
from indexer.evaluation.vote_tables import confidence_rows, malignancy_rows, set_rows

MERGE = '--merge "osteochondroma=multiple osteochondromas"'
GROUPED, CENTRE = "validate-default-folds", "validate-default-centre"
COMMANDS = {
    GROUPED: f"caselink validate default --data $BTXRD --folds 5 {MERGE} --json docs/runs/{GROUPED}.json",
    CENTRE: f"caselink validate default --data $BTXRD --leave-out 2 {MERGE} --json docs/runs/{CENTRE}.json",
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
        parts += [f"### {title}", f"```\n{COMMANDS[name]}\n```"]
        run = found.get(name)
        parts += ["Not run."] if run is None else [pipes(beside(run)), *_votes(run), _all(run)]
    return parts


def _votes(run: Mapping[str, Any]) -> list[str]:
    """What the trained encoder's votes are worth; without the calibrated part where no other fold could calibrate."""
    return [pipes(table) for rows in (confidence_rows, set_rows, malignancy_rows) if (table := rows(run))]


def beside(run: Mapping[str, Any]) -> list[list[str]]:
    """Trained, untrained and metadata alone under each other, and the paired difference to the untrained."""
    group, floor = run["groups"]["all"], run["floor"]["all"]
    paired = run["paired"]["groups"]["all"]
    table = [["measure", "trained", "untrained", "age, sex, site only", "trained less untrained", "above zero"]]
    for title, measure, k in ROWS:
        difference = paired[measure][k]
        table.append(
            [
                title,
                percent(group[measure][k]),
                percent(floor[measure][k]),
                percent(group["baselines"]["metadata"][measure][k]),
                percent(difference),
                {True: "yes", False: "no", None: "unknown"}[difference["above_zero"]],
            ]
        )
    return table


def _all(run: Mapping[str, Any]) -> str:
    return f"<details><summary>All figures of this run</summary>\n\n{markdown(run).strip()}\n\n</details>"
