"""`caselink demo`: a SYNTHETIC archive, the API and the page, and a first query."""

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from api.cli.common import encoder_for, out
from api.cli.index import progress
from api.cli.query import print_answer
from api.cli.serve import page_command, page_environment
from api.client import ApiUnreachable, Client
from api.settings import settings
from engine.errors import ArchiveError, NotFound
from engine.readers import read
from indexer.ingest import ingest
from indexer.masks import read_mask
from indexer.prepare import Roi
from indexer.sources import open_source
from indexer.synthetic import LESION, generate
from indexer.writer import open_writer

START_LIMIT_S = 60.0


def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo lives; kept between runs.")] = Path("var/demo"),
    once: Annotated[bool, typer.Option("--once", help="Send one query through the API, print it and end.")] = False,
    patients: Annotated[int, typer.Option(min=60, help="Patients to generate.")] = 240,
) -> None:
    """Build a SYNTHETIC archive (generated films, no real person), serve it and ask it something."""
    films, archive = folder / "films", folder / "archive"
    build(films, archive, patients)
    film = next(iter(sorted((films / "query").glob("*.dcm"))), None)
    if film is None:
        raise NotFound(f"{films / 'query'} holds no query film; remove {folder} and run the same again")
    region = read_mask(film.with_name(film.stem + LESION), read(film).shape)
    with servers(archive, page=not once) as (api, page):
        client = Client(api)
        until_ready(client)
        box = ",".join(str(edge) for edge in region.box)
        print_answer(client.search([(film.name, film.read_bytes())], k=5, roi=[region.box]))
        if once:
            return
        out.print(f"\nSYNTHETIC demo, research use only\n  page  {page}\n  API   {api}/docs\n  a query:", markup=False)
        out.print(f"  caselink query {film} --archive {archive} --roi {box}", markup=False, soft_wrap=True)
        out.print("Stop with Ctrl-C.")
        while True:
            time.sleep(3600)


def build(films: Path, archive: Path, patients: int) -> None:
    """Generate, embed and index what is not there yet; a build that was cut off starts its films anew."""
    began = time.perf_counter()
    if not (films / "source.json").exists():
        out.print(f"generating {patients} SYNTHETIC patients")
        shutil.rmtree(films, ignore_errors=True)
        making = films.with_name("making")
        shutil.rmtree(making, ignore_errors=True)
        generate(making, n_patients=patients)
        making.rename(films)
    encoder = encoder_for(archive, None)
    with open_writer(archive, encoder.embedder.card, encoder.folder) as writer, progress() as show:
        report = ingest(open_source(films, "dicom"), films, "dicom", Roi.mask, encoder.embedder, writer, show)
    seconds = time.perf_counter() - began
    out.print(f"SYNTHETIC archive: {report.indexed} films, {report.embedded} embedded now, {seconds:.1f} s")


@contextmanager
def servers(archive: Path, *, page: bool, runs: Path | None = None) -> Iterator[tuple[str, str]]:
    """API and page as processes of their own on loopback; ended with this one. runs: folder of evaluations to show."""
    chosen = settings()
    api_port, page_port = _free_port(chosen.port), _free_port(chosen.page_port)
    api, address = f"http://127.0.0.1:{api_port}", f"http://127.0.0.1:{page_port}"
    serve = [sys.executable, "-m", "api.cli", "serve", "--archive", str(archive), "--port", str(api_port)]
    serve += [] if runs is None else ["--runs", str(runs)]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that `finally` runs
    running = [subprocess.Popen(serve)]
    try:
        if page:
            running.append(subprocess.Popen(page_command(page_port), env=page_environment(api)))
        yield api, address
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(timeout=20)


def until_ready(client: Client) -> None:
    """Wait for an API that has just been started.

    Raises:
        ArchiveError: it did not answer in time.
    """
    limit = time.monotonic() + START_LIMIT_S
    while time.monotonic() < limit:
        try:
            client.ready()
        except ApiUnreachable:
            time.sleep(0.2)
        else:
            return
    raise ArchiveError(f"the API did not answer within {START_LIMIT_S:.0f} s; see its messages above")


def _free_port(wanted: int) -> int:
    """The wanted port, or any that is free where it is taken."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ArchiveError("no port is free on this machine; end another server and try again")
