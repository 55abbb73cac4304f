"""The compose file cannot drift: its commands, options and variables are the product's, its doors are loopback's."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from api.cli import app
from api.settings import PREFIX, Settings

yaml = pytest.importorskip("yaml")

FOLDER = Path(__file__).parents[2] / "deploy"
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("caselink:")}
PUBLISHED = re.compile(r"127\.0\.0\.1:\d+:\d+")


def check_command(words: list[str]) -> None:
    """Whether a command line is one that the product takes; no more than its parsing is run."""
    assert words[0] == "caselink"
    command = typer.main.get_command(app).commands[words[1]]
    context = command.make_context(words[1], [str(word) for word in words[2:]])
    assert not context.args


def variables(service: dict[str, Any]) -> set[str]:
    return {name for name in service.get("environment", {}) if name.startswith(PREFIX)}


def test_our_commands_are_the_products() -> None:
    assert {"api", "page", "index"} <= set(OURS)
    for service in OURS.values():
        check_command(service["command"])


def test_a_command_that_is_wrong_would_be_found() -> None:
    with pytest.raises(typer._click.exceptions.NoSuchOption):
        check_command(["caselink", "serve", "--archives", "/archive"])
    with pytest.raises(typer.BadParameter):
        check_command(["caselink", "serve", "--port", "many"])
    with pytest.raises(KeyError):
        check_command(["caselink", "serves"])


def test_every_variable_is_a_setting() -> None:
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    told = re.findall(rf"{PREFIX}\w+", (FOLDER / "Dockerfile").read_text(encoding="utf-8"))
    told += re.findall(rf"{PREFIX}\w+", (FOLDER / "README.md").read_text(encoding="utf-8"))
    told += [name for service in SERVICES.values() for name in variables(service)]
    assert len(told) > 6
    assert set(told) <= known


def test_values_are_ones_that_settings_take(monkeypatch: pytest.MonkeyPatch) -> None:
    for service in OURS.values():
        with monkeypatch.context() as patch:
            for name in variables(service):
                patch.setenv(name, service["environment"][name])
            Settings()


def test_what_services_name_is_there() -> None:
    for service in SERVICES.values():
        assert set(service.get("depends_on", [])) <= set(SERVICES)
        for volume in service.get("volumes", []):
            place = volume.partition(":")[0]
            assert (FOLDER / place).is_file() if place.startswith(".") else place in COMPOSE["volumes"], volume
    assert (FOLDER / COMPOSE["x-caselink"]["build"]["context"] / COMPOSE["x-caselink"]["build"]["dockerfile"]).is_file()


def test_images_are_named_by_a_tag() -> None:
    for service in SERVICES.values():
        tag = service["image"].rpartition(":")[2]
        assert tag and tag != "latest" and "/" not in tag


def test_only_the_proxy_is_reached_and_on_loopback_alone() -> None:
    doors = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(doors) == {"proxy"}
    assert all(PUBLISHED.fullmatch(door) for door in doors["proxy"])


def test_the_proxy_knows_the_services_by_their_ports() -> None:
    conf = (FOLDER / "nginx.conf").read_text(encoding="utf-8")
    assert "server api:8000" in conf and "--port" in SERVICES["api"]["command"]
    assert SERVICES["api"]["command"][-1] == "8000"
    assert "http://page:8501" in conf and SERVICES["page"]["command"][-1] == "8501"
    limit = int(re.findall(r"client_max_body_size (\d+)m", conf)[0])
    assert limit > int(SERVICES["api"]["environment"]["CASELINK_MAX_UPLOAD_MIB"])


def test_replicas_only_read_the_archive() -> None:
    assert SERVICES["api"]["volumes"] == ["archive:/archive:ro", "journal:/journal"]
    assert SERVICES["api"]["environment"]["CASELINK_JOURNAL"].startswith("/journal/")
    assert SERVICES["api"]["deploy"]["replicas"] >= 2
    assert [name for name, service in OURS.items() if "archive:/archive" in service.get("volumes", [])] == ["index"]


def test_no_secret_stands_in_the_file() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("KEY|SECRET|PASSWORD|_USER", name):
                assert str(value).startswith("${"), name


def test_what_was_not_run_says_so() -> None:
    for name in ("compose.yaml", "Dockerfile", "nginx.conf"):
        assert re.search("[Nn]ot run", "".join((FOLDER / name).read_text(encoding="utf-8").splitlines()[:3])), name
