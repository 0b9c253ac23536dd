"""`./scripts/dev --github`: a real App for this machine, registered and installed at once."""

import getpass
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from infra.apps.github_app import ME, RegisteredApp
from infra.apps.github_rights import Rights
from infra.apps.github_setup import Registration, Wish, install, lacking
from infra.apps.local_keys import GITHUB, LocalKeys
from infra.apps.person import Person
from infra.apps.state import State
from infra.deploy.declared import declared_flows
from shared.settings import Settings

#: Where GitHub sends what this machine reads from its list of deliveries: a name that is nobody's,
#: so no third party gets them (https://www.rfc-editor.org/rfc/rfc6761#section-6.4). GitHub names
#: localhost and 127.0.0.1 as refused; of a name that does not resolve it says that deliveries are
#: listed as "failed to connect to host". The webhook must be active: another delivers and lists
#: nothing.
#: https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/troubleshooting-webhooks
NOWHERE = "https://agent-flows.invalid/github/webhook"
_SITE = "https://github.com/apps"


def connect(data: Path, owner: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Register an App of `owner` and wait until it is installed, unless that is done; return its
    variables. Raises NotConnected."""
    keys = LocalKeys(data / GITHUB, Settings.from_environment(environment))
    person = Person(asked=True)
    rights = Rights.of(declared_flows().values())
    if not keys.settings.github_app_private_key:
        state = State(data / "github-app.state.json")
        wish = Wish(_name(state, owner), owner, rights, NOWHERE, _SITE)
        Registration(person, state, keys, wish).run()
    with RegisteredApp(keys.settings) as app:
        about = app.about()
        found = install(person, app, about)
        login = found["account"]["login"]
        person.say(f"The App {about['slug']} is installed on {login}: open an issue there, say hi.")
        for line in lacking(app, about, rights):
            person.say(f"note: {line}")
    return keys.environment


def _name(state: State, owner: str) -> str:
    """Return a name that is likely free on all of GitHub, and the same in the next sitting."""
    chance = state.get("name", "chance") or secrets.token_hex(2)
    state.put("name", chance=chance)
    who = getpass.getuser() if owner == ME else owner
    return f"agent-dev-{re.sub(r'[^A-Za-z0-9-]', '', who)[:18]}-{chance}"
