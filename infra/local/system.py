"""The whole product on this machine: Postgres, AWS, GitHub, Slack and models, each real or its
local stand-in."""

import hashlib
import json
import re
import secrets
import threading
import time
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socket import create_server
from typing import Self

from infra.bundle.build import TemplateText
from infra.configuration.destinations import DEPLOYED
from infra.configuration.secret_settings import contents
from infra.deploy.looks import wake
from infra.deploy.timers import timers
from infra.local.app_deliveries import AppDeliveries
from infra.local.aws.cloud import GRACE, LocalCloud
from infra.local.endings import free_runs, reopen
from infra.local.model_choice import MODEL_SETTINGS, aws_identity, choose_models
from infra.local.postgres import EmbeddedPostgres
from infra.local.postgres_files import take
from infra.local.postgres_watch import PostgresWatch
from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.github.sign_in import SECRET
from infra.local.sandbox.github.state import BOT
from infra.local.sandbox.page import Page
from infra.local.sandbox.slack import SlackSandbox
from infra.local.socket_mode import SocketMode
from infra.migrations import migrate
from infra.migrations.logins import given_urls, invented_urls, make_logins
from infra.project import ROOT
from shared.aws.looks import KINDS
from shared.errors import SettingsError
from shared.events import Json
from shared.settings import Settings

#: What a function's process writes, or its queue, when an event was not handled.
_FAILURE = re.compile(r"^\[ERROR\]|^(?:Runtime|Sandbox|Function)\.|wait for another attempt$")
#: Seconds after a start at which what waited is looked after, as it was off for who knows how long.
_LOOK = 300.0


