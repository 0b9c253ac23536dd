"""What ships: under which licences, and what an audit says of the lock files."""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from infra.bundle.audit import audit
from infra.bundle.licences import PAGE, is_allowed, licence, listed, page, shipped
from infra.project import ROOT

LISTED = listed(PAGE.read_text("utf-8"))


def test_the_page_lists_what_the_lock_files_ship() -> None:
    """After a change of requirements `./scripts/lock` writes it anew."""
    locks = {name: lock for name, (_, lock) in LISTED.items()}
    assert locks == shipped(ROOT / "requirements")
    assert page(LISTED) == PAGE.read_text("utf-8")
    assert locks["psycopg-binary"] == "runtime"
    # Chalice's command line and what it needs stay at home.
    assert not {"click", "pip", "inquirer"} & locks.keys()


@pytest.mark.parametrize("name", LISTED)
def test_what_ships_has_an_allowed_licence(name: str) -> None:
    assert is_allowed(LISTED[name][0])
    # Some are for other versions of Python than this one.
    assert licence(name) in ("", LISTED[name][0])


@pytest.mark.parametrize(
    ("written", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("AGPL-3.0-or-later", False),
        ("MIT AND GPL-2.0-only", False),
        ("GPL-2.0-only OR MIT", True),
        ("License :: Other/Proprietary License", False),
        ("unknown", False),
        ("", False),
    ],
)
def test_other_licences_are_refused(written: str, allowed: bool) -> None:
    assert is_allowed(written) is allowed


def test_a_distribution_that_is_not_listed_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "runtime.in").write_text("# why\nurllib3\n")
    (tmp_path / "runtime.txt").write_text(f"urllib3=={version('urllib3')} \\\n  --hash=x\n")
    (tmp_path / "parts/more.txt").write_text("New_Thing==1 ; python_version > '3'\n")
    assert shipped(tmp_path) == {"new-thing": "more", "urllib3": "runtime"}


FOUND = {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}
UNKNOWN = {"name": "b", "skip_reason": "not there"}
FINE = {"name": "c", "version": "3", "vulns": []}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([FINE], ["a.txt: 1 distributions audited"]),
        ([FINE, UNKNOWN], ["a.txt: not audited are b"]),
        (
            [UNKNOWN],
            ["a.txt: not audited, the index of vulnerabilities knows none of its names"],
        ),
        (
            [FOUND, FINE],
            ["a.txt: a 1 has CVE-1, mended in 2", "a.txt: 2 distributions audited"],
        ),
        (None, ["a.txt: not audited, pip-audit failed: ConnectionError: no route"]),
    ],
)
def test_an_audit_says_what_it_found_and_what_it_could_not(
    tmp_path: Path, answer: list[object] | None, said: list[str]
) -> None:
    """Stands for pip-audit, which ends with 1 when it found something or failed."""
    script = tmp_path / "pip_audit.py"
    told = "raise ConnectionError('no route')" if answer is None else "sys.exit(1)"
    output = "" if answer is None else json.dumps({"dependencies": answer})
    script.write_text(f"import sys\nprint({output!r}, end='')\n{told}\n")
    audited = audit(tmp_path / "a.txt", [sys.executable, str(script)])
    assert list(audited.lines()) == said
    assert bool(audited.vulnerable) == (answer is not None and FOUND in answer)
