"""AWS on this machine: the project's template.yaml, deployed into this process."""

import logging
import re
import time
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from infra.local.aws import resources
from infra.local.aws.account import Account
from infra.local.aws.environments import Log
from infra.local.aws.errors import LocalCloudError
from infra.local.aws.functions import Functions
from infra.local.aws.gateway import Gateway
from infra.local.aws.queues import Poller, QueueStatus, dead_letter
from infra.local.aws.rights import Rights
from infra.local.aws.schedules import Scheduler
from infra.local.aws.stack import Stack, text
from infra.local.aws.store import Store
from infra.local.aws.template import load
from infra.local.http_server import HttpServer
from shared.events import Json

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

#: Seconds that functions may work on when the cloud stops. Then they are ended, and their messages
#: are delivered again at the next start.
GRACE = 1.0
#: The most connections of the front door at once; those above are refused.
_MOST_CONNECTIONS = 64
_LOG_BYTES = 10_000_000
_API_URL = re.compile(r"https://local\.execute-api\.[\w-]+\.amazonaws\.com(/\w+)?")


class LocalCloud:
    """The stack of one template, running, as a context manager.

    `environment` replaces values of variables that functions declare in the template; its AWS_*
    reach every function, so with real credentials the services that are not local are real. Every
    function gets the `settings`, which in AWS lie in its bundle. `secrets` are what Secrets Manager
    holds, by name. `overrides` are template parameters. `handlers` and `code` replace handler and
    code of functions by logical id; built artifacts see only themselves. `grace` is for how many
    seconds functions may work on when it stops. `page` answers every route that the API does not
    have. `log` gets, from any thread, a function's id and a line of its output.

    With `state`, messages and objects survive: what a queue or a bucket accepts is in a file before
    the sender hears of it, and stays until it is deleted, even through kill -9. What was in flight
    then is delivered again.
    """

    def __init__(
        self,
        template: Path,
        *,
        environment: Mapping[str, str] | None = None,
        port: int = 0,
        page: "WSGIApplication | None" = None,
        state: Path | None = None,
        log: Log | None = None,
        overrides: Mapping[str, str] | None = None,
        handlers: Mapping[str, str] | None = None,
        code: Mapping[str, Path] | None = None,
        settings: Mapping[str, str] | None = None,
        secrets: Mapping[str, Mapping[str, str]] | None = None,
        grace: float = GRACE,
    ) -> None:
        self._path = template.resolve()
        self._environment = environment or {}
        self._port = port
        self._page = page
        self._state = state
        self._log = log
        self._overrides = overrides or {}
        self._handlers = handlers or {}
        self._code = code or {}
        self._settings = settings or {}
        self._secrets = secrets or {}
        self._grace = grace
        self._open = ExitStack()
        self.outputs: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Deploy the template and run it; raises TemplateError or LocalCloudError."""
        try:
            self._start()
        except BaseException:
            self._open.close()
            raise

    @property
    def stack_name(self) -> str:
        return self._account.stack_name

    def stop(self) -> None:
        """Stop everything and leave no process behind."""
        self._open.close()

    @property
    def url(self) -> str:
        """The address of the REST API and the page."""
        return self._front.url

    @property
    def endpoints(self) -> dict[str, str]:
        """Return the AWS_ENDPOINT_URL_<SERVICE> of the local services."""
        return self._account.endpoints

    @property
    def functions(self) -> tuple[str, ...]:
        return self._functions.ids

    @property
    def schedules(self) -> tuple[str, ...]:
        return self._scheduler.names

    def client(self, service: str) -> Any:
        """Return a boto3 client of a local service."""
        return self._account.client(service)

    @property
    def timers(self) -> list[str]:
        """The names of the one-time schedules that have not fired; `fire` takes them too."""
        return [name for _, name in self._account.once.names()]

    @property
    def rights(self) -> Rights:
        """What the functions may do, and did."""
        return self._account.rights

    @property
    def processes(self) -> list[int]:
        """The process ids of the execution environments."""
        return self._functions.processes

    def invoke(self, function: str, event: Json) -> Json:
        """Invoke a function by logical id, name or ARN; raises FunctionError with AWS's payload."""
        return self._functions.invoke(function, event)

    def fire(self, schedule: str) -> None:
        """Let a schedule fire now, whatever the time; raises LocalCloudError when it cannot."""
        self._scheduler.fire(schedule)

    def queues(self) -> dict[str, QueueStatus]:
        return {name: poller.status() for name, poller in self._pollers.items()}

    def dead_letters(self, queue: str) -> list[Json]:
        """Return the dead letters of a queue, the oldest first."""
        dead = self._poller(queue).source.queue.dead_letter_queue
        return [dead_letter(message) for message in list(dead._messages)] if dead else []

    def redrive(self, queue: str) -> int:
        """Send dead messages to their queue again, as if new; return how many."""
        source = self._poller(queue).source.queue
        return int(source.redrive()) if source.dead_letter_queue else 0

    def _start(self) -> None:
        self._write = self._open_log()
        store = Store(self._state)
        self._open.callback(store.close)
        self._front = HttpServer(self._port, most=_MOST_CONNECTIONS)
        self._open.callback(self._front.stop)
        self._account = Account(
            self._environment.get("AWS_REGION", "us-east-1"),
            store,
            variables=self._environment,
            settings=self._settings,
            handlers=self._handlers,
            code=self._code,
        )
        self._open.callback(self._account.stop)
        for name, values in self._secrets.items():
            self._account.keep(name, values)
        self.outputs = self._deploy()
        self._run()

    def _deploy(self) -> dict[str, str]:
        account = self._account
        stack = Stack(
            account.stack_name,
            load(self._path, self._overrides, account.region),
            self._overrides,
            pseudo=account.pseudo_parameters,
            create=partial(resources.create, account),
            resolve=account.resolve,
        )
        return {
            name: _API_URL.sub(self._front.url, text(value))
            for name, value in stack.deploy().items()
        }

    def _run(self) -> None:
        account = self._account
        self._functions = Functions(account.functions.values(), self._write)
        account.start(lambda name, event: self._functions.get(name).invoke(event))
        self._pollers = {
            source.queue.name: Poller(source, self.invoke, self._write)
            for source in account.sources
        }
        self._open.callback(self._stop_functions)
        for poller in self._pollers.values():
            poller.start()
        self._scheduler = Scheduler(
            account.schedules, account.once, account.client, self.invoke, self._write
        )
        self._scheduler.start()
        self._open.callback(self._scheduler.stop)
        self._front.start(Gateway(account.routes, self.invoke, self._page))
        self._open.callback(self._front.stop)

    def _stop_functions(self) -> None:
        # First of all: an execution must not take for an answer that its function is gone.
        self._account.machines.close()
        deadline = time.monotonic() + self._grace
        for poller in self._pollers.values():
            poller.stop()
        for poller in self._pollers.values():
            poller.wait(deadline - time.monotonic())
        self._functions.close()
        for poller in self._pollers.values():
            poller.join()

    def _poller(self, queue: str) -> Poller:
        for name, poller in self._pollers.items():
            if queue in (name, poller.source.function):
                return poller
        known = ", ".join(self._pollers) or "none"
        raise LocalCloudError(f"no function is behind a queue {queue!r}; known: {known}")

    def _open_log(self) -> Log:
        """Return a function that writes a line to the file in `state`, and to the caller."""
        logger = logging.Logger("functions")
        if self._state is not None:
            self._state.mkdir(parents=True, exist_ok=True)
            path = self._state / "functions.log"
            file = RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8")
            file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
            logger.addHandler(file)
            self._open.callback(file.close)

        def write(function: str, line: str) -> None:
            logger.info("%s: %s", function, for_people(line))
            if self._log is not None:
                self._log(function, line)

        return write


def for_people(line: str) -> str:
    """Leave out what only CloudWatch reads of a line with metrics. It comes last; see
    shared/metrics.py."""
    shown, embedded, _ = line.partition(', "_aws": ')
    return shown + "}" if embedded else line
