"""Tables of papers, for docs/results.md: stored runs of `caselink reproduce`."""

from collections.abc import Mapping
from typing import Any

from indexer.reproduce.report import Table

ROWS = ("r1", "r2", "r3", "r7")
SCALES = ("cpu", "small")
COMMANDS = {
    f"reproduce-{row}-{scale}": f"caselink reproduce {row} --data $BTXRD --scale {scale} "
    f"--json docs/runs/reproduce-{row}-{scale}.json"
    for row in ROWS
    for scale in SCALES
}


def sections(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The page's paragraphs and tables. found: stored runs by name; those not run are named as such."""
    parts = [
        "## Tables of papers",
        "The protocol of each paper on BTXRD, patients kept apart, at the scale that was run. `cpu` takes all films "
        "and up to 40 minutes a fit on two cores, from the packaged weights. `small` fits in minutes, on few films, "
        "and says that the way is right, not how good the method is. `paper` needs a GPU and a hub's weights. No "
        "scale stands in for another.",
    ]
    for name, command in COMMANDS.items():
        run = found.get(name)
        _, row, scale = name.split("-")
        title = row.upper() if run is None else run["title"]
        parts += [f"### {title}, at `{scale}`", f"```\n{command}\n```"]
        parts.append("Not run." if run is None else _shown(run))
    return parts


def _shown(run: Mapping[str, Any]) -> str:
    main, *rest = [_table(each) for each in run["tables"]]
    scales = "; ".join(f"{scale}: {state}" for scale, state in run["scales"].items())
    notes = "\n".join(f"- {note}" for note in [*run["notes"], f"scales: {scales}"])
    folded = "\n\n".join(_markdown(table) for table in rest)
    parts = [_markdown(main), notes]
    if folded:
        parts.append(f"<details><summary>More of this run</summary>\n\n{folded}\n\n</details>")
    return "\n\n".join(parts)


def _table(stored: Mapping[str, Any]) -> Table:
    return Table(stored["title"], tuple(stored["header"]), tuple(tuple(row) for row in stored["rows"]))


def _markdown(table: Table) -> str:
    return "\n".join(line.replace("### ", "#### ") for line in table.markdown())
