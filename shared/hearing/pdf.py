"""Reads the text of a PDF in a process of its own, which may take so much time and memory: what a
hostile file breaks is that process, which knows no credentials. The library is the optional part
`files` of a bundle."""

import json
import os
import subprocess
import sys

NOT_INSTALLED = "PDFs are not read here: the part `files` is not installed"
#: Seconds, also of the processor; bytes of memory; pages; characters.
SECONDS, MEMORY, PAGES, CHARACTERS = 10, 400_000_000, 50, 24_000
#: What Python needs of the environment; the rest may open something.
_PASSED = ("PATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR")


def pdf_text(body: bytes, seconds: float = SECONDS) -> tuple[str, str]:
    """Return the text of a PDF, and a note of what is left out, or why there is none."""
    try:
        from shared.hearing import pdf_process
    except ModuleNotFoundError:
        return "", NOT_INSTALLED
    limits = {"seconds": int(seconds) + 1, "memory": MEMORY, "pages": PAGES}
    order = [sys.executable, "-m", pdf_process.__name__, json.dumps(limits | {"most": CHARACTERS})]
    environment = {name: os.environ[name] for name in _PASSED if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    try:
        done = subprocess.run(
            order, input=body, capture_output=True, timeout=seconds, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        return "", f"reading this PDF takes more than {seconds:.0f} s"
    try:
        found = json.loads(done.stdout)
        return str(found["text"]), str(found["note"])
    except (ValueError, KeyError, TypeError):
        return "", "this PDF is broken, or takes too much memory or time"
