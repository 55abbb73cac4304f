"""Lightning without its remarks."""

import contextlib
import logging
import warnings
from collections.abc import Iterator

import torch

NOISY = ("lightning.pytorch", "lightning.fabric", "lightning")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No remarks of Lightning on the user's screen, and torch's switches as they were."""
    loggers = [logging.getLogger(name) for name in NOISY]
    levels = [logger.level for logger in loggers]
    exact, warned = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            warnings.filterwarnings("ignore", message=".*LeafSpec.*")
            warnings.filterwarnings("ignore", message=".*does not have a deterministic implementation.*")
            yield
    finally:
        torch.use_deterministic_algorithms(exact, warn_only=warned)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
