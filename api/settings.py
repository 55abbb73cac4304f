"""Settings: the only reader of the environment (variables CASELINK_*)."""

import os
from functools import lru_cache
from pathlib import Path

from platformdirs import user_cache_path
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from engine.errors import CaselinkError
from indexer.journal import PLACE as JOURNAL

PREFIX = "CASELINK_"


class SettingsError(CaselinkError):
    """A variable of the environment that is no sensible setting."""


class Settings(BaseSettings):
    """Where things are and how much a caller may send."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore")

    archive: Path = Field(default=Path("archive"), description="The archive that the API serves.")
    journal: Path | None = Field(
        default=None,
        description="Who opened whom, feedback and board cases; unset = private/journal.sqlite in the archive.",
    )
    runs: Path | None = Field(
        default=None, description="Folder of evaluations as JSON that the API shows; unset = none."
    )
    user: str = Field(
        default="unnamed", min_length=1, max_length=64, description="Who asks, where no X-Caselink-User header says so."
    )
    cache: Path = Field(default_factory=lambda: user_cache_path("caselink"), description="Exported encoders.")
    host: str = Field(
        default="127.0.0.1", description="Address the servers listen on; loopback unless you say otherwise."
    )
    port: int = Field(default=8000, ge=1, le=65535, description="Port of the API.")
    page_port: int = Field(default=8501, ge=1, le=65535, description="Port of the page.")
    api: str = Field(default="http://127.0.0.1:8000", description="Address of the API that the page talks to.")
    max_upload_mib: int = Field(default=128, ge=1, description="Largest upload in MiB, all files of a query together.")
    max_films: int = Field(default=12, ge=1, description="Most films in one query.")
    threads: int | None = Field(default=None, ge=1, description="Threads of the encoder; unset = all cores.")

    def journal_of(self, archive: Path) -> Path:
        """Where the journal of an archive lies."""
        return self.journal or archive / JOURNAL


ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(4 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(16 << 30),
    "MALLOC_TOP_PAD_": str(256 << 20),
}
"""For glibc, which otherwise hands the memory of each batch back and asks for it again."""


def training_environment() -> dict[str, str]:
    """This process's environment with the allocator's settings of a fit; what the user has set stays."""
    return ALLOCATOR | os.environ


RAY = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # on Linux too, this alone makes Ray listen on loopback only
    "RAY_AUTH_MODE": "token",  # its default, and without the notice
}


def keep_ray_here() -> None:
    """Set what Ray reads from the environment when it is imported; what the user has set stays."""
    for name, value in RAY.items():
        os.environ.setdefault(name, value)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process.

    Raises:
        SettingsError: naming the variable, its value and what is wrong with it.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"{PREFIX}{first['loc'][0]}".upper()
        raise SettingsError(f"{name} = {first['input']!r}: {first['msg']}; set another value or unset it") from None
