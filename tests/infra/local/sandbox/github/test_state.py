"""The sandbox GitHub keeps what happened, and fails when it is told to."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests
from github import GithubException

from infra.local.aws.errors import LocalCloudError
from infra.local.sandbox.github import GitHubSandbox
from tests.actions.github.sandbox_issue import SHOP
from tests.infra.local.sandbox.github.clients import client, shop


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    with GitHubSandbox("", "secret", state=tmp_path) as sandbox:
        number = sandbox.open_issue(SHOP, "Crash")
        comment = sandbox.comment(SHOP, number, "Me too")
        token, app_id, key = sandbox.token, sandbox.app_id, sandbox.private_key
    with GitHubSandbox("", "secret", state=tmp_path) as sandbox:
        assert (sandbox.token, sandbox.app_id, sandbox.private_key) == (token, app_id, key)
        assert sandbox.issue(SHOP, number)["comments"][0]["id"] == comment
        assert sandbox.open_issue(SHOP, "Another") == number + 1
        assert sandbox.comment(SHOP, number, "Again") > comment
        assert client(sandbox).get_repo(SHOP).get_issue(number).title == "Crash"


def test_everything_survives_a_kill(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, signal, sys\n"
        "from infra.local.sandbox.github import GitHubSandbox\n"
        "with GitHubSandbox('', 's', state=pathlib.Path(sys.argv[1])) as sandbox:\n"
        "    sandbox.open_issue('acme/shop', 'Crash')\n"
        "    sandbox.comment('acme/shop', 1, 'Me too')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert killed.returncode == -9
    with GitHubSandbox("", "secret", state=tmp_path) as sandbox:
        assert [one["body"] for one in sandbox.issue(SHOP, 1)["comments"]] == ["Me too"]


def test_a_fault_meets_only_what_it_is_meant_for(sandbox: GitHubSandbox) -> None:
    sandbox.open_issue(SHOP, "Crash")
    sandbox.fail_next(500, times=2, path="/comments", method="POST")
    issue = shop(sandbox).get_issue(1)
    assert issue.get_comments().totalCount == 0
    for _ in range(2):
        with pytest.raises(GithubException) as caught:
            issue.create_comment("Hello")
        assert caught.value.status == 500
    issue.create_comment("Hello")
    assert len(sandbox.issue(SHOP, 1)["comments"]) == 1


@pytest.mark.parametrize("after", [False, True])
def test_an_answer_can_be_lost_before_or_after_the_change(
    sandbox: GitHubSandbox, after: bool
) -> None:
    issue = shop(sandbox).get_issue(sandbox.open_issue(SHOP, "Crash"))
    sandbox.fail_next(0, path="/comments", after=after)
    with pytest.raises(requests.exceptions.ConnectionError):
        issue.create_comment("Hello")
    assert len(sandbox.issue(SHOP, 1)["comments"]) == int(after)


def test_a_stopped_sandbox_does_not_wait_for_held_answers() -> None:
    caught: list[BaseException] = []

    def ask(sandbox: GitHubSandbox) -> None:
        try:
            shop(sandbox)
        except requests.exceptions.ConnectionError as err:
            caught.append(err)

    with GitHubSandbox("", "secret") as sandbox:
        sandbox.slow_next(60)
        asking = threading.Thread(target=ask, args=(sandbox,))
        asking.start()
        while sandbox.faults_left():
            time.sleep(0.01)
    asking.join(30)
    assert caught


def test_a_taken_port_is_an_error_that_can_be_caught(sandbox: GitHubSandbox) -> None:
    port = int(sandbox.api_url.rpartition(":")[2].partition("/")[0])
    with pytest.raises(LocalCloudError, match="in use"):
        GitHubSandbox("", "secret", port=port)
