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
    if not _packages():
        return "Selenium is set up for another Python, on which ./scripts/browser runs these tests"
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
    for folder in _packages():
        site.addsitedir(str(folder))


def _packages() -> list[Path]:
    """Return the folder of what is installed there for this Python; none if it is for another."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    folder = _VENV / "lib" / version / "site-packages"
    return [folder] if folder.exists() else []


def _found(*names: str) -> str:
    paths = (shutil.which(name) for name in names)
    return next((str(Path(path)) for path in paths if path), "")
