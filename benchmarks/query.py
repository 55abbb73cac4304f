"""How long does a query take by itself? `caselink bench query [--films 10000] [--queries 200] [--json FILE]`.

own time = the whole request at the API's door (its ASGI app: form, films, region, search, vote, JSON) - decoding - the
forward pass, over an archive of invented rows that `benchmarks/_archive.py` describes. Cutting and normalising a film
is the query's own. Decoding runs from the moment the route is handed the archive to the first cut, so it takes in
reading the boxes, some microseconds. Sockets and the client are left out: they are not ours.

ratio = median own time / median time of bare FAISS (`IndexFlatIP`, k as asked, one query, one thread, which is what
serving uses too) over the same matrix. Each round asks every kind of query once and then FAISS, so that what else the
machine does falls on all alike. The demand holds where the median and the 99th percentile of every kind of query
are under 10 ms; on a busy machine the latter says more of the machine.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import faiss
import httpx
import numpy as np
from rich.console import Console
from rich.table import Table
from starlette.types import ASGIApp, Message, Scope

from api.app import create_app
from api.routes.search import FILMS as FIELD
from api.service import Opened, Service
from api.settings import Settings
from benchmarks._archive import make_archive
from engine.card import ModelCard
from engine.embeddings import Embedder, Patch, Patches, Vectors
from engine.encoders import DEFAULT, encoder_files
from engine.encoders.runtime import usable_cores
from engine.facts import Facts
from engine.radiograph import Radiograph
from engine.region import Region
from indexer.synthetic.cohort import Patient, plan_cohort
from indexer.synthetic.dicom_writer import write_film
from indexer.synthetic.film import draw
from indexer.synthetic.placement import place

WANTED_MS = 10.0
FILMS, QUERIES, K = 10_000, 200, 5
WHERE = "age between 5 and 20 and sex='F'"
LARGE = (2400, 1800)
"""Rows and columns of a plain film as a hospital sends it; the generated ones are smaller."""
FUSED = 3
WARM_UP = 5
CHUNK = 1 << 16
"""Bytes in which a server hands a body on."""
PARTS = ("decode_s", "forward_s")
SEARCH = "http://127.0.0.1/v1/search"


@dataclass(frozen=True)
class Query:
    """One query's raw figures, in seconds."""

    whole_s: float
    decode_s: float
    forward_s: float

    @property
    def own_s(self) -> float:
        """All but decoding and the forward pass."""
        return self.whole_s - self.decode_s - self.forward_s


@dataclass(frozen=True)
class Variant:
    """One kind of query, asked many times."""

    name: str
    queries: tuple[Query, ...]

    def own_ms(self, share: float) -> float:
        """The own time that `share` per cent of the queries stay within."""
        return 1e3 * float(np.percentile([query.own_s for query in self.queries], share))

    @property
    def holds(self) -> bool:
        """Whether both the median and the 99th percentile are as wanted."""
        return max(self.own_ms(50), self.own_ms(99)) < WANTED_MS


@dataclass(frozen=True)
class Verdict:
    """All kinds of query over so many films. bare_s: seconds of each bare FAISS search. load: before and after."""

    films: int
    cores: int
    variants: tuple[Variant, ...]
    bare_s: tuple[float, ...]
    load: tuple[float, float]

    @property
    def bare_ms(self) -> float:
        """The median of bare FAISS."""
        return 1e3 * float(np.median(self.bare_s))

    def ratio(self, variant: Variant) -> float:
        """A variant's median own time over that of bare FAISS."""
        return variant.own_ms(50) / self.bare_ms

    @property
    def holds(self) -> bool:
        """Whether every kind of query is as wanted."""
        return all(variant.holds for variant in self.variants)

    def to_dict(self) -> dict[str, object]:
        """Raw figures and verdict."""
        variants = [
            {
                "name": one.name,
                "own_ms": {"p50": one.own_ms(50), "p99": one.own_ms(99)},
                "ratio": self.ratio(one),
                "holds": one.holds,
                "queries": [asdict(query) for query in one.queries],
            }
            for one in self.variants
        ]
        facts = {"films": self.films, "cores": self.cores, "load": self.load, "k": K}
        figures = {"bare_ms": self.bare_ms, "wanted_ms": WANTED_MS, "holds": self.holds}
        return facts | figures | {"variants": variants, "bare_s": self.bare_s}


