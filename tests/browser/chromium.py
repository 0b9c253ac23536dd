"""Starts Chromium for tests, with Selenium from .venv-selenium; says why where it cannot."""

import shutil
import site
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.project import ROOT

_VENV = ROOT / ".venv-selenium"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",  # root has none, and the pages are our own
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--lang=en-GB",
)


def absent() -> str:
    """Return why there is no browser to test with, or the empty string."""
    if not (_VENV / "stamp").exists():
        return "Selenium is not set up; ./scripts/browser does it, and ./scripts/test --all"
    if not _found("chromedriver") or not _found(*_BROWSERS):
        return "no Chromium with its driver; on Debian: apt install chromium chromium-driver"
    return ""


@contextmanager
def chromium(*flags: str) -> Iterator[Any]:
    """Run a Chromium with a fresh profile; `flags` are its own."""
    _stack()
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = _found(*_BROWSERS)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*_FLAGS, *flags, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        # Both are named, so that Selenium looks for none, here or elsewhere.
        service = webdriver.ChromeService(_found("chromedriver"))
        driver = webdriver.Chrome(options, service)
        try:
            yield driver
        finally:
            driver.quit()


def _stack() -> None:
    """Let this process import from .venv-selenium what it does not have itself."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    folders = [_VENV / "lib" / version / "site-packages", _VENV / "Lib" / "site-packages"]
    site.addsitedir(str(next(folder for folder in folders if folder.exists())))


def _found(*names: str) -> str:
    paths = (shutil.which(name) for name in names)
    return next((str(Path(path)) for path in paths if path), "")
