"""Asks pip-audit which locked distributions have known vulnerabilities, for each lock file.

Where its index cannot be reached, or does not know a distribution, that is said: it was not
audited.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from infra.project import ROOT

_OPTIONS = ("--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json")
#: Seconds for one lock file.
_PATIENCE = 300.0


class Audited(NamedTuple):
    """What is known of the distributions of one lock file: `vulnerable` has a line for each
    vulnerability, `unknown` the names that were not audited, `failure` why none was."""

    lock: str
    names: int = 0
    vulnerable: Sequence[str] = ()
    unknown: Sequence[str] = ()
    failure: str = ""

    def lines(self) -> Iterator[str]:
        yield from (f"{self.lock}: {line}" for line in self.vulnerable)
        if self.failure:
            yield f"{self.lock}: not audited, {self.failure}"
        elif self.names and len(self.unknown) == self.names:
            yield f"{self.lock}: not audited, the index of vulnerabilities knows none of its names"
        elif self.unknown:
            yield f"{self.lock}: not audited are {', '.join(self.unknown)}"
        else:
            yield f"{self.lock}: {self.names} distributions audited"


def audit(lock: Path, command: Sequence[str]) -> Audited:
    """Run pip-audit, which `command` starts, on one lock file."""
    name = str(lock.relative_to(ROOT)) if lock.is_relative_to(ROOT) else lock.name
    try:
        done = subprocess.run(
            [*command, "--requirement", str(lock), *_OPTIONS],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        found = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        return Audited(name, failure=f"no answer within {_PATIENCE:.0f} s")
    except (ValueError, KeyError, TypeError):
        # Its last line names the error: a connection that failed, a lock file that it cannot read.
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return Audited(name, failure=f"pip-audit failed: {last[:200]}")
    vulnerable = [
        f"{one['name']} {one['version']} has {known['id']}, mended in {_mended(known)}"
        for one in found
        for known in one.get("vulns", ())
    ]
    unknown = [one["name"] for one in found if "skip_reason" in one]
    return Audited(name, len(found), vulnerable, unknown)


def _mended(known: dict[str, list[str]]) -> str:
    return " or ".join(known.get("fix_versions", ())) or "no version yet"


def main(command: Sequence[str]) -> int:
    """Audit all lock files, say what was found, and return 1 when something is vulnerable."""
    folder, is_bad = ROOT / "requirements", False
    for lock in sorted([*folder.glob("*.txt"), *folder.glob("parts/*.txt")]):
        audited = audit(lock, command)
        print("\n".join(audited.lines()), flush=True)
        is_bad = is_bad or bool(audited.vulnerable)
    return int(is_bad)


if __name__ == "__main__":
    sys.exit(main([sys.executable, "-m", "pip_audit"]))
