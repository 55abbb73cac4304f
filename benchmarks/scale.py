"""Every figure of docs/scale.md: `caselink bench scale`, rendered from the runs that are stored in docs/runs/.

The page prints beside each table the command that made its run. A part whose run is not stored is left out, and the
page says so.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks._learned import HELD, TRAIN_HELD
from benchmarks.growth import fitted, per_film
from benchmarks.results import ROOT, RUNS
from indexer.durable import write_durably
from indexer.evaluation.tables import pipes

PAGE = ROOT / "docs" / "scale.md"
FAR = 100_000_000
"""Films that the laws are drawn out to."""
FIRM = 100_000
"""Films from which on laws are fitted, where two sizes are there: below it, what does not grow rules."""
BESIDE = 0.25
"""Load beyond an engine's own threads from which on others disturbed it."""
LAWS = {
    "build_s": ("building", "s"), "p50_ms": ("a query, p50", "ms"), "resident_bytes": ("memory", "B"),
    "disk_bytes": ("disk", "B"),
}  # fmt: skip
ARCHIVE = f"{HELD}-archive"
WIDE = "var/btxrd-mask"
"""By the untrained encoder, whose vectors have 1,280 numbers."""
MAKING = (TRAIN_HELD, f"caselink index $BTXRD --archive {ARCHIVE} --encoder {HELD} --roi mask")


@dataclass(frozen=True)
class Lot:
    """Engines, or kinds of them, that one command measures; no n: on the archive's own vectors."""

    n: int | None
    engines: tuple[str, ...]
    more: str = ""

    @property
    def command(self) -> str:
        """As it is typed."""
        drawn = "" if self.n is None else f" --n {self.n}"
        engines = ",".join(self.engines)
        engines = f'"{engines}"' if " " in engines else engines
        return f"caselink bench ann --archive {ARCHIVE}{drawn} --engines {engines}{self.more} --json docs/runs/ann.json"

    def measured(self, found: Mapping[str, Any]) -> bool:
        """Whether every engine of it stands in the run, or why it could not be measured."""
        name = "archive" if self.n is None else "drawn"
        stored = [*found["rows"], *found["failures"]]
        mine = [row for row in stored if row["data"] == name and self.n in (None, row["n"])]
        return set(self.engines) <= {row["engine"] for row in mine} | {row.get("kind") for row in mine}


MILLION = 1_000_000
"""At so many vectors engines stand in one variant each: to build all takes long."""
HASHES = ("caselink-lsh", "faiss-binary", "datasketch-lsh", "datasketch-forest")
LOTS = (
    Lot(None, ("own", "library")),
    Lot(None, ("system", "hash table")),
    Lot(None, HASHES),
    Lot(
        100_000,
        ("own", "library", "system", "hash table"),
        ' --variants "M16,M16 f16,M16 Float32,PQ64,IVF_FLAT,IVF_SQ8" --queries 500',
    ),
    Lot(100_000, HASHES, " --queries 500 --together 24"),
    Lot(
        MILLION,
        ("caselink", "caselink-compact", "faiss-hnsw", "hnswlib", "usearch", "voyager", "lancedb", "milvus-lite",
         "chroma"),
        ' --variants "M16,M16 f16,M16 Float32,IVF_FLAT,IVF_SQ8" --together 8',
    ),
    Lot(MILLION, ("faiss-ivf-pq", "lancedb"), " --variants PQ64,IVF_PQ"),
)  # fmt: skip
LARGEST = "--sizes 10000000 "
"""A size of its own run: it takes 10 GB on the disk."""
COMMANDS = {
    "ann": tuple(lot.command for lot in LOTS),
    "filters": (f"caselink bench filters --archive {ARCHIVE} --json docs/runs/filters.json",),
    "growth": (
        f"caselink bench growth --archive {ARCHIVE} --json docs/runs/growth.json",
        f"caselink bench growth --archive {ARCHIVE} {LARGEST}--indexes exact,lsh,compact --json docs/runs/growth.json",
    ),
    "growth-1280": (
        f"caselink index $BTXRD --archive {WIDE} --roi mask",
        f"caselink bench growth --archive {WIDE} --sizes 100000,1000000 --indexes lsh,compact "
        "--json docs/runs/growth-1280.json",
    ),
    "bulk": ("caselink bench bulk --data $BTXRD --films 300 --json docs/runs/bulk.json",),
    "page": ("caselink bench page --json docs/runs/page.json",),
}
Found = Mapping[str, Any]


def growth(found: Found) -> list[str]:
    """Tables of sizes and of laws."""
    rows = found["rows"]
    return [
        "## How the cost grows",
        "Vectors of 256 numbers drawn after those of real films, streamed into a file that is read where it lies. "
        f"Each index is tuned to recall@10 of {found['wanted_recall']} on vectors that it holds, and asked with "
        f"{found['queries']} that it does not. Bytes a film: what stays in memory once the index was opened, its "
        "codes, ids and the film's patient; exact vectors stay on disk. Measured: what the memory of a process grew by "
        "as it opened the index and asked once, of large ones, without the patients. Peak memory: of the process that "
        "built it, what it mapped from files included.",
        _shown([command for command in COMMANDS["growth"] if LARGEST not in command or _grew(found)]),
        _grown(rows),
        *_laws(rows),
    ]