class Watched:
    """An `Embedder` that notes when it is first asked for a cut, and how long the network takes."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self.handed_out = time.perf_counter()
        self.first_cut: float | None = None
        self.forward_s = 0.0

    @property
    def card(self) -> ModelCard:
        """See `Embedder`."""
        return self._inner.card

    @property
    def decode_s(self) -> float:
        """Seconds from its making to the first cut; 0 where none was asked for."""
        return 0.0 if self.first_cut is None else self.first_cut - self.handed_out

    def prepare(self, film: Radiograph, region: Region) -> Patch:
        """See `Embedder`."""
        if self.first_cut is None:
            self.first_cut = time.perf_counter()
        return self._inner.prepare(film, region)

    def embed(self, patches: Sequence[Patch], facts: Sequence[Facts] | None = None) -> Vectors:
        """See `Embedder`."""
        began = time.perf_counter()
        vectors = self._inner.embed(patches, facts)
        self.forward_s += time.perf_counter() - began
        return vectors

    def explain(self, patch: Patch) -> tuple[Vectors, Patches]:
        """See `Embedder`."""
        return self._inner.explain(patch)


class WatchedService(Service):
    """The API's service, its embedder watched anew for every request."""

    watched: Watched

    def current(self) -> Opened:
        """See `Service`."""
        opened = super().current()
        self.watched = Watched(opened.embedder)
        return Opened(opened.snapshot, self.watched)


@dataclass(frozen=True)
class Door:
    """The API's app, asked without a socket."""

    app: ASGIApp
    service: WatchedService

    @classmethod
    def open(cls, root: Path) -> "Door":
        """The app over an archive, its encoder on all cores."""
        settings = Settings(archive=root, host="127.0.0.1", threads=None)
        app, service = create_app(root, settings), WatchedService(root, settings)
        app.state.service = service
        return cls(app, service)

    async def ask(self, request: httpx.Request) -> Query:
        """Time one search.

        Raises:
            SystemExit: it was not answered with 200.
        """
        body, (status, answer) = request.read(), (0, b"")
        parts = [body[at : at + CHUNK] for at in range(0, len(body), CHUNK)][::-1]

        async def receive() -> Message:
            return {"type": "http.request", "body": parts.pop(), "more_body": bool(parts)}

        async def send(message: Message) -> None:
            nonlocal status, answer
            status, answer = message.get("status", status), answer + message.get("body", b"")

        began = time.perf_counter()
        await self.app(_scope(request), receive, send)
        whole = time.perf_counter() - began
        if status != httpx.codes.OK:
            raise SystemExit(f"a query was answered with {status}: {answer.decode()[:500]}")
        return Query(whole, self.service.watched.decode_s, self.service.watched.forward_s)


def _scope(request: httpx.Request) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": request.url.path,
        "raw_path": request.url.raw_path,
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }


def dicom_films(folder: Path, seed: int) -> list[bytes]:
    """FUSED generated films of one patient, as DICOM."""
    patient = next(one for one in plan_cohort(100, seed) if len(one.films) >= FUSED)
    return [_dicom(folder / f"{number}.dcm", patient, number) for number in range(FUSED)]


def _dicom(path: Path, patient: Patient, number: int) -> bytes:
    plan = patient.films[number]
    write_film(path, patient, plan, draw(patient, place(patient), plan))
    return path.read_bytes()


def large_png(seed: int) -> bytes:
    """A generated film enlarged to LARGE, 8-bit grey."""
    patient = plan_cohort(1, seed)[0]
    picture = draw(patient, place(patient), patient.films[0]).picture
    large = cv2.resize(picture, LARGE[::-1], interpolation=cv2.INTER_CUBIC)
    done, data = cv2.imencode(".png", np.clip(large * 255, 0, 255).astype(np.uint8))
    assert done
    return bytes(data)


