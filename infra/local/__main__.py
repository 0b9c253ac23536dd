"""./scripts/dev: start the whole system, show it one sample of each kind, stay up until Ctrl-C."""

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from infra.project import ROOT, from_caller
from infra.terminal import Arguments, complain, whole
from shared.errors import AgentFlowsError, SettingsError

if TYPE_CHECKING:
    from infra.local.system import System
    from shared.settings import Settings

#: Seconds that what is under way has to end after Ctrl-C.
_GRACE = 5.0
#: What GitHub's pages call the account of the person themselves.
_ME = "@me"
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    options = _parse(arguments)
    import psycopg  # from here on an environment is needed

    for name in _STOPS:
        signal.signal(name, _interrupt)
    try:
        return _run(options, environment)
    except KeyboardInterrupt as stop:
        print(f"\nStopped{f'; {stop}' if str(stop) else ''}.", flush=True)
        return 0
    except AgentFlowsError as err:
        complain(err)
    except psycopg.Error as err:
        said = err.diag.message_primary or "it does not answer"
        complain(f"the database cannot be used: {said}; look at DATABASE_URL")
    except OSError as err:
        complain(f"{err.strerror}: {err.filename}")
    return 2


def _run(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    from infra.apps.local_keys import kept_in
    from infra.configuration.reader import load, require_complete
    from infra.local.samples import show_samples
    from infra.local.system import System, check_port

    started = time.monotonic()
    # Many threads wait for a socket here, few compute: under load each would wait 5 ms per thread.
    sys.setswitchinterval(0.0005)
    data, template = from_caller(options.data), from_caller(options.template)
    configuration = load(environment, beneath=kept_in(data))
    if options.github or options.slack:
        _connect(options, data, configuration.environment)
        configuration = load(environment, beneath=kept_in(data))
    require_complete(configuration.settings)
    check_port(options.port)
    if not template.is_file():
        raise SettingsError(f"{template} is no file; name a template with --template")
    print("Starting Agent Flows on this machine.", flush=True)
    with System(
        data=data,
        environment=configuration.environment,
        port=options.port,
        template=template,
        say=_say,
        grace=_GRACE,
    ) as system:
        shown = " One sample of each kind:\n" if system.github or system.slack else ""
        _say(f"\nUp in {time.monotonic() - started:.1f} s.{shown}")
        handled = show_samples(system, _say)
        if options.once:
            return 0 if handled else 1
        _say(_banner(system, data))
        # The kernel may hand a signal to another thread; this one acts on it when it wakes.
        while not threading.Event().wait(0.5):
            pass
    return 0


def _connect(options: argparse.Namespace, data: Path, environment: Mapping[str, str]) -> None:
    """Register the apps that are asked for, as far as that is not done."""
    from infra.apps.person import Person
    from infra.apps.state import State
    from infra.local import real_github, real_slack

    try:
        with State(data / "connecting.json").alone():
            if options.github:
                real_github.connect(data, options.github, environment)
            if options.slack:
                real_slack.connect(data, environment, Person(asked=True))
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command goes on where this ended") from None


def _say(line: str) -> None:
    print(line, flush=True)


def _interrupt(*_: object) -> None:
    """Stop in order; a second Ctrl-C must not interrupt that."""
    for name in _STOPS:
        signal.signal(name, signal.SIG_IGN)
    raise KeyboardInterrupt


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = Arguments(prog="./scripts/dev", description=__doc__.partition(": ")[2])
    parser.add_argument(
        "--once", action="store_true", help="handle the samples and exit: 0 if all were handled"
    )
    parser.add_argument(
        "--embedder",
        action="store_true",
        help="set up MiniLM first, once (170 MB): memory then finds by meaning, not by words only",
    )
    parser.add_argument(
        "--port",
        type=whole(0, 65535),
        default=8080,
        help="of the front door and the page (%(default)s); 0 takes a free one",
    )
    parser.add_argument(
        "--data", type=Path, default=ROOT / ".data", help="where all state is kept (.data)"
    )
    parser.add_argument(
        "--github",
        nargs="?",
        const=_ME,
        metavar="ORGANISATION",
        help="register a GitHub App of your own account, or of an organisation, and serve it",
    )
    parser.add_argument(
        "--slack",
        action="store_true",
        help="make a Slack app with Socket Mode, install it in a workspace of yours, and serve it",
    )
    parser.add_argument(
        "--template",
        type=Path,
        default=ROOT / "template.yaml",
        help="the SAM template to run (template.yaml)",
    )
    return parser.parse_args(arguments)


def _banner(system: "System", data: Path) -> str:
    settings = system.settings
    rows = {
        "page": f"{system.url}/",
        "webhooks": f"{system.url}/github/webhook  {system.url}/slack/events",
        "GitHub": f"sandbox {system.github.api_url}" if system.github else settings.github_api_url,
        "Slack": f"sandbox {system.slack.api_url}" if system.slack else settings.slack_api_url,
        "models": f"small {settings.model_small}, large {settings.model_large},"
        f" embed {settings.model_embed}{_lacks(settings)}",
        "state": str(data),
        "log": str(system.log),
    }
    lines = "\n".join(f"  {name:10} {value}" for name, value in rows.items())
    return f"\nAgent Flows is up. Ctrl-C stops it.\n\n{lines}\n"


def _lacks(settings: "Settings") -> str:
    from shared.memory.embedding.local_embedders import minilm_is_installed

    is_plain = settings.model_embed == "offline" and not minilm_is_installed()
    return " (finds by words; by meaning with --embedder)" if is_plain else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