def wide(found: Found) -> list[str]:
    """A table of sizes, over the vectors of an encoder that shortens none."""
    return [
        "## The same over vectors of 1,280 numbers",
        "Drawn after the vectors of the untrained encoder, which has no last layer that shortens them.",
        _shown(COMMANDS["growth-1280"]),
        _grown(found["rows"]),
    ]


def _grown(rows: Sequence[dict[str, Any]]) -> str:
    sizes = ["films", "index", "recall@10", "build", "peak memory", "bytes a film", "measured", "disk"]
    table = [[*sizes, "open", "p50", "p99", "64 at once"]]
    for row in sorted(rows, key=lambda row: (row["n"], row["index"])):
        measured = f"{row['process_bytes'] / row['n']:.0f}" if row["n"] >= FIRM else ""
        memory = f"{row['peak_bytes'] / 1e9:.2f} GB", f"{per_film(row):.0f}", measured
        disk = f"{row['disk_bytes'] / 1e6:,.0f} MB"
        times = f"{row['open_s']:.2f} s", f"{row['p50_ms']:.2f} ms", f"{row['p99_ms']:.2f} ms"
        table.append(
            [f"{row['n']:,}", row["index"], f"{row['recall']:.3f}", f"{row['build_s']:.1f} s", *memory, disk, *times,
             f"{row['batch_qps']:,.0f}/s"]
        )  # fmt: skip
    return pipes(table)


