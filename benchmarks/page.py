"""How long does a visitor wait? `caselink bench page [--films 100000] [--rounds 20] [--json FILE]`.

A real archive of so many films, a real API process, a real page process and Chromium, all on one machine. The films
are invented rows (see `benchmarks/_archive.py`) beside SYNTHETIC films that were indexed with their files, to which
queries come nearest. Times are taken in the browser with `performance.now`, from the event of the visitor's hand to the
frame after what was waited for: from a chosen 2140x1760 DICOM to the film and to the first answer, and from a click
on a way to a page until its heading and its pictures stand and the script has ended.

Where the time goes is measured apart, one after another: decoding, segmenting, embedding and searching in this process,
whole requests through the client. Without `--encoder RUN` the archive has the packaged encoder, and a segmenter of the
default recipe that nobody taught, which takes as long as one that learnt. The load of the machine stands in the result.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from api.cli.demo import servers, until_ready
from api.cli.screens import chromium
from api.client import Client
from api.lookup import query_film
from benchmarks import _browser
from benchmarks._archive import make_archive
from benchmarks.ann.store import machine
from engine.encoders import DEFAULT, EncoderFiles, OnnxEmbedder, encoder_files
from engine.readers import read
from engine.segmentation import has_segmenter
from indexer.archive import open_snapshot
from indexer.ingest import ingest
from indexer.manifest import NAME
from indexer.prepare import Roi
from indexer.regions import open_segmenter
from indexer.search import similar_patients
from indexer.sources import open_source
from indexer.synthetic import generate
from indexer.synthetic.cohort import plan_cohort
from indexer.synthetic.dicom_writer import write_film
from indexer.synthetic.film import draw
from indexer.synthetic.placement import place
from indexer.thumbnails import THUMBNAIL_SIDE
from indexer.writer import open_writer

FILMS, NEAR, ROUNDS, K = 100_000, 60, 20, 5
SHAPE = (2140, 1760)
WANTED_ANSWER_MS, WANTED_PAGE_MS = 1500.0, 500.0
QUERY_SEED = 977
SEGMENTER = "segment-unet"
DRAWN = {
    "film": "[...document.querySelectorAll('.st-key-lightbox .cl-stage img')].some(i => i.complete && i.naturalWidth)",
    "answer": "document.querySelector('.cl-first .cl-safety')",
}
"""The first answer ends with the words on safety; one that abstains has no bars."""
VIEW = {"width": 1280, "height": 900}


def encoder_with_segmenter(spec: str, cache: Path, folder: Path) -> EncoderFiles:
    """The encoder asked for; one without a segmenter gets one that nobody taught beside it, in `folder`."""
    files = encoder_files(spec, cache)
    if has_segmenter(files.onnx.parent):
        return files
    from engine.segmentation.card import Calibration
    from engine.segmentation.export import export_segmenter
    from engine.segmentation.networks import SegmentationNetwork
    from engine.segmentation.recipe import load_segment_recipe

    shutil.copytree(files.onnx.parent, folder, dirs_exist_ok=True)
    recipe = load_segment_recipe(SEGMENTER)
    export_segmenter(SegmentationNetwork(recipe.net).eval(), recipe, Calibration(), {}, "nothing", folder)
    return EncoderFiles.read(folder)


def furnish(work: Path, films: int, near: int, spec: str, cache: Path) -> Path:
    """The archive in a folder, as an earlier run left it or made now. near: SYNTHETIC patients with real files."""
    archive, source = work / "archive", work / "films"
    if (archive / NAME).exists():
        return archive
    files = encoder_with_segmenter(spec, cache, work / "encoder")
    generate(source, n_patients=near)
    making = work / "making"
    shutil.rmtree(making, ignore_errors=True)
    embedder = OnnxEmbedder.open(files)
    with open_writer(making, files.card, files.onnx.parent) as writer:
        ingest(open_source(source, "dicom"), source, "dicom", Roi.mask, embedder, writer)
    make_archive(making, films, files)  # after the real ones: invented rows have no picture to be known again by
    making.rename(archive)
    return archive


def query_dicom(path: Path, shape: tuple[int, int] = SHAPE) -> Path:
    """A SYNTHETIC film of so many rows and columns, of no patient of the archive, 16 bits a pixel."""
    patient = plan_cohort(1, QUERY_SEED)[0]
    plan = patient.films[0]
    film = draw(patient, place(patient), plan)
    large = np.clip(cv2.resize(film.picture, shape[::-1], interpolation=cv2.INTER_CUBIC), 0, 1)
    spacing = film.spacing_mm * film.picture.shape[0] / shape[0]
    write_film(path, patient, plan, replace(film, picture=large.astype(np.float32), mask=None, spacing_mm=spacing))
    return path


def visit(page: Any, film: Path, rounds: int) -> dict[str, Any]:
    """Raw milliseconds of uploads and of page changes; `fresh`: the upload of a browser that knows no page yet."""
    page.get_by_role("heading", name="Find similar past patients").wait_for()
    _browser.at_rest(page)
    uploads = []
    for number in range(rounds + 1):
        if number:
            page.locator(".st-key-start-over button").click()
            page.get_by_role("heading", name="Find similar past patients").wait_for()
            _browser.at_rest(page)
        uploads.append(_browser.upload(page, film, DRAWN))
        _browser.at_rest(page)
    page.get_by_role("button", name="Find similar patients").click()
    page.get_by_role("heading", name="What similar patients had").wait_for()
    _browser.at_rest(page)
    return {"fresh": uploads[0], "uploads": uploads[1:], "pages": _pages(page, rounds)}


def _pages(page: Any, rounds: int) -> dict[str, list[float]]:
    """Every way of the bar in turns, from the answer on and back to it; a history is open meanwhile."""
    times: dict[str, list[float]] = {}

    def go(name: str, button: Any) -> None:
        times.setdefault(name, []).append(_browser.turn(page, button.click))
        _browser.at_rest(page)

    links = page.locator(".st-key-pages a")
    for _ in range(rounds):
        go("Open history", page.locator(".st-key-case_1").get_by_role("button", name="Open history"))
        names = links.all_inner_texts()
        for number in (*range(2, len(names)), 1, 0):
            go(names[number], links.nth(number))
    return times


def parts(archive: Path, client: Client, film: Path, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each part of a first answer, one after another, `rounds` times after one that does not count."""
    snapshot = open_snapshot(archive)
    embedder, segmenter = (
        OnnxEmbedder.open(EncoderFiles.read(archive / "encoder")),
        open_segmenter(archive, snapshot.manifest),
    )
    assert segmenter is not None
    data = film.read_bytes()
    small = read(data, at_least=THUMBNAIL_SIDE)
    asked = query_film(data, None, segmenter=segmenter, size=embedder.card.size)
    patch = embedder.prepare(asked.film, asked.region)
    vectors = embedder.embed([patch])
    ways: dict[str, Callable[[], object]] = {
        "decode for the screen": lambda: read(data, at_least=1280),
        "decode for the encoder": lambda: read(data, at_least=THUMBNAIL_SIDE),
        "segment": lambda: segmenter.propose(small),
        "cut and embed": lambda: embedder.embed([embedder.prepare(asked.film, asked.region)]),
        "search": lambda: similar_patients(snapshot, snapshot.manifest.card, vectors, K, None),
        "request: preview": lambda: client.preview(film.name, data, size=1280),
        "request: search": lambda: client.search([(film.name, data)], k=K),
        "request: archive": client.archive,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            if number:
                times[name].append(1e3 * (time.perf_counter() - began))
    snapshot.close()
    return times


def spread(times: Sequence[float]) -> dict[str, float]:
    """Median, 90th percentile and worst."""
    return {"p50": float(np.median(times)), "p90": float(np.percentile(times, 90)), "worst": float(max(times))}


def judged(found: dict[str, Any]) -> dict[str, Any]:
    """The raw times with their spreads, and whether the 90th percentiles are as wanted."""
    seen = {name: spread([one[name] for one in found["uploads"]]) for name in DRAWN}
    pages = {name: spread(times) for name, times in found["pages"].items()}
    slowest = max(one["p90"] for one in pages.values())
    holds = seen["answer"]["p90"] <= WANTED_ANSWER_MS and slowest <= WANTED_PAGE_MS
    wanted = {"answer": WANTED_ANSWER_MS, "page": WANTED_PAGE_MS}
    where = {name: spread(times) for name, times in found["parts"].items()}
    return found | {"drawn_ms": seen, "pages_ms": pages, "parts_ms": where, "wanted_ms": wanted, "holds": holds}


def run(work: Path, films: int, near: int, rounds: int, spec: str, cache: Path) -> dict[str, Any]:
    """Everything, as it is stored."""
    archive, film = furnish(work, films, near, spec, cache), query_dicom(work / "upload.dcm")
    load = os.getloadavg()[0]
    with servers(archive, page=True) as (api, address), Client(api) as client, chromium() as browser:
        until_ready(client)
        held = client.archive()
        with browser.new_context(viewport=VIEW, locale="en-GB", reduced_motion="reduce") as context:
            page = context.new_page()
            page.set_default_timeout(_browser.LIMIT_MS)
            page.goto(address)
            seen = visit(page, film, rounds)
        seen["parts"] = parts(archive, client, film, rounds)
    facts = {"machine": machine(), "load": [load, os.getloadavg()[0]], "rounds": rounds}
    facts |= {"films": held.films, "patients": held.patients, "index": held.index, "encoder": held.model["name"]}
    return judged(facts | {"rows": SHAPE[0], "columns": SHAPE[1], "megabytes": film.stat().st_size / 1e6} | seen)


def _table(found: dict[str, Any]) -> Table:
    load = " to ".join(f"{one:.2f}" for one in found["load"])
    table = Table(title=f"a visitor over {found['films']:,} films, {found['index']}; ms, load {load}")
    for head in ("", "p50", "p90", "worst"):
        table.add_column(head, justify="right" if head else "left")
    groups = {"upload to ": found["drawn_ms"], "page: ": found["pages_ms"], "part: ": found["parts_ms"]}
    for before, rows in groups.items():
        for name, one in rows.items():
            table.add_row(before + name, *(f"{one[which]:.0f}" for which in ("p50", "p90", "worst")))
    wanted, said = found["wanted_ms"], "holds" if found["holds"] else "does not hold"
    table.caption = f"answer within {wanted['answer']:.0f} ms, pages within {wanted['page']:.0f} ms: {said}"
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry of `caselink bench page`; ends with 1 where a visitor waits too long."""
    parser = argparse.ArgumentParser(prog="caselink bench page", description=__doc__)
    parser.add_argument("--films", type=int, default=FILMS, help="invented films in the archive")
    parser.add_argument("--near", type=int, default=NEAR, help="SYNTHETIC patients beside them, with files")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="uploads, and changes to each page")
    parser.add_argument("--encoder", default=DEFAULT, help="default, or a training run's folder")
    parser.add_argument("--cache", type=Path, default=Path("var/encoders"), help="where the exported encoder is kept")
    parser.add_argument("--work", type=Path, help="keep the archive there between runs; unset = made anew")
    parser.add_argument("--json", type=Path, help="write the raw figures here too")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="caselink-page-") as place:
        work = options.work or Path(place)
        work.mkdir(parents=True, exist_ok=True)
        found = run(work, options.films, options.near, options.rounds, options.encoder, options.cache)
    Console(width=120).print(_table(found))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    raise SystemExit(0 if found["holds"] else 1)


if __name__ == "__main__":
    main()
