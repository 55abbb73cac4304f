from pathlib import Path

import pytest

from api.settings import Settings, SettingsError, settings


@pytest.fixture(autouse=True)
def fresh() -> None:
    settings.cache_clear()


def test_defaults_serve_nobody_but_this_machine() -> None:
    found = Settings()
    assert found.host == "127.0.0.1"
    assert found.archive == Path("archive")


def test_variables_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASELINK_PORT", "9000")
    monkeypatch.setenv("CASELINK_ODD", "ignored")
    assert settings().port == 9000
    assert settings() is settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "70000"), ("PORT", "http"), ("MAX_FILMS", "0"), ("MAX_UPLOAD_MIB", "-1"), ("THREADS", "0")],
)
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"CASELINK_{name}", value)
    with pytest.raises(SettingsError, match=f"CASELINK_{name} = '{value}': .*; set another value or unset it"):
        settings()
