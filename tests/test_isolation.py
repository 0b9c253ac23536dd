"""What tests/conftest.py promises: no test reaches another machine or somebody's account."""

import os
import socket
import subprocess
import sys

import pytest

from infra.project import ROOT


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_another_machine_cannot_be_reached(family: socket.AddressFamily) -> None:
    host = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}[family]
    with socket.socket(family, socket.SOCK_DGRAM) as outgoing:
        for attempt in (outgoing.connect, outgoing.connect_ex):
            with pytest.raises(pytest.fail.Exception, match="only this machine"):
                attempt((host, 443))
        with pytest.raises(pytest.fail.Exception, match="only this machine"):
            outgoing.sendto(b"x", (host, 443))


@pytest.mark.parametrize("host", ["api.github.com", "localhost.example.com"])
def test_a_name_of_another_machine_is_not_even_looked_up(host: str) -> None:
    with pytest.raises(pytest.fail.Exception, match=host):
        socket.create_connection((host, 443), timeout=1)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_can_be_reached(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection((host, server.getsockname()[1]), timeout=5).close()


def test_a_unix_socket_can_be_reached() -> None:
    left, right = socket.socketpair(socket.AF_UNIX)
    with left, right:
        left.sendall(b"x")
        assert right.recv(1) == b"x"


def test_no_account_of_this_shell_is_seen() -> None:
    """Run it with what a developer's shell may hold: test_the_shell_is_cleared does."""
    given = {"OPENAI_API_KEY", "AWS_PROFILE", "DATABASE_URL", "MODEL_SMALL", "https_proxy"}
    assert not given & set(os.environ)
    assert os.environ["AWS_CONFIG_FILE"] == os.devnull


def test_the_shell_is_cleared() -> None:
    names = ["OPENAI_API_KEY", "AWS_PROFILE", "DATABASE_URL", "MODEL_SMALL", "https_proxy"]
    inner = f"{__file__}::{test_no_account_of_this_shell_is_seen.__name__}"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", inner],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=dict(os.environ) | dict.fromkeys(names, "somebody's"),
    )
    assert done.returncode == 0, done.stdout
