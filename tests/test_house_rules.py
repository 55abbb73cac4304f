"""The house rules that a machine can hold: import directions, owners of libraries, sizes, locks."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("engine", "indexer", "api", "ui")
MAY_IMPORT = {
    "engine": {"engine"},
    "indexer": {"indexer", "engine"},
    "api": {"api", "indexer", "engine"},
    "ui": {"ui", "api"},
    "benchmarks": {"benchmarks", "indexer", "engine", "api"},
}
OWNERS = {
    "torch": ("engine/",),
    "timm": ("engine/",),
    "openvino": ("engine/",),
    "faiss": ("indexer/indexes/", "benchmarks/"),
    "duckdb": ("indexer/catalogue.py",),
    "sqlite3": ("indexer/journal/",),
    "pymilvus": ("indexer/indexes/", "benchmarks/"),
    "pydicom": ("engine/readers/", "indexer/synthetic/"),
    "streamlit": ("ui/",),
    "ray": ("indexer/bulk/rays.py",),
    "fsspec": ("indexer/sources/place.py",),
    "fastapi": ("api/",),
    "typer": ("api/cli/", "benchmarks/"),
}
UI_MAY_IMPORT = {"api.client", "api.schemas", "api.settings", "api.words"}


def sources(*rooms: str) -> list[Path]:
    return [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield f"{node.module}"


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_run_one_way(room: str) -> None:
    rooms = set(MAY_IMPORT) | {"tests"}
    for path in sources(room):
        for name in imports(path):
            top = name.split(".")[0]
            assert top not in rooms or top in MAY_IMPORT[room], f"{path.relative_to(ROOT)} imports {name}"


def test_page_knows_only_the_client() -> None:
    for path in sources("ui"):
        for name in imports(path):
            assert not name.startswith("api") or name in UI_MAY_IMPORT, f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("library", OWNERS)
def test_heavy_libraries_have_one_owner(library: str) -> None:
    for path in sources(*MAY_IMPORT):
        place = path.relative_to(ROOT).as_posix()
        for name in imports(path):
            if name.split(".")[0] == library:
                assert place.startswith(OWNERS[library]), f"{place} imports {library}"


def test_only_settings_read_the_environment() -> None:
    for path in sources(*ROOMS):
        if path.relative_to(ROOT).as_posix() in {"api/settings.py", "api/cli/serve.py"}:
            continue  # serve hands the environment on to the page's process
        assert not re.search(r"os\.(environ|getenv)", path.read_text(encoding="utf-8")), path


def test_files_and_functions_fit_a_sitting() -> None:
    for path in sources(*MAY_IMPORT):
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 400, f"{path} has {text.count(chr(10))} lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                assert length <= 60, f"{path}: {node.name} has {length} lines"


def test_public_things_are_documented() -> None:
    for path in sources(*ROOMS):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), f"{path} has no docstring"
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path}: {node.name} has no docstring"


@pytest.mark.parametrize("name", ["cpu", "gpu", "scale"])
def test_locks_pin_everything_and_hold_no_address(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert all("==" in line for line in text.splitlines() if line and not line.startswith("#"))


@pytest.mark.parametrize(
    ("name", "wanted", "refused"), [("cpu", "faiss-cpu", "gpu"), ("gpu", "faiss-gpu", "faiss-cpu")]
)
def test_each_lock_holds_one_faiss(name: str, wanted: str, refused: str) -> None:
    found = re.findall(r"^faiss-\S+?(?===)", (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8"), re.M)
    assert len(found) == 1, found
    assert found[0].startswith(wanted)
    assert refused not in found[0]


@pytest.mark.parametrize("module", ["ui", "api.client", "api.schemas"])
def test_the_light_side_stays_light(module: str) -> None:
    code = f"import {module}, sys; print([m for m in ('torch', 'faiss', 'duckdb', 'timm') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_no_address_of_a_registry_in_the_tree() -> None:
    # spelt in parts, so that this file does not hold what it forbids
    hosts = ["py" + "pi.org", "python" + "hosted", "npm" + "js", "deb" + "ian.org"]
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, check=True).stdout.split()
    for name in listed:
        path = ROOT / name
        if path.suffix in {".png", ".svg", ".jpg"} or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        assert not any(host in text for host in hosts), name
