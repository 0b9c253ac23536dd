"""Lists the licences of what bundles may ship, by the metadata of the installed distributions, in
docs/licences.md. `./scripts/lock` writes it."""

import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path

from infra.bundle.vendor import NEEDS_NOTHING, Requirement, normal, requirement, requirements_of
from infra.project import ROOT

PAGE = ROOT / "docs/licences.md"
#: Licences under which a bundle may ship something, by their SPDX names: https://spdx.org/licenses.
ALLOWED = frozenset(
    {
        *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT"),
        *("MIT-0", "MPL-2.0", "PSF-2.0", "Unlicense", "Zlib"),
        *("LGPL-3.0-only", "LGPL-3.0-or-later"),
    }
)
#: The SPDX names of what metadata say in other words.
_SPDX = {
    "Apache License 2.0": "Apache-2.0",
    "BSD, Public Domain": "BSD-2-Clause AND Unlicense",
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    # PyGithub's; its files say which version.
    "License :: OSI Approved :: GNU Library or Lesser General Public License (LGPL)": (
        "LGPL-3.0-or-later"
    ),
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
_FIELDS = ("License-Expression", "License")
_HEAD = """\
# Licences

What the bundles of the functions may ship, and under which licence. `./scripts/lock` writes this
page from the metadata of the distributions. A test compares it with the lock files, and refuses a
licence that `infra/bundle/licences.py` does not allow. A bundle takes only what its flow imports.

Agent Flows itself is under Apache-2.0. The LGPL of psycopg and PyGithub asks that you can
replace them: they lie in the bundle as the files that they consist of.

| distribution | licence | locked in |
|---|---|---|
"""


def shipped(folder: Path) -> dict[str, str]:
    """Return the distributions that bundles may ship by the lock files in `folder`, each with the
    name of its file."""
    locked = {path.stem: _names(path) for path in (folder / "runtime.txt", *_parts(folder))}
    asked = map(requirement, _lines(folder / "runtime.in"))
    found = {name: "runtime" for name in _closure(asked) if name in locked["runtime"]}
    for part, names in locked.items():
        found |= {name: part for name in names if part != "runtime" and name not in found}
    return dict(sorted(found.items()))


def licence(name: str) -> str:
    """Return the licence of an installed distribution, in SPDX's words where they are known; empty
    when it is not installed here."""
    try:
        about = metadata(name)
    except PackageNotFoundError:
        return ""
    classifiers = [one for one in about.get_all("Classifier") or () if one.startswith("License ::")]
    said = next((about[field] for field in _FIELDS if field in about), "")
    if said in _SPDX or _terms(said) <= ALLOWED:
        return _SPDX.get(said, said)
    # Several classifiers mean that one may choose, or that parts differ; `License` would tell.
    return " OR ".join(sorted(_SPDX.get(one, one) for one in classifiers)) or said or "unknown"


def is_allowed(written: str) -> bool:
    """Tell if one may ship under a licence: under one of its alternatives as a whole.

    >>> [is_allowed(text) for text in ("MIT", "MIT AND GPL-3.0-only", "MIT OR GPL-3.0-only", "")]
    [True, False, True, False]
    """
    return any(_terms(choice) <= ALLOWED for choice in written.split(" OR ")) and bool(written)


def page(rows: Mapping[str, tuple[str, str]]) -> str:
    """Write the page; `rows` has the licence and the lock file of each distribution."""
    lines = [f"| {name} | {under} | {lock} |" for name, (under, lock) in rows.items()]
    return _HEAD + "\n".join(lines) + "\n"


def listed(text: str) -> dict[str, tuple[str, str]]:
    """Read the rows of a page."""
    found = re.findall(r"^\| ([\w.-]+) \| (.+) \| (\w+) \|$", text, re.MULTILINE)
    return {name: (under, lock) for name, under, lock in found if name != "distribution"}


def _terms(written: str) -> set[str]:
    return set(re.split(r" AND |[()]", written)) - {""} or {written}


def _closure(asked: Iterator[Requirement]) -> set[str]:
    found: set[Requirement] = set()
    pending = list(asked)
    while pending:
        wanted = pending.pop()
        if wanted in found:
            continue
        found.add(wanted)
        if wanted.name not in NEEDS_NOTHING:
            pending += requirements_of(_requires(wanted.name), wanted.extras)
    return {wanted.name for wanted in found}


def _requires(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:
        return []


def _parts(folder: Path) -> list[Path]:
    return sorted((folder / "parts").glob("*.txt"))


def _lines(file: Path) -> list[str]:
    """Return the lines that name a distribution, but for those of Windows alone."""
    lines = file.read_text("utf-8").splitlines()
    return [line for line in lines if re.match(r"\w", line) and "'win32'" not in line]


def _names(locked: Path) -> set[str]:
    return {normal(re.split("[=;[ ]", line)[0]) for line in _lines(locked)}


def main() -> int:
    """Write the page from what is installed; say what may not ship."""
    before = listed(PAGE.read_text("utf-8")) if PAGE.exists() else {}
    rows = {
        name: (licence(name) or before.get(name, ("unknown", ""))[0], lock)
        for name, lock in shipped(ROOT / "requirements").items()
    }
    PAGE.write_text(page(rows), "utf-8")
    bad = [f"{name}: {under}" for name, (under, _) in rows.items() if not is_allowed(under)]
    print("\n".join(f"{line} is not allowed to ship" for line in bad), end="")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