def requests(folder: Path, seed: int = 1) -> dict[str, httpx.Request]:
    """Every kind of query by its name."""
    films, large = dicom_films(folder, seed), large_png(seed)
    rows, columns = LARGE
    box = f"{columns // 3},{rows // 3},{columns * 2 // 3},{rows * 2 // 3}"
    return {
        "one film (DICOM)": _request(films[:1]),
        f"with {WHERE}": _request(films[:1], where=WHERE),
        f"{FUSED} films, fused": _request(films),
        f"{columns}x{rows} PNG": _request([large]),
        f"{columns}x{rows} PNG, a box": _request([large], roi=box),
    }


def _request(films: Sequence[bytes], **fields: str) -> httpx.Request:
    files = [(FIELD, (f"film {number}", film)) for number, film in enumerate(films)]
    request = httpx.Request("POST", SEARCH, files=files, data=fields | {"k": f"{K}"})
    request.read()
    return request


def bare_search(index: faiss.IndexFlatIP, query: Vectors) -> float:
    """Seconds of one FAISS search for one vector (d,), on one thread."""
    faiss.omp_set_num_threads(1)
    began = time.perf_counter()
    index.search(query[None], K)
    return time.perf_counter() - began


async def ask_all(door: Door, asked: dict[str, httpx.Request], vectors: Vectors, rounds: int) -> Verdict:
    """Ask every kind of query and bare FAISS in turns, `rounds` times after some that do not count."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    rng, before = np.random.default_rng(2), os.getloadavg()[0]
    queries: dict[str, list[Query]] = {name: [] for name in asked}
    bare: list[float] = []
    for _ in range(WARM_UP + rounds):
        for name, request in asked.items():
            queries[name].append(await door.ask(request))
        bare.append(bare_search(index, vectors[rng.integers(len(vectors))]))
    variants = tuple(Variant(name, tuple(found[WARM_UP:])) for name, found in queries.items())
    return Verdict(len(vectors), usable_cores(), variants, tuple(bare[WARM_UP:]), (before, os.getloadavg()[0]))


def run(films: int, rounds: int, cache: Path) -> Verdict:
    """Measure every kind of query `rounds` times over an archive of so many films."""
    encoder = encoder_files(DEFAULT, cache)
    with tempfile.TemporaryDirectory(prefix="caselink-bench-") as folder:
        root = Path(folder) / "archive"
        vectors = make_archive(root, films, encoder)
        door = Door.open(root)
        try:
            return asyncio.run(ask_all(door, requests(Path(folder)), vectors, rounds))
        finally:
            door.service.close()


def _table(verdict: Verdict) -> Table:
    title = f"queries over {verdict.films:,} films, {verdict.cores} cores, load {verdict.load[0]:.2f}"
    table = Table(title=f"{title} to {verdict.load[1]:.2f}; ms")
    for head in ("query", "own p50", "own p99", "decode p50", "forward p50", "own / bare FAISS"):
        table.add_column(head, justify="left" if head == "query" else "right")
    for one in verdict.variants:
        decode, forward = (np.median([getattr(query, name) for query in one.queries]) for name in PARTS)
        cells = (one.own_ms(50), one.own_ms(99), 1e3 * decode, 1e3 * forward, verdict.ratio(one))
        table.add_row(one.name, *(f"{cell:.2f}" for cell in cells))
    said = "holds" if verdict.holds else "does not hold"
    table.caption = (
        f"bare FAISS {verdict.bare_ms:.2f} ms; p50 and p99 under {WANTED_MS:g} ms are wanted of each query: {said}"
    )
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry of `python -m benchmarks.query`; ends with 1 where a query takes too long."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.query", description=__doc__)
    parser.add_argument("--films", type=int, default=FILMS, help="films in the archive")
    parser.add_argument("--queries", type=int, default=QUERIES, help="queries of each kind")
    parser.add_argument("--cache", type=Path, default=Path("var/encoders"), help="where the exported encoder is kept")
    parser.add_argument("--json", type=Path, help="write the raw figures here too")
    options = parser.parse_args(arguments)
    verdict = run(options.films, options.queries, options.cache)
    Console(width=120).print(_table(verdict))
    if options.json:
        options.json.write_text(json.dumps(verdict.to_dict(), indent=2), encoding="utf-8")
    raise SystemExit(0 if verdict.holds else 1)


if __name__ == "__main__":
    main()
