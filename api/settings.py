"""Settings: the only reader of the environment (variables CASELINK_*)."""

from functools import lru_cache
from pathlib import Path

from platformdirs import user_cache_path
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where things are and how much a caller may send."""

    model_config = SettingsConfigDict(env_prefix="CASELINK_", extra="ignore")

    archive: Path = Field(default=Path("archive"), description="The archive that the API serves.")
    cache: Path = Field(default_factory=lambda: user_cache_path("caselink"), description="Exported encoders.")
    host: str = Field(
        default="127.0.0.1", description="Address the servers listen on; loopback unless you say otherwise."
    )
    port: int = Field(default=8000, description="Port of the API.")
    page_port: int = Field(default=8501, description="Port of the page.")
    api: str = Field(default="http://127.0.0.1:8000", description="Address of the API that the page talks to.")
    max_upload_mib: int = Field(default=128, description="Largest upload in MiB, all files of a query together.")
    max_films: int = Field(default=12, description="Most films in one query.")
    threads: int | None = Field(default=None, description="Threads of the encoder; unset = all cores.")


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process."""
    return Settings()
