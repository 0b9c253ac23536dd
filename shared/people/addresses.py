"""Where the GitHub of the settings is: its API, and the pages that people see."""

import re
from urllib.parse import urlsplit

from shared.errors import SettingsError
from shared.settings import Settings


def api_url(settings: Settings) -> str:
    """Return GITHUB_API_URL without a slash at its end; raises SettingsError for no address."""
    url = settings.github_api_url.rstrip("/")
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise SettingsError(f"GITHUB_API_URL is {url!r}; expected https://…")
    return url


def web_url(settings: Settings) -> str:
    """Return where people see the GitHub of the settings.

    >>> web_url(Settings())
    'https://github.com'
    >>> web_url(Settings(github_api_url="https://ghe.acme.com/api/v3"))
    'https://ghe.acme.com'
    >>> web_url(Settings(github_api_url="https://api.acme.ghe.com"))
    'https://acme.ghe.com'
    """
    if settings.github_web_url:
        return settings.github_web_url.rstrip("/")
    parts = urlsplit(api_url(settings))
    place = parts.netloc
    if place == "api.github.com" or re.fullmatch(r"api\.[\w-]+\.ghe\.com", place):
        place = place.removeprefix("api.")
    return f"{parts.scheme}://{place}"
