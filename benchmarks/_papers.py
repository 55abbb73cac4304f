"""Tables of papers, for docs/results.md: stored runs of `caselink reproduce`."""

from collections.abc import Mapping
from typing import Any

from indexer.reproduce.report import Table

ROWS = ("r1", "r2", "r3", "r7")
COMMANDS = {
    f"reproduce-{row}-small": f"caselink reproduce {row} --data $BTXRD --scale small "
    f"--json docs/runs/reproduce-{row}-small.json"
    for row in ROWS
}


def sections(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The page's paragraphs and tables. found: stored runs by name; those not run are named as such."""
    parts = [
        "## Tables of papers",
        "The protocol of each paper on BTXRD, patients kept apart, at the scale that was run: `small` fits in minutes "
        "on two cores, on few films, and says that the way is right, not how good the method is. No scale stands in "
        "for another.",
    ]
    for name, command in COMMANDS.items():
        run = found.get(name)
        title = name.split("-")[1].upper() if run is None else run["title"]
        parts += [f"### {title}", f"```\n{command}\n```"]
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
