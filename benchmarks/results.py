"""Every figure of docs/results.md: `caselink bench results [--data DIR] [--render]`.

Runs the very commands that the page prints beside its tables, which keep their figures in docs/runs/, and renders the
page from those. `--render` only does the last.
"""

import argparse
import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import _learned, _papers
from indexer.durable import write_durably
from indexer.evaluation.tables import markdown, percent, pipes

ROOT = Path(__file__).parents[1]
RUNS, PAGE = ROOT / "docs" / "runs", ROOT / "docs" / "results.md"
TUMOURS = "entity <> 'no tumour'"
Section = tuple[str, str, list[list[str]]]
"""Title, what it says, table."""
MEASURES = {"precision": "precision", "vote_accuracy": "vote accuracy", "macro_recall": "macro recall"}


@dataclass(frozen=True)
class Run:
    """One stored run: its name in docs/runs/, and the commands that make it, with $BTXRD for the data."""

    name: str
    commands: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The stored figures."""
        return RUNS / f"{self.name}.json"


def _evaluation(roi: str, name: str, options: str) -> Run:
    archive = f"var/btxrd-{roi}"
    return Run(
        name,
        (
            f"caselink index $BTXRD --archive {archive} --roi {roi}",
            f"caselink evaluate --archive {archive} {options} --json docs/runs/{name}.json",
        ),
    )


MASK = _evaluation("mask", "btxrd-mask", f'--where "{TUMOURS}" --by centre')
WHOLE = _evaluation("whole", "btxrd-whole", f'--where "{TUMOURS}" --by centre')
ALL = _evaluation("mask", "btxrd-mask-all", "")
EVALUATIONS = (MASK, WHOLE, ALL)
LEARNED = tuple(Run(name, commands) for name, commands in _learned.COMMANDS.items())
PAPERS = tuple(Run(name, (command,)) for name, command in _papers.COMMANDS.items())


def render() -> str:
    """The page, from the stored runs alone."""
    found = {run.name: json.loads(run.path.read_text(encoding="utf-8")) for run in EVALUATIONS}
    parts = [
        "# Results",
        "Each table is rendered by `caselink bench results` from a run that is stored in `docs/runs/`; the commands "
        "beside it made that run. `$BTXRD` and `$FRACATLAS` stand for the folders of those data sets, which are not "
        "part of the project. Encoder: the untrained default (EfficientNet-Lite0 with its ImageNet weights), but "
        "where it says trained.",
        "## Lesion crop against whole film",
        "Leave one patient out on BTXRD: a query's own patient and split group never answer. Only films with a "
        "tumour: those without have no mask, age, sex or centre, and could be told by that alone. Per cent; in "
        "brackets 95 % bootstrap intervals over split groups.",
        pipes(_beside(found[MASK.name], found[WHOLE.name])),
        "## With the lesion crop (`--roi mask`)",
        _commands(MASK),
        markdown(found[MASK.name]).strip(),
        "## With the whole film (`--roi whole`)",
        _commands(WHOLE),
        markdown(found[WHOLE.name]).strip(),
        "## With the films that show no tumour",
        "Those 500 films have no mask and are embedded whole. What mask presence and missing metadata alone would "
        'score stands beside ("what is missing only"); read no figure here without it.',
        _commands(ALL),
        markdown(found[ALL.name]).strip(),
        *_learned.sections(_stored(LEARNED)),
        *_papers.sections(_stored(PAPERS)),
        *_benches(),
    ]
    return "\n\n".join(parts) + "\n"


def _stored(runs: Sequence[Run]) -> dict[str, Any]:
    """The figures of the runs that are there, by name."""
    return {run.name: json.loads(run.path.read_text(encoding="utf-8")) for run in runs if run.path.exists()}


def _beside(mask: Mapping[str, Any], whole: Mapping[str, Any]) -> list[list[str]]:
    """Lesion crop, whole film and the baselines under each other, a column per k."""
    crop, film = mask["groups"]["all"], whole["groups"]["all"]
    ks = list(crop["precision"])
    sources = {"lesion crop": crop, "whole film": film, "age, sex, site only": crop["baselines"]["metadata"]}
    table = [["measure", "neighbours by", *(f"k = {k}" for k in ks)]]
    for measure, title in MEASURES.items():
        for source, given in sources.items():
            table.append([title, source, *(percent(given[measure][k]) for k in ks)])
    return table


def _runtime(found: Mapping[str, Any]) -> Section:
    table = [["runtime", "lowest cosine to torch", "nearest patient changes", "vote changes", "films/s over torch's"]]
    for one in found["runtimes"]:
        changed, pace = one["changed"], one["pace"]
        shares = [
            f"{100 * changed[name]:.1f} % ({100 * changed[f'{name}_matters']:.1f} % matter)"
            for name in ("nearest", "vote")
        ]
        ratio = f"{pace['ratio_1']:.1f} alone, {pace['ratio_32']:.1f} by 32"
        table.append([one["runtime"], f"{one['min_cosine']:.6f}", *shares, ratio])
    says = (
        f"On {found['source']}. A change matters unless the similarities that decide it lie under 0.001 apart in "
        f"torch. Serving: {found['chosen']}, the fastest that keeps cosine 0.999 and changes nothing that matters."
    )
    return "Which runtime may serve", says, table


def _ingest(found: Mapping[str, Any]) -> Section:
    table = [["round", "decoding", "forward pass", "the machine allows", "indexed", "ratio", "ratio to cores alone"]]
    for number, one in enumerate(found["rounds"], start=1):
        costs = [f"{1e3 * one['cost'][name]:.2f} core-ms" for name in ("decode_s", "forward_s")]
        allowed = found["cores"] / sum(one["cost"].values())
        rates = [f"{rate:.0f} films/s" for rate in (allowed, one["films"] / one["wall_s"])]
        table.append([f"{number}", *costs, *rates, f"{one['ratio']:.3f}", f"{one['ratio_alone']:.3f}"])
    says = (
        f"{found['rounds'][0]['films']} films of {found['source']}, end to end into a new archive, on {found['cores']} "
        "cores; the machine allows cores / (core-seconds of decoding + of the forward pass, per film), each measured "
        "with all of them at work in the same round. The last column is against cores that were as fast together as "
        "one is alone, which share memory, cache and clock. "
        f"Median ratio {found['ratio']:.3f}; {found['wanted']} was wanted."
    )
    return "Does bulk indexing use the machine?", says, table


def _query(found: Mapping[str, Any]) -> Section:
    table = [["query", "own time, p50", "p99", "over bare FAISS"]]
    for one in found["variants"]:
        times = [f"{one['own_ms'][name]:.1f} ms" for name in ("p50", "p99")]
        table.append([one["name"], *times, f"{one['ratio']:.1f}"])
    says = (
        f"Whole requests through the HTTP application over {found['films']} invented films of 1280 numbers, less the "
        f"forward pass and decoding: form, cut, filter, search, grouping, vote and JSON. "
        f"Under {found['wanted_ms']:.0f} ms was wanted. Beside it stands the p50 "
        "over that of a bare FAISS flat search of the same vectors in the same run."
    )
    return "A query's own time", says, table


def _cut(found: Mapping[str, Any]) -> Section:
    table = [["film", "way", "time over caselink's", "largest error"]]
    for one in found["paces"]:
        film = f"{one['rows']}x{one['columns']}"
        table.append([film, one["way"], f"{one['ratio']:.1f}", f"{one['error']:.0e}"])
    says = (
        f"Whole films to {found['size']} pixels, the same float32 pixels in turns on one core. Error: against float64 "
        "means over the same areas, of grey levels in 0..1."
    )
    return "Cutting a film for the encoder", says, table


def _unlike(found: Mapping[str, Any]) -> Section:
    table = [["outsiders", "films", "AUROC", "control", "flagged"]]
    for one in found["figures"]:
        shares = [f"{one['auroc']:.3f}", f"{one['control']:.3f}", f"{100 * one['flagged']:.1f} %"]
        table.append([one["outsiders"], f"{one['films']}", *shares])
    says = (
        f"Encoder {found['encoder']}, BTXRD's tumour films embedded as {found['roi']}. AUROC of the nearest film's "
        "similarity: the films of each site against an archive without it, FracAtlas and photographs as whole films; "
        "insiders ask without their own patient and split group. Control: distance by film size, aspect, border and "
        "grey levels alone. Flagged: under the similarity that 1 % of the archive's own films lie under. `$DATA` holds "
        "both sets."
    )
    return "Films unlike the archive", says, table


def _explain_trained(found: Mapping[str, Any]) -> Section:
    _, says, table = _explain(found)
    return "And with the default recipe, trained?", f"{says} No film taught the encoder.", table


def _explain(found: Mapping[str, Any]) -> Section:
    measures = {"pointing": "pointing game", "iou": "mean IoU"}
    table = [["map", "films", *measures.values()]]
    table += [[one["map"], f"{one['films']}", *(percent(one[name]) for name in measures)] for one in found["maps"]]
    says = (
        f"Encoder {found['encoder']}, {found['films']} whole films with a tumour, whose lesions take "
        f"{100 * found['lesion_share']:.1f} % of the film. Pointing game: the map's highest place lies in the lesion's "
        "mask; IoU of the mask with as many of the map's highest pixels. Per cent, 95 % intervals over split groups. "
        "Controls: random grids, and boxes around the film's centre."
    )
    return "Do explanations point at the lesion?", says, table


BENCHES: dict[Run, Callable[[Mapping[str, Any]], Section]] = {
    Run("runtime", ("caselink bench runtime --data $BTXRD --json docs/runs/runtime.json",)): _runtime,
    Run("ingest", ("caselink bench ingest --source $FRACATLAS --json docs/runs/ingest.json",)): _ingest,
    Run("query", ("caselink bench query --json docs/runs/query.json",)): _query,
    Run("unlike", ("caselink bench unlike --data $DATA --json docs/runs/unlike.json",)): _unlike,
    Run("explain", ("caselink bench explain --data $BTXRD --json docs/runs/explain.json",)): _explain,
    Run(
        "explain-trained",
        (
            _learned.TRAIN_HELD,
            f"caselink bench explain --data $BTXRD --encoder {_learned.HELD} --json docs/runs/explain-trained.json",
        ),
    ): _explain_trained,
    Run("cut", ("caselink bench cut --json docs/runs/cut.json",)): _cut,
}


def _benches() -> list[str]:
    parts = []
    for run, section in BENCHES.items():
        if run.path.exists():
            title, says, table = section(json.loads(run.path.read_text(encoding="utf-8")))
            parts += [f"## {title}", says, _commands(run), pipes(table)]
    return parts


def _commands(run: Run) -> str:
    return "```\n" + "\n".join(run.commands) + "\n```"


def measure(data: Path) -> None:
    """Run every command anew; a bench that ends with 1 measured, and found that its aim was missed."""
    places = {"$DATA": str(data), "$BTXRD": str(data / "btxrd"), "$FRACATLAS": str(data / "fracatlas")}
    for name in ("btxrd-mask", "btxrd-whole", "btxrd-run", "btxrd-held", "btxrd-held-archive"):
        shutil.rmtree(ROOT / "var" / name, ignore_errors=True)
    runs = (*EVALUATIONS, *LEARNED, *PAPERS, *BENCHES)
    for command in dict.fromkeys(command for run in runs for command in run.commands):
        words = [places.get(word, word) for word in shlex.split(command)]
        done = subprocess.run([sys.executable, "-m", "api.cli", *words[1:]], cwd=ROOT, check=False)
        if done.returncode and not (words[1] == "bench" and done.returncode == 1):
            raise SystemExit(f"`{command}` ended with {done.returncode}; see above")


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="caselink bench results", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with btxrd/ and fracatlas/")
    parser.add_argument("--render", action="store_true", help="only render the page from the stored runs")
    given = parser.parse_args(arguments)
    if not given.render:
        if given.data is None:
            parser.error("give --data, the folder with btxrd/ and fracatlas/, or --render")
        measure(given.data.resolve())
    write_durably(PAGE, render().encode())
    Console().print(f"written: {PAGE}")


if __name__ == "__main__":
    main()
