"""A process that lives an archive's life again and again, and is killed, or finds its disk full, at a given step.

Started as a program: each line of its standard input is a JSON object {root, encoder, sources, step, full}, for which
it forks a child that indexes the sources, erases a patient after each, and says what was acknowledged. A step is a call
that changes the disk: a file opened for writing, a rename, a removal, a sync, a picture, a statement to the catalogue.
At the given one, counted from 1, the child kills itself, or finds no room there and at every later one. Each answer is
a line too: {status, said}.
"""

import errno
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import indexer.durable as durable
import indexer.ingest as ingest
import indexer.packs as packs
import indexer.segments as segments
import indexer.writer as writing
from engine.card import ModelCard
from engine.embeddings import Vectors
from engine.errors import DiskFull, NotFound
from engine.radiograph import Radiograph
from engine.region import Region
from indexer.catalogue import Catalogue
from indexer.prepare import Roi
from indexer.sources import SourceOptions, open_source

SIDE = 4
LEAVING = ("1", "3")
"""The patient who is erased after each source."""
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"}
FREEING = {"os.remove", "os.rmdir", "os.truncate"}
"""Changes that need no room."""
FULL = 3


class Tiny:
    """An embedder of 16 block means, so that a process need not load a network."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card

    def prepare(self, film: Radiograph, region: Region) -> Any:
        return cv2.resize(film.pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)

    def embed(self, patches: Sequence[Any], facts: object = None) -> Vectors:
        rows = np.stack([patch.ravel() for patch in patches]).astype(np.float32)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


class Steps:
    """Counts changes of the disk under `root`, and ends the process, or lets it find no room, at the one asked for."""

    def __init__(self, root: Path, step: int, full: bool) -> None:
        self.root, self.step, self.full = str(root), step, full
        self.count = 0
        self._lock = threading.Lock()

    def __call__(self, *, needs_room: bool = True) -> None:
        with self._lock:
            self.count += 1
            reached = self.step and self.count >= self.step
        if reached and not self.full:
            os.kill(os.getpid(), signal.SIGKILL)
        if reached and needs_room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        changes = event in CHANGES or (event == "open" and _writes(arguments))
        if changes and str(arguments[0]).startswith(self.root):
            self(needs_room=event not in FREEING)

    def watch(self) -> None:
        os.fsync = lambda _: None  # a kill leaves what the system has been handed; only a power cut would not
        sys.addaudithook(self.audit)
        for module in (durable, packs, writing):
            for name in ("sync_file", "sync_folder"):
                if hasattr(module, name):
                    setattr(module, name, self._before(getattr(module, name)))
        packs.PackWriter.add = self._before(packs.PackWriter.add)  # type: ignore[method-assign]
        Catalogue._write = self._before(Catalogue._write)  # type: ignore[method-assign]

    def _before(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*arguments: Any) -> Any:
            with durable.room_on_disk(Path(self.root)):
                self()
            return call(*arguments)

        return stepped


def _writes(arguments: tuple[Any, ...]) -> bool:
    return isinstance(arguments[2], int) and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def live(root: Path, encoder: Path, sources: Sequence[str], say: Callable[[str], None]) -> None:
    """Index each source, and erase a patient after it."""
    card = ModelCard.from_json((encoder / "card.json").read_text())
    for number, (name, leaving) in enumerate(zip(sources, LEAVING, strict=True)):
        listing = open_source(Path(name), "folder", SourceOptions())

        def told(done: ingest.Progress, number: int = number) -> None:
            say(f"acknowledged {number} {done.acknowledged}")

        with writing.open_writer(root, card, encoder) as writer:
            ingest.ingest(listing, Path(name), "folder", Roi.whole, Tiny(card), writer, told, workers=1)  # type: ignore[arg-type]
        with writing.open_writer(root, card, encoder) as writer:
            say(f"erasing {leaving}")
            try:
                writer.erase(writer.pseudonyms.patient(leaving))
            except NotFound:
                say(f"nobody {leaving}")
            say(f"erased {leaving}")


def child(plan: dict[str, Any], pipe: int) -> int:
    """One life in this process; its exit status."""

    def say(text: str) -> None:
        os.write(pipe, f"{text}\n".encode())

    ingest.HANDFUL, ingest.PUBLISH_EVERY_S, ingest.PUBLISH_SHARE = 3, -1.0, 0
    segments.FAN = 2
    writing.GRACE_S = 0.0
    steps = Steps(Path(plan["root"]), plan["step"], plan["full"])
    steps.watch()
    merge = writing.merge_segments

    def merging(*arguments: Any) -> Any:
        say("merging")
        return merge(*arguments)

    writing.merge_segments = merging
    try:
        live(Path(plan["root"]), Path(plan["encoder"]), plan["sources"], say)
    except DiskFull:
        return FULL
    say(f"steps {steps.count}")
    return 0


def serve() -> None:
    """Answer plans until the input ends."""
    for line in sys.stdin:
        plan = json.loads(line)
        mine, theirs = os.pipe()
        number = os.fork()
        if number == 0:
            os.close(mine)
            status = 1
            try:
                status = child(plan, theirs)
            finally:
                sys.stderr.flush()
                if status == 1:
                    sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
                os._exit(status)
        os.close(theirs)
        with os.fdopen(mine) as pipe:
            said = pipe.read().splitlines()
        _, status = os.waitpid(number, 0)
        sys.stdout.write(json.dumps({"status": os.waitstatus_to_exitcode(status), "said": said}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
