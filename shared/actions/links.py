"""Which addresses in a model's text may stay links: those on hosts that the run was shown, on
GitHub's and Slack's own, and on the hosts of LINK_HOSTS.

A model that was talked into it would put what it knows into the address of a picture or a link.
"""

import re
from collections.abc import Collection, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.canonical import canonical
from shared.errors import SettingsError
from shared.patterns import lazily

if TYPE_CHECKING:
    from shared.journal import Run

#: Hosts whose pages only GitHub and Slack write, or people with an account there.
_PLATFORMS = frozenset({"github.com", "slack.com", "slack-gov.com"})
_OWN = (".github.com", ".slack.com", ".slack-gov.com")

_HOST = lazily(r"(?<=://)[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?(?![@\\])")
#: An address that means the same to every reader: no name before the host, no odd signs there.
_SAFE = lazily(
    r"https?://(?P<host>[A-Za-z0-9-]++(?>(?:\.[A-Za-z0-9-]++)*))(?::\d{1,5})?"
    r"(?:[/?#](?>(?:(?!www[.\\*_~<\[]|https?:[/\\])[A-Za-z0-9/.%?=+#_,;$-]|~(?!~)|!(?!\[)|(?<=/)@"
    r"|:(?!//)|&(?=[\w.%-]+=))*)"
    r"|(?=[).,;:!?*_~'\"\]|>]*(?:[\s<]|\Z)))",
    re.IGNORECASE,
)


@cache
def link_hosts(setting: str) -> frozenset[str]:
    """Read LINK_HOSTS, such as `docs.acme.com,*.acme.dev`; raises SettingsError."""
    hosts = frozenset(filter(None, (part.strip().lower() for part in setting.split(","))))
    for host in hosts:
        if not re.fullmatch(r"(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*", host):
            raise SettingsError(
                f"LINK_HOSTS has {host!r}; expected hosts such as docs.acme.com,*.acme.dev"
            )
    return hosts


def hosts_in(text: str) -> frozenset[str]:
    """Return the hosts of the addresses in a text."""
    return frozenset(host.lower() for host in _HOST.findall(text))


def hosts_of(run: "Run") -> frozenset[str]:
    """Return the hosts that a run was shown until now: by its event, and by what it read and
    recalled. What a model said does not count."""
    texts = [run.event.to_json(), *(canonical(_of_people(one)) for one in run.inputs)]
    return frozenset().union(*map(hosts_in, texts))


def is_known(host: str, hosts: Collection[str]) -> bool:
    """Tell whether links to `host` may stay. `*.acme.dev` in `hosts` stands for all below it."""
    host = host.lower().rstrip(".")
    if host in hosts or host in _PLATFORMS or host.endswith(_OWN):
        return True
    return any(one.startswith("*.") and host.endswith(one[1:]) for one in hosts)


def known_address(text: str, at: int, hosts: Collection[str]) -> int:
    """Return the end of the safe address on a known host that begins at `at`; 0 without one."""
    found = _SAFE.match(text, at)
    return found.end() if found and is_known(found["host"], hosts) else 0


def _of_people(output: Any) -> Iterable[Any]:
    """Leave the agent's own turns out of a conversation."""
    if isinstance(output, dict) and {"older", "newest"} <= output.keys():
        return [turn for name in ("older", "newest") for turn in output[name] if turn[0] == "user"]
    return [output]
