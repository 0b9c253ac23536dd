"""A folder or a file on this machine as a source of documents."""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from shared.errors import SettingsError
from shared.memory.documents.files import MAX_BYTES, is_foreign, is_wanted, refusal
from shared.memory.documents.sources import DocumentOrigin, File, SourceFiles


class Folder:
    """The files under `path`, under the name `name`; in a git repository only those that git keeps.

    Raises SettingsError when nothing is there.
    """

    def __init__(self, path: Path, name: str, audience: str, includes: tuple[str, ...]) -> None:
        if not path.exists():
            raise SettingsError(f"{path.name} is no file or folder here")
        self._root = path if path.is_dir() else path.parent
        self._only = "" if path.is_dir() else path.name
        # A file that somebody names is wanted, whatever it is called.
        self.includes = (self._only,) if self._only else includes
        name = name or path.name
        # The address says where it was found, and nothing about this machine.
        url = name if path.is_dir() else "."
        self.origin = DocumentOrigin(f"path:{name}", name, url, audience)

    def find(self, base: str) -> SourceFiles:
        """Name and hash every document there."""
        files: dict[str, File] = {}
        refused: dict[str, str] = {}
        for path in [self._only] if self._only else self._paths():
            if not is_wanted(path, self.includes):
                continue
            file = self._root / path
            try:
                if file.is_symlink() or not file.is_file():
                    refused[path] = "a symbolic link or a submodule"
                    continue
                size = file.stat().st_size
                whole = b"" if refusal(path, size) else file.read_bytes()
                files[path] = File(hashlib.sha256(whole).hexdigest(), size)
            except FileNotFoundError:
                continue  # it went in this moment, or git alone remembers it
            except OSError as err:
                refused[path] = f"it cannot be read: {type(err).__name__}"
        return SourceFiles(files, complete=True, refused=refused)

    def fetch(self, path: str, file: File) -> bytes | str | None:
        try:
            with (self._root / path).open("rb") as opened:
                return opened.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as err:
            return f"it cannot be read: {type(err).__name__}"

    def _paths(self) -> Iterator[str]:
        """Ask git, which knows the ignored files; without git, take all but hidden folders."""
        command = ["git", "-C", str(self._root), "ls-files", "-z", "--cached", "--others"]
        try:
            done = subprocess.run(
                [*command, "--exclude-standard", "--deduplicate"], capture_output=True, check=False
            )
        except FileNotFoundError:
            return self._walk()
        if done.returncode:
            return self._walk()
        return (os.fsdecode(path) for path in done.stdout.split(b"\0") if path)

    def _walk(self) -> Iterator[str]:
        for folder, folders, names in os.walk(self._root):
            ours = (one for one in folders if one[:1] != "." and not is_foreign(f"{one}/"))
            folders[:] = sorted(ours)
            for name in sorted(names):
                yield (Path(folder) / name).relative_to(self._root).as_posix()
