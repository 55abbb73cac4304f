"""Ray: the one file that knows it. Starts it on this machine alone, maps shards over worker processes, ends it.

Ray listens on every interface of the machine unless `LOOPBACK_SWITCH` is 0 in the environment before it is imported;
it is not started otherwise. It sends no usage statistics from `ray.init`, and starts no dashboard. Its logs lie in
its own folder under the system's temporary one, and hold no identifiers: workers are sent none.
"""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from ipaddress import ip_address

import ray
import ray.data
from ray.exceptions import RayError

from engine.errors import EncoderError
from indexer.bulk.run import Answers
from indexer.bulk.worker import Errand, Kit, ShardWorker

LOOPBACK = "127.0.0.1"
LOOPBACK_SWITCH = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
OBJECT_STORE = 256 << 20
"""Bytes of shared memory for what is sent to workers: names of films, not films."""


@contextmanager
def _ray(workers: int) -> Iterator[None]:
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    address = ray.util.get_node_ip_address()
    if not ip_address(address).is_loopback:
        raise EncoderError(f"Ray would listen on {address}; set {LOOPBACK_SWITCH}=0 so that it keeps to {LOOPBACK}")
    with redirect_stdout(sys.stderr):  # where Ray tells of a worker that died; a report may go to the other
        try:
            _start(workers)
            yield
        finally:
            ray.shutdown()


def _start(workers: int) -> None:
    try:
        ray.init(
            address="local",
            num_cpus=workers,
            num_gpus=0,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE,
            log_to_driver=False,
            configure_logging=False,
            _node_ip_address=LOOPBACK,
        )
    finally:
        # Ray raises plain exceptions here; its own patience, 15 s for one part and 30 s for all, cannot be set
        error = sys.exception()
        if error is not None and not ray.is_initialized() and not isinstance(error, KeyboardInterrupt):
            raise EncoderError(
                f"Ray did not start ({str(error).partition('.')[0]}), as on a busy machine; nothing is lost, "
                "run the same again, or leave out --ray"
            ) from error


def run_on_ray(workers: int, kit: Kit, errands: Sequence[Errand]) -> Answers:
    """Every errand on one of so many worker processes, each with an encoder on one core; answers in any order.

    Raises:
        EncoderError: Ray, or a worker, ended by itself; or Ray would listen beyond this machine.
    """
    try:
        with _ray(min(workers, len(errands))):
            yield from _answers(min(workers, len(errands)), kit, errands)
    except RayError as error:
        last = str(error).strip().splitlines()[-1]
        raise EncoderError(
            f"a worker process ended ({last}); finished shards stay, run the same again, or with fewer workers"
        ) from error


def _answers(workers: int, kit: Kit, errands: Sequence[Errand]) -> Answers:
    ray.data.DataContext.get_current().enable_progress_bars = False
    shards = ray.data.from_items([{"errand": errand} for errand in errands], override_num_blocks=len(errands))
    pool = ray.data.ActorPoolStrategy(size=workers)
    # Ray starts a worker that died anew and gives it its shard again; `ShardWorker` sees to an end of that
    yield from shards.map(ShardWorker, fn_constructor_args=(kit,), compute=pool, num_cpus=1).iter_rows()
