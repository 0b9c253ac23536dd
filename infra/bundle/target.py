"""The runtime that a bundle is built for, and the Python that compiles it."""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from infra.bundle.pythons import find_python
from shared.errors import SettingsError

#: The newest glibc that a wheel may ask for: of Amazon Linux 2, and of 2023 for later runtimes.
_GLIBC = {"python3.11": 26}
_GLIBC_AFTER = 34
#: Lambda's runtimes that the project supports, the newest first, and when AWS ends each.
#: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
RUNTIMES = {
    "python3.14": "2029-06-30",
    "python3.13": "2029-06-30",
    "python3.12": "2028-10-31",
    "python3.11": "2027-06-30",
}
_PROCESSOR = {"x86_64": "x86_64", "arm64": "aarch64"}


class BuildTarget(NamedTuple):
    """A Lambda runtime (`python3.13`) and an architecture (`arm64`)."""

    runtime: str
    architecture: str

    @property
    def version(self) -> str:
        return self.runtime.removeprefix("python")

    @property
    def compiled_suffix(self) -> str:
        return f".cpython-{self.version.replace('.', '')}.pyc"

    @property
    def platforms(self) -> list[str]:
        processor = _PROCESSOR[self.architecture]
        newest = _GLIBC.get(self.runtime, _GLIBC_AFTER)
        names = [f"manylinux_2_{glibc}" for glibc in range(newest, 16, -1)]
        return [f"{name}_{processor}" for name in (*names, "manylinux2014")]

    def interpreter(self) -> str:
        """Return a Python of the runtime's version; raises SettingsError when none is installed."""
        if found := find_python(self.version):
            return found
        at_hand = f"python{sys.version_info.major}.{sys.version_info.minor}"
        raise SettingsError(
            f"building for {self.runtime} needs {self.runtime} to compile; install it, or build for"
            f" the Python at hand: RUNTIME={at_hand} sam build --parameter-overrides"
            f" Runtime={at_hand} (./scripts/deploy does so by itself)"
        )


def newest_at_hand() -> str:
    """Return the newest runtime with a Python here; the oldest where there is none, which a build
    then names."""
    for runtime in RUNTIMES:
        try:
            BuildTarget(runtime, "x86_64").interpreter()
        except SettingsError:
            continue
        return runtime
    return next(reversed(RUNTIMES))


def cheapest(runtime: str) -> str:
    """Return the architecture that costs a fifth less, where every wheel exists for it: of Amazon
    Linux 2, psycopg's binary has none for arm64."""
    return "x86_64" if runtime in _GLIBC else "arm64"


def compile_all(target: BuildTarget, folder: Path) -> None:
    """Compile the modules in `folder` for their paths in Lambda.

    A zip changes time stamps, which would make ordinary compiled files stale: these are unchecked.
    """
    command = [target.interpreter(), "-m", "compileall", "-q"]
    command += ["--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", "/var/task"]
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SettingsError(f"could not compile {folder}: {(done.stdout or done.stderr).strip()}")