def _laws(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What the measured sizes say of `FAR` films, on paper."""
    titles = [title for title, _ in LAWS.values()]
    table = [["index", "sizes", *(f"{title}, n^" for title in titles), *titles]]
    for kind in dict.fromkeys(row["index"] for row in rows):
        every = [row for row in rows if row["index"] == kind]
        large = [row for row in every if row["n"] >= FIRM]
        own = large if len(large) > 1 else every
        if len(own) < 2:
            continue
        laws = {name: fitted(own, name) for name in LAWS}
        far = [_said(constant * FAR**power, LAWS[name][1]) for name, (constant, power) in laws.items()]
        sizes = f"{min(row['n'] for row in own):,} to {max(row['n'] for row in own):,}"
        table.append([kind, sizes, *(f"{power:.2f}" for _, power in laws.values()), *far])
    if len(table) == 1:
        return []
    return [
        f"## {FAR:,} films, on paper",
        f"c n^e fitted to the sizes named by least squares of the logarithms, and drawn out to {FAR:,} films. Nothing "
        "of this was run; the constants are those of the machine named below, and an index whose vectors no longer fit "
        "in the page cache waits for the disk, which no size above shows.",
        pipes(table),
    ]


def _said(value: float, unit: str) -> str:
    if unit == "B":
        return f"{value / 1e9:,.1f} GB"
    if unit == "s" and value > 7200:
        return f"{value / 3600:,.1f} h"
    return f"{value:,.1f} {unit}"


def filters(found: Found) -> list[str]:
    """A table of filters."""
    table = [["filter", "films left", "recall@10", "p50 over no filter", "first use, more", "way"]]
    for row in found["rows"]:
        first = "" if row["first_ms"] is None else f"{row['first_ms']:.1f} ms"
        where = "none" if row["where"] is None else f"`{row['where']}`"
        table.append(
            [where, f"{100 * row['share']:.3f} %", f"{row['recall']:.4f}", f"{row['ratio']:.2f}", first, row["way"]]
        )
    return [
        "## What a filter costs",
        f"Single queries the whole way, filter to vote, over an archive of {found['n']:,} invented films with `"
        f"{found['index']}` tuned to recall@10 of 0.99. Recall: against comparing every film that passes. Wanted: at "
        "least 0.99; at most twice the time without a filter down to a tenth of the films, five times below; under 15 "
        "ms more on first use, before the films that pass are kept.",
        _shown(COMMANDS["filters"]),
        pipes(table),
    ]


def ann(found: Found) -> list[str]:
    """Ratios of each data, and where the curves are."""
    table = [["vectors", "ratio", "", "caselink", "other"]]
    for name, ratios in found["ratios_by_data"].items():
        for title, one in ratios.items():
            if one["ratio"] is not None:
                sides = [_side(one[side]) for side in ("own", "other")]
                table.append([name, title.replace("_", " "), f"{one['ratio']:.2f}", *sides])
    pages = [f"[{name}](runs/ann-{name.replace(' ', '-')}.md)" for name in found["ratios_by_data"]]
    drawn = {name: f"runs/ann-{name.replace(' ', '-')}.svg" for name in found["ratios_by_data"]}
    return [
        "## Beside libraries and systems",
        "caselink's speed over that of others, each at its fastest setting of enough recall@10 (0.95, of hash tables "
        "0.9), the same threads for all. `caselink` is the whole path, from a filter to the vote; a bare library only "
        "searches. Of the few thousand films of an archive it compares all, so that none is missed, and that is slower "
        f"than a graph. Every engine and setting: {', '.join(pages)}.",
        _shown([lot.command for lot in LOTS if lot.measured(found)]),
        pipes(table),
        *_disturbed(found),
        *(f"![Recall and speed, {name}]({path})" for name, path in drawn.items() if (PAGE.parent / path).exists()),
    ]


def _disturbed(found: Found) -> list[str]:
    """What was measured while others had the cores: slower than alone, so that a ratio over it may flatter."""
    over = found.get("threads", 0) + BESIDE
    rows = [row for row in found["rows"] if row.get("load", 0) > over]
    slowed = sorted({f"{row['engine']} {row['variant']} ({row['n']:,})" for row in rows})
    if not slowed:
        return []
    return [
        f"Measured while other work ran beside it (a load over {over:g}), not in the same minutes as caselink, and so "
        f"slower than alone; a ratio that leaves these behind may flatter caselink: {', '.join(slowed)}."
    ]


def _grew(found: Found) -> bool:
    return any(f"--sizes {row['n']} " == LARGEST for row in found["rows"])


def _side(side: Found) -> str:
    return f"{side['engine']} {side['variant']}, recall {side['recall']:.3f}, {side['qps']:,.0f}/s"


def bulk(found: Found) -> list[str]:
    """A table of ways to index."""
    table = [["way", "films/s over the single process's", "without its start"]]
    for name, ratio in found["ratios"].items():
        table.append([name, *("not run" if one is None else f"{one:.2f}" for one in (ratio["whole"], ratio["steady"]))])
    return [
        "## Indexing by worker processes",
        f"The same {found['films']} films into new archives; every way makes the same vectors, bit for bit.",
        _shown(COMMANDS["bulk"]),
        pipes(table),
    ]


def page(found: Found) -> list[str]:
    """Tables of what a visitor waits for, and of where the time goes."""
    heads = ("median", "p90", "worst")
    drawn = {f"upload to {name} drawn": one for name, one in found["drawn_ms"].items()}
    turned = {f"to {name}": one for name, one in found["pages_ms"].items()}
    load = " to ".join(f"{one:.1f}" for one in found["load"])
    wanted = found["wanted_ms"]
    return [
        "## What a visitor waits for",
        f"Chromium, page and API over an archive of {found['films']:,} films with `{found['index']}`, all on one "
        f"machine whose load was {load}; a {found['rows']}x{found['columns']} DICOM of {found['megabytes']:.1f} MB is "
        "uploaded. Milliseconds in the browser, from the visitor's hand to the frame in which the film, the first "
        f"answer, or the other page with its pictures stands, {found['rounds']} times each. Wanted: an answer within "
        f"{wanted['answer']:.0f} ms, a page within {wanted['page']:.0f} ms.",
        _shown(COMMANDS["page"]),
        pipes([["", *heads], *_spreads(drawn | turned)]),
        "Where it goes, each part by itself: the film is shown and asked about at the same time, and what is left "
        "beyond the two requests is the way through the browser and the page's own script.",
        pipes([["part", *heads], *_spreads(found["parts_ms"])]),
    ]


def _spreads(rows: Mapping[str, Mapping[str, float]]) -> list[list[str]]:
    return [[name, *(f"{one[which]:.0f} ms" for which in ("p50", "p90", "worst"))] for name, one in rows.items()]


PARTS: dict[str, Callable[[Found], list[str]]] = {
    "ann": ann,
    "filters": filters,
    "growth": growth,
    "growth-1280": wide,
    "bulk": bulk,
    "page": page,
}


def render(runs: Path = RUNS) -> str:
    """The page, from the stored runs alone."""
    stored = {name: runs / f"{name}.json" for name in PARTS}
    found = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in stored.items() if path.is_file()}
    parts = [
        "# Scale",
        "From thousands of films to many millions. Each table is rendered by `caselink bench scale` from a run that is "
        "stored in `docs/runs/`, by the commands that stand beside it. Vectors are those of an archive of real films, "
        "or drawn after them; `$BTXRD` is its data set, which is not part of the project:",
        _shown(MAKING),
    ]
    for name, part in PARTS.items():
        if name in found:
            parts += part(found[name])
    missing = [command for name in PARTS if name not in found for command in COMMANDS[name]]
    if "growth" in found and not _grew(found["growth"]):
        missing.append(COMMANDS["growth"][-1])
    if "ann" in found:
        missing += [lot.command for lot in LOTS if not lot.measured(found["ann"])]
    if missing:
        parts += ["## Not measured yet", _shown(missing)]
    machines = {json.dumps(one["machine"]): one["machine"] for one in found.values() if "machine" in one}
    for machine in machines.values():
        parts += ["## Machine", f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB."]
    return "\n\n".join(parts) + "\n"


def _shown(commands: Sequence[str]) -> str:
    return "```\n" + "\n".join(commands) + "\n```"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    argparse.ArgumentParser(prog="caselink bench scale", description=__doc__).parse_args(arguments)
    write_durably(PAGE, render().encode())
    Console().print(f"written: {PAGE}")


if __name__ == "__main__":
    main()
