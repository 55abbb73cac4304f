"""`caselink serve` and `caselink page`: the HTTP API and the page over it."""

import gc
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from api.app import create_app
from api.settings import settings


def serve(
    archive: Annotated[Path | None, typer.Option(help="The archive to serve.")] = None,
    host: Annotated[str | None, typer.Option(help="Address; loopback unless you say otherwise.")] = None,
    port: Annotated[int | None, typer.Option(help="Port.")] = None,
    runs: Annotated[Path | None, typer.Option(help="Folder of evaluations as JSON to show.")] = None,
) -> None:
    """Serve the HTTP API of an archive."""
    given = {"archive": archive, "host": host, "port": port, "runs": runs}
    chosen = settings().model_copy(update={name: value for name, value in given.items() if value is not None})
    app = create_app(chosen.archive, chosen)
    gc.freeze()  # what the imports left stays for good; looking through it again would hold up an answer now and then
    uvicorn.run(app, host=chosen.host, port=chosen.port, log_level="warning")


def page(
    api: Annotated[str | None, typer.Option(help="Address of the API.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the page.")] = None,
) -> None:
    """Serve the page that talks to an API."""
    command = page_command(port)
    os.execvpe(command[0], command, page_environment(api))  # so that what ends this process ends the page


def page_command(port: int | None = None) -> list[str]:
    """The command that runs the page."""
    spec = find_spec("ui")
    assert spec is not None and spec.submodule_search_locations
    script = Path(next(iter(spec.submodule_search_locations))) / "app.py"
    chosen = settings()
    flags = {
        "server.address": chosen.host,
        "server.port": port or chosen.page_port,
        "server.headless": "true",
        "server.maxUploadSize": chosen.max_upload_mib,
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
    }
    return [sys.executable, "-m", "streamlit", "run", str(script), *(f"--{k}={v}" for k, v in flags.items())]


def page_environment(api: str | None = None) -> dict[str, str]:
    """The page's environment: this process's, with the API's address."""
    return os.environ | {"CASELINK_API": api or settings().api}
