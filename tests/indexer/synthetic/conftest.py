"""One small generated archive, shared by the tests of this folder."""

from pathlib import Path

import pytest

from indexer.synthetic import GeneratedArchive, generate

PATIENTS = 16


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> GeneratedArchive:
    """Sixteen patients drawn in this process; nobody may write to it."""
    return generate(tmp_path_factory.mktemp("synthetic") / "demo", n_patients=PATIENTS, seed=3, workers=1)


@pytest.fixture
def demo(archive: GeneratedArchive) -> Path:
    return archive.folder
