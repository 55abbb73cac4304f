"""Embedding past one process: shards of films, made by worker processes, enrolled by the one writer.

A shard is named by its films, the encoder and the region settings, and is there whole or not at all; a killed run
goes on from those that are finished. Vectors are the same bit for bit, since each film is embedded alone on one core.
What workers are sent and write holds no identifiers.
"""

from functools import partial
from importlib.util import find_spec

from engine.errors import EncoderError
from indexer.bulk.run import FOLDER, SHARD, Bulk, Runner, bulk_ingest, run_here

__all__ = ["FOLDER", "SHARD", "Bulk", "Runner", "bulk_ingest", "ray_runner", "run_here"]


def ray_runner(workers: int) -> Runner:
    """Sends errands to so many worker processes under Ray, started for them on this machine.

    Raises:
        EncoderError: Ray is not installed.
    """
    if find_spec("ray") is None:
        raise EncoderError(
            f"{workers} worker processes need Ray, which is not installed; install caselink[scale], or leave out --ray"
        )
    from indexer.bulk.rays import run_on_ray  # takes seconds to import, and few runs need it

    return partial(run_on_ray, workers)
