"""./scripts/flows deliveries shows what GitHub delivered, and lets it send one again."""

import json
from pathlib import Path

import pytest

from infra.cli.__main__ import main
from tests.actions.github.sandbox_issue import as_app
from tests.github_app.history import Past, with_history
from tests.infra.local.conftest import fresh, receiver
from tests.infra.local.sandbox.github.receiver import Receiver

__all__ = ["fresh", "receiver"]

PAST = [
    Past(500, "arrived"),
    Past(400, "mended", 503),
    Past(300, "failing", 503),
    Past(200, "mended", 200, True),
    Past(100, "failing", 401, True),
]


def test_deliveries_are_listed_by_event_and_sent_again(
    fresh: Path,
    tmp_path: Path,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with with_history(tmp_path / "github", fresh, PAST, receiver.url) as sandbox:
        settings = as_app(sandbox)
        for name in ("github_api_url", "github_app_id", "github_app_private_key"):
            monkeypatch.setenv(name.upper(), getattr(settings, name))
        flows = ["--data", str(tmp_path / "none"), "deliveries"]
        assert main([*flows, "--json"]) == 0
        rows = json.loads(capsys.readouterr().out)
        assert [(row["guid"], row["attempts"], row["state"]) for row in rows] == [
            ("failing", 2, "failed"),
            ("mended", 2, "done"),
            ("arrived", 1, "done"),
        ]
        assert main([*flows, "--failed"]) == 0
        out = capsys.readouterr().out
        assert "failing" in out and "Invalid HTTP Response: 401" in out
        assert "arrived" not in out
        assert main([*flows, "--redeliver", "failing"]) == 0
        sandbox.settle()
        assert [headers["x-github-delivery"] for headers, _ in receiver.received] == ["failing"]
        assert main([*flows, "--redeliver", "unknown"]) == 1
        assert "no delivery unknown" in capsys.readouterr().err


def test_without_an_app_it_names_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY"):
        monkeypatch.setenv(name, "")
    assert main(["--data", str(tmp_path / "none"), "deliveries"]) == 1
    assert "GITHUB_APP_PRIVATE_KEY is not set" in capsys.readouterr().err
