"""Where the tests' servers keep their files."""

import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")


def scratch() -> Path:
    """Return a folder in memory if that has room for servers, else one on disk.

    A copy of a database takes a tenth of the time there. A container's /dev/shm often has 64 MB.
    Not under pytest's own folder: root closes it to the user that Postgres runs as.
    """
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > 4 * 2**30
    return _MEMORY if roomy and os.access(_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
