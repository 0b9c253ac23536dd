"""`./scripts/previous`: runs the core of an earlier commit's tests on the schema of this one."""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.previous.commit import before_the_last_migration, core, take_out
from tests.previous.running import run_tests


def main(words: list[str]) -> int:
    commit = words[0] if words and not words[0].startswith("-") else before_the_last_migration()
    if not commit:
        print("name a commit: there is no git here, or no migration in its history")
        return 2
    with tempfile.TemporaryDirectory(prefix="agent-flows-previous-") as name:
        folder = Path(name)
        try:
            take_out(commit, folder)
        except subprocess.CalledProcessError as err:
            print(err.stderr.decode().strip())
            return 2
        print(f"The core of {commit[:12]} on the schema of this code:", flush=True)
        more = [word for word in words if word != commit]
        return run_tests(folder, [*core(folder), "-n", "4", "--dist", "loadfile", *more])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
