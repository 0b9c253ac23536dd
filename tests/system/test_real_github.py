"""./scripts/dev --github: a real App for this machine in one sitting, and from then on."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

from infra.local.sandbox.github import GitHubSandbox
from infra.project import ROOT
from tests.system.quick import shipped_template
from tests.system.test_dev import command
from tests.waiting import wait_for

REPOSITORY = "acme/shop"


def test_a_real_app_answers_on_this_machine(data_directory: Path, tmp_path: Path) -> None:
    with GitHubSandbox("", "unused") as github:
        browser = ROOT / "tests/infra/deploy/browser.py"
        environment = {
            **os.environ,
            "GITHUB_API_URL": github.api_url,
            "BROWSER": f"{sys.executable} {browser} {tmp_path}/address %s &",
            "MODEL_EMBED": "hashing",
        }
        template = ["--template", str(shipped_template(data_directory))]
        out = tmp_path / "out"
        with out.open("w") as file:
            process = subprocess.Popen(
                command(data_directory, "--github", "acme", *template),
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        try:
            assert wait_for(lambda: "Ctrl-C stops it" in out.read_text()), out.read_text()
            [slug] = github.apps()
            number = github.open_issue(REPOSITORY, "Checkout crashes when I press Pay")
            assert wait_for(lambda: github.issue(REPOSITORY, number)["comments"]), out.read_text()
            (comment,) = github.issue(REPOSITORY, number)["comments"]
            assert comment["user"]["login"] == f"{slug}[bot]"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
        kept = data_directory / "github-app.json"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert github.registered(slug)["hook"]["secret"] not in out.read_text()