class System:
    """Starts everything in order and stops it in reverse; a context manager.

    `environment` holds the user's settings. `data` keeps all state. `say` gets each finished step.
    `code` names the built artifacts of functions, by logical id.
    """

    def __init__(
        self,
        *,
        data: Path,
        environment: Mapping[str, str],
        port: int = 0,
        template: Path = ROOT / "template.yaml",
        say: Callable[[str], None] = lambda line: None,
        overrides: Mapping[str, str] | None = None,
        handlers: Mapping[str, str] | None = None,
        code: Mapping[str, Path] | None = None,
        grace: float = GRACE,
    ) -> None:
        self._data = data
        self._given = dict(environment)
        self._port = port or _free_port()
        self._template = template
        self._say = say
        self._overrides = dict(overrides or {})
        self._handlers = dict(handlers or {})
        self._code = dict(code or {})
        self._grace = grace
        #: The newest failures of functions, a line each.
        self.failures: deque[str] = deque(maxlen=20)
        self._stack = ExitStack()
        self.settings = Settings.from_environment(environment)
        self.github: GitHubSandbox | None = None
        self.slack: SlackSandbox | None = None
        self.postgres: EmbeddedPostgres | None = None
        self.cloud: LocalCloud

    @property
    def url(self) -> str:
        """The address of the front door: the REST API and the page."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def log(self) -> Path:
        """The file with the functions' output."""
        return self._data / "aws" / "functions.log"

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is KeyboardInterrupt:
            self._say("\nStopping; what is under way has a moment to end.")
        self._stack.close()

    def _start(self) -> None:
        self._claim_data()
        environment = dict(self._given)
        with self._step("models"):
            environment |= choose_models(self.settings, lambda name: bool(self._given.get(name)))
            if any(environment[role].startswith("bedrock:") for role in MODEL_SETTINGS):
                environment |= aws_identity()
        with self._step("Postgres"):
            environment["DATABASE_URL"] = self._database()
            # Ours alone: no older code uses it.
            applied = migrate(environment["DATABASE_URL"], contract=self.postgres is not None)
            logins = self._logins(environment["DATABASE_URL"])
            if self.postgres:  # it is ours alone, and so were the functions
                free_runs(environment["DATABASE_URL"])
        if applied:
            told = applied if len(applied) < 4 else [applied[0], "…", applied[-1]]
            self._say(f"           migrated: {', '.join(told)}")
        environment.setdefault("GITHUB_WEBHOOK_SECRET", self._secret("github"))
        environment.setdefault("SLACK_SIGNING_SECRET", self._secret("slack"))
        environment.setdefault("CONSOLE_KEY", self._secret("console"))
        if not self._is_real("github_token", "github_app_id", "github_api_url"):
            with self._step("GitHub sandbox"):
                environment |= self._sandbox_github(environment["GITHUB_WEBHOOK_SECRET"])
        if not self._is_real("slack_bot_token", "slack_api_url"):
            with self._step("Slack sandbox"):
                environment |= self._sandbox_slack(environment["SLACK_SIGNING_SECRET"])
        if self.github and self.slack:
            environment.setdefault("TENANTS", "acme=github:acme,slack:T0SANDBOX")
            environment.setdefault("REPOSITORIES", '{"team:T0SANDBOX": "acme/shop"}')
            environment.setdefault("API_TOKENS", self._api_tokens())
        with self._step("AWS and functions"):
            self.cloud = self._stack.enter_context(self._local_cloud(environment, logins))
        self.settings = Settings.from_environment(environment)
        if self.settings.github_app_id and not self.github:
            with self._step("GitHub deliveries"):
                self._stack.enter_context(self._app_deliveries())
        if self.settings.slack_app_token:
            with self._step("Socket Mode"):
                self._stack.enter_context(SocketMode(self.settings, self.url))
        self._look_later()
        self._leave_word()

    def _claim_data(self) -> None:
        """Take the data for this process alone: two would deliver each message twice."""
        try:
            self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = take(self._data / "dev.lock")
        except OSError as err:
            raise SettingsError(
                f"{self._data} cannot hold the data: {err.strerror}; choose another with --data"
            ) from err
        if lock is None:
            raise SettingsError(
                f"another ./scripts/dev runs on {self._data}; stop it, or choose another --data"
            )
        self._stack.enter_context(lock)

    def _leave_word(self) -> None:
        """Write for ./scripts/flows where the system is, how it signs, how it reads and remembers,
        and as whom it meets the sandboxes."""
        file = self._data / "system.json"
        told = ["database_url", "github_webhook_secret", "slack_signing_secret"]
        told += ["github_api_url", "github_token", "model_embed", "tenants", "repositories"]
        if self.github:
            told += ["github_app_id", "github_app_private_key", "github_bot_name"]
        if self.slack:
            told += ["slack_bot_token", "slack_api_url"]
        settings = {name.upper(): getattr(self.settings, name) for name in told}
        fresh = file.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps({"url": self.url, "settings": settings}))
        fresh.replace(file)
        self._stack.callback(file.unlink, missing_ok=True)

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        self._say(f"  {name:18} ready in {time.monotonic() - start:.1f} s")

    def _is_real(self, *names: str) -> bool:
        return any(self._given.get(name.upper()) for name in names)

    def _database(self) -> str:
        if url := self.settings.database_url:
            return url
        self.postgres = EmbeddedPostgres(self._data / "postgres")
        self._stack.callback(self.postgres.stop)
        url = self.postgres.start()
        self._stack.enter_context(PostgresWatch(self.postgres, self._say))
        return url

    def _logins(self, owner_url: str) -> dict[str, str]:
        """Make the functions' logins and return their URLs, by kind."""
        invented = invented_urls(owner_url, lambda kind: self._secret(f"database-{kind}"))
        urls = invented | given_urls(self.settings)
        make_logins(owner_url, urls)
        return urls

    def _sandbox_github(self, secret: str) -> dict[str, str]:
        sandbox = GitHubSandbox(f"{self.url}/github/webhook", secret, state=self._data / "github")
        sandbox.web_url = self.url
        self.github = self._stack.enter_context(sandbox)
        return {
            "GITHUB_API_URL": sandbox.api_url,
            "GITHUB_APP_ID": str(sandbox.app_id),
            "GITHUB_BOT_NAME": BOT.removesuffix("[bot]"),
            "GITHUB_CLIENT_ID": sandbox.sign_in.client_id(),
            "GITHUB_CLIENT_SECRET": SECRET,
            "GITHUB_APP_PRIVATE_KEY": sandbox.private_key,
        }

    def _sandbox_slack(self, secret: str) -> dict[str, str]:
        sandbox = SlackSandbox(self.url, secret, state=self._data / "slack")
        self.slack = self._stack.enter_context(sandbox)
        client = sandbox.apps.distribute(self.url)
        return {
            "SLACK_API_URL": sandbox.api_url,
            "SLACK_BOT_TOKEN": sandbox.bot_token,
            "SLACK_CLIENT_ID": client["client_id"],
            "SLACK_CLIENT_SECRET": client["client_secret"],
            "SLACK_TOKEN_KEYS": f"local:{self._token_key()}",
        }

    def _token_key(self) -> str:
        """Return the key of the tokens of other workspaces, which lie in the kept database."""
        return b64encode(hashlib.sha256(self._secret("slack-tokens").encode()).digest()).decode()

    def _app_deliveries(self) -> AppDeliveries:
        return AppDeliveries(self.settings, self.url, self._data / "deliveries", self._say)

    def _local_cloud(self, environment: Mapping[str, str], logins: Mapping[str, str]) -> LocalCloud:
        # The functions read their secrets as they do in AWS.
        urls = {f"database_{kind}_url": url for kind, url in logins.items()}
        held = {name.lower(): value for name, value in environment.items()} | urls
        prefix = self._overrides.get("SecretPrefix", "agent-flows")
        template = TemplateText(self._template.parent, self._template.name)
        settings = {name: environment[name] for name in DEPLOYED & environment.keys()}
        # No real GitHub reaches a laptop, however often it tries; `app_deliveries` does.
        ours = {} if self.github else {"RedeliverySchedule": "DISABLED"}
        ours |= {"FrontDoorUrl": self.url}
        return LocalCloud(
            self._template,
            environment={k: v for k, v in environment.items() if k.startswith("AWS_")},
            settings={**settings, "EVENT_TYPES": template.event_types},
            secrets={f"{prefix}/{name}": values for name, values in contents(held).items()},
            port=self._port,
            page=self._page(environment["DATABASE_URL"]),
            state=self._data / "aws",
            overrides={**ours, **self._overrides},
            handlers=self._handlers,
            code=self._code,
            log=self._note,
            grace=self._grace,
        )

    def _page(self, database_url: str) -> Page:
        def redrive(what: str) -> int:
            return self._redrive(database_url, what)

        letters, timers = self._dead_letters, self._timers
        return Page(self.github, self.slack, database_url, redrive, letters, timers=timers)

    def _timers(self) -> list[Json]:
        return timers(self.cloud.client("scheduler"), self.cloud.stack_name)

    def _dead_letters(self) -> list[Json]:
        """List the dead letters of all queues, as the page shows them."""
        dead = [name for name, status in self.cloud.queues().items() if status.dead]
        return [
            {"queue": name, **letter} for name in dead for letter in self.cloud.dead_letters(name)
        ]

    def _note(self, function: str, line: str) -> None:
        if _FAILURE.search(line):
            self.failures.append(f"{function}: {line}")

    def _redrive(self, database_url: str, what: str) -> int:
        """Start again what was given up of a flow or of its queue, or one run, and count it.

        Raises LookupError, with what there is none of, when there is none.
        """
        name = what.removesuffix(".fifo").removesuffix("-dead")
        flows = {
            queue: queue.removesuffix(".fifo").rpartition("-")[2] for queue in self.cloud.queues()
        }
        moved = 0
        for queue, flow in flows.items():
            if name.lower() in (flow, queue.removesuffix(".fifo")):
                name, moved = flow, self.cloud.redrive(queue)
        if reopened := reopen(database_url, name):
            self._wake("sweep")
        elif name not in flows.values():
            raise LookupError(f"flow or run {what!r}; flows: {', '.join(sorted(flows.values()))}")
        return moved + reopened

    def _wake(self, kind: str) -> None:
        wake(self.cloud.client("sns"), self.cloud.stack_name, [kind])

    def _look_later(self) -> None:
        """Let what waits be looked after soon: the clock may have been missed."""
        for kind in KINDS:
            timer = threading.Timer(_LOOK, self._wake, [kind])
            timer.daemon = True
            timer.start()
            self._stack.callback(timer.cancel)

    def _api_tokens(self) -> str:
        """Let whoever reads `api.secret` use the API as an owner of the sandboxes' tenant."""
        token = hashlib.sha256(self._secret("api").encode()).hexdigest()
        return json.dumps({token: {"tenant": "acme", "actor": "you", "role": "owner"}})

    def _secret(self, name: str) -> str:
        """Make a secret once and keep it, so that saved deliveries stay valid across restarts."""
        file = self._data / f"{name}.secret"
        if not file.exists():
            file.write_text(secrets.token_hex(20))
            file.chmod(0o600)
        return file.read_text()


def _free_port() -> int:
    with create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def check_port(port: int) -> None:
    """Raise SettingsError when another process listens on `port`."""
    try:
        create_server(("127.0.0.1", port)).close()
    except PermissionError as err:
        raise SettingsError(f"port {port} needs more rights; choose one above 1023") from err
    except OSError as err:
        raise SettingsError(f"port {port} is taken; choose another with --port") from err
