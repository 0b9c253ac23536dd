"""./scripts/dev: start the whole system, show it one sample of each kind, stay up until Ctrl-C."""

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from infra.local.samples import show_samples
from infra.local.system import System, check_port
from infra.project import ROOT, from_caller, saved_settings
from shared.errors import AgentFlowsError

_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    options = _parse(arguments)
    started = time.monotonic()
    for name in _STOPS:
        signal.signal(name, _interrupt)
    try:
        check_port(options.port)
        print("Starting Agent Flows on this machine.", flush=True)
        with System(
            data=from_caller(options.data),
            environment=saved_settings() | dict(environment),
            port=options.port,
            template=from_caller(options.template),
            say=lambda line: print(line, flush=True),
        ) as system:
            print(
                f"\nUp in {time.monotonic() - started:.1f} s. One sample of each kind:\n",
                flush=True,
            )
            handled = show_samples(system, print)
            if options.once:
                return 0 if handled else 1
            print(_banner(system, options.data), flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        print("\nStopped.", flush=True)
    except AgentFlowsError as err:
        print(f"error: {err}", file=sys.stderr)
        return 2
    return 0


def _interrupt(*_: object) -> None:
    """Stop in order; a second Ctrl-C must not interrupt that."""
    for name in _STOPS:
        signal.signal(name, signal.SIG_IGN)
    raise KeyboardInterrupt


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./scripts/dev", description=__doc__.partition(": ")[2])
    parser.add_argument(
        "--once", action="store_true", help="handle the samples and exit: 0 if both were handled"
    )
    parser.add_argument(
        "--port", type=int, default=8080, help="of the front door and the page (%(default)s)"
    )
    parser.add_argument(
        "--data", type=Path, default=ROOT / ".data", help="where all state is kept (.data)"
    )
    parser.add_argument(
        "--template",
        type=Path,
        default=ROOT / "template.yaml",
        help="the SAM template to run (template.yaml)",
    )
    return parser.parse_args(arguments)


def _banner(system: System, data: Path) -> str:
    settings = system.settings
    rows = {
        "page": f"{system.url}/",
        "webhooks": f"{system.url}/github/webhook  {system.url}/slack/events",
        "GitHub": f"sandbox {system.github.api_url}" if system.github else settings.github_api_url,
        "Slack": f"sandbox {system.slack.api_url}" if system.slack else settings.slack_api_url,
        "models": f"small {settings.model_small}, large {settings.model_large},"
        f" embed {settings.model_embed}",
        "state": str(data),
        "log": str(system.log),
    }
    lines = "\n".join(f"  {name:10} {value}" for name, value in rows.items())
    return f"\nAgent Flows is up. Ctrl-C stops it.\n\n{lines}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
