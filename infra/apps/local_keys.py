"""The credentials of an app for ./scripts/dev, in a file beside its other data that its owner alone
may read. It is not .env: a deployment reads that, and would take the same app for its own."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from shared.errors import SettingsError
from shared.settings import Settings

#: The files of the App on GitHub and of the app in Slack, in the folder of all data.
GITHUB, SLACK = "github-app.json", "slack-app.json"


#: What an app is of no use without.
_NEEDS = {
    GITHUB: ("GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY"),
    SLACK: ("SLACK_APP_TOKEN", "SLACK_BOT_TOKEN"),
}


def kept_in(data: Path) -> dict[str, str]:
    """Return the variables of the apps that were registered before. One of which a part is still to
    come is left out: its own command goes on with it."""
    found: dict[str, str] = {}
    for name, needs in _NEEDS.items():
        kept = LocalKeys(data / name, Settings()).environment
        if all(kept.get(one) for one in needs):
            found |= kept
    return found


class LocalKeys:
    """`given` are the settings that go before the file's."""

    def __init__(self, file: Path, given: Settings) -> None:
        """Raises SettingsError for a file that another program wrote."""
        self._file = file
        self._given = given
        self.values: dict[str, str] = {}
        try:
            self.values = {str(k): str(v) for k, v in json.loads(file.read_text("utf-8")).items()}
        except (FileNotFoundError, NotADirectoryError):
            pass
        except (OSError, ValueError, AttributeError) as err:
            raise SettingsError(
                f"{file} cannot be read; delete it to register the app anew"
            ) from err

    @property
    def environment(self) -> dict[str, str]:
        """The credentials by the names of variables."""
        return {name.upper(): value for name, value in self.values.items()}

    @property
    def settings(self) -> Settings:
        unset = {name: one for name, one in self.values.items() if not getattr(self._given, name)}
        return self._given._replace(**unset)

    def keep(self, values: Mapping[str, str]) -> None:
        self.values |= values
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._file.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            json.dump(self.values, out)
            out.flush()
            os.fsync(descriptor)
        fresh.replace(self._file)

    def keep_client(self, client_id: str, client_secret: str) -> None:
        """Leave out what signs in people: nothing here does."""
