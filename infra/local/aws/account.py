"""The local AWS account: moto's services behind one endpoint, and the stack's own resources."""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache, cached_property, partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.base_backend import BackendDict, backend_lock
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from infra.local.aws import moto_repairs
from infra.local.aws.environments import FunctionSpec
from infra.local.aws.gateway import Route
from infra.local.aws.lambda_api import InvokeRaw, LambdaApi
from infra.local.aws.moto_repairs import DurableQueue
from infra.local.aws.one_time import OneTimeSchedules
from infra.local.aws.queues import EventSource
from infra.local.aws.rights import Rights
from infra.local.aws.scheduler_api import SchedulerApi
from infra.local.aws.schedules import Schedule
from infra.local.aws.state_machines import StateMachines
from infra.local.aws.states_api import StatesApi
from infra.local.aws.store import Store
from infra.local.http_server import HttpServer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: The ends of boto3's variables AWS_ENDPOINT_URL_<SERVICE>, for the local services.
#: The global name is left alone: a function may talk to the real Bedrock.
_LOCAL_SERVICES = ("SNS", "SQS", "S3", "LAMBDA", "SECRETS_MANAGER", "SCHEDULER", "SFN", "SSM")
_CREDENTIALS = {"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"}
_SECRET = re.compile(
    r"\{\{resolve:secretsmanager:(?P<id>[^}]+?)"
    r"(?::SecretString(?::(?P<key>[^:}]*)(?::[^:}]*){0,2})?)?\}\}"
)
_REFERENCE = re.compile(r"\{\{resolve:[^}]*\}\}")


@cache
def _session(region: str) -> Any:
    import boto3

    return boto3.Session("local", "local", region_name=region)


_ids_in_use: set[str] = set()


def _take_id() -> str:
    """Return an account id that no other cloud of this process uses: a lone one keeps its own."""
    with backend_lock:
        id = next(id for n in count(int(DEFAULT_ACCOUNT_ID)) if (id := str(n)) not in _ids_in_use)
        _ids_in_use.add(id)
        return id


class Account:
    """moto's backends for one region, and lists of what the local cloud runs itself.

    moto keeps its state in globals, per account, so each cloud of a process has its own account.
    `variables`, `handlers` and `code` replace those of the template's functions, which get the
    `settings` that their bundles would hold.
    """

    stack_name = "agent-flows"

    def __init__(
        self,
        region: str,
        store: Store,
        *,
        variables: Mapping[str, str],
        handlers: Mapping[str, str],
        code: Mapping[str, Path],
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.region = region
        self.store = store
        self.variables = variables
        self.settings = settings or {}
        self.handlers = handlers
        self.code = code
        self.functions: dict[str, FunctionSpec] = {}
        self.sources: list[EventSource] = []
        self.schedules: list[Schedule] = []
        self.once = OneTimeSchedules(store, partial(self.arn, "scheduler"))
        self.routes: list[Route] = []
        self.queues: dict[str, DurableQueue] = {}
        self._server = HttpServer(handler=moto_repairs.MotoHandler)
        self._clients: dict[str, Any] = {}
        self.id = _take_id()
        self.machines = StateMachines(self.id, store)
        self.rights = Rights(self.arn)
        self.sqs, self.sns, self.s3 = moto_repairs.install(self.id, region, store)

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def endpoints(self) -> dict[str, str]:
        return {f"AWS_ENDPOINT_URL_{service}": self.url for service in _LOCAL_SERVICES}

    @property
    def pseudo_parameters(self) -> dict[str, str]:
        return {
            "AWS::AccountId": self.id,
            "AWS::Partition": "aws",
            "AWS::Region": self.region,
            "AWS::StackId": self.arn("cloudformation", f"stack/{self.stack_name}"),
            "AWS::URLSuffix": "amazonaws.com",
        }

    def function_variables(self, function: str, role: str) -> dict[str, str]:
        """The variables that a function gets, whatever the template declares.

        Its own keys stand for its role. With keys that a user gave, it may do all.
        """
        given = {key: value for key, value in self.variables.items() if key.startswith("AWS_")}
        keys = {} if given.keys() & _CREDENTIALS else self.rights.keys_of(function, role)
        region = {"AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}
        return {**keys, **given, **region, **self.endpoints}

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.id}:{resource}"

    @cached_property
    def secrets(self) -> Any:
        from moto.secretsmanager.models import secretsmanager_backends

        return secretsmanager_backends[self.id][self.region]

    def resolve(self, text: str) -> str:
        """Replace dynamic references. A secret that no template made reads as empty, which is not
        set."""
        return _REFERENCE.sub("", _SECRET.sub(self._secret, text))

    def keep(self, secret: str, values: Mapping[str, str]) -> None:
        """Put a secret into Secrets Manager, for functions and for `resolve`."""
        text = json.dumps(dict(values))
        self.secrets.create_secret(
            name=secret,
            secret_string=text,
            secret_binary=None,
            description="",
            tags=[],
            kms_key_id=None,
            client_request_token=None,
            replica_regions=[],
            force_overwrite=False,
        )

    def client(self, service: str) -> Any:
        """Return a boto3 client that talks to this account."""
        if service not in self._clients:
            session = _session(self.region)
            self._clients[service] = session.client(service, endpoint_url=self.url)
        return self._clients[service]

    def start(self, invoke: InvokeRaw) -> None:
        """Serve the AWS API."""
        moto = DomainDispatcherApplication(create_backend_app)

        def in_this_account(
            environ: "WSGIEnvironment", start_response: "StartResponse"
        ) -> Iterable[bytes]:
            environ["HTTP_X_MOTO_ACCOUNT_ID"] = self.id
            answer: Iterable[bytes] = moto(environ, start_response)
            return answer

        others = SchedulerApi(self.once, StatesApi(self.machines, in_this_account))
        self._server.start(self.rights.wrapped(LambdaApi(invoke, others)))
        self.machines.open(invoke)

    def stop(self) -> None:
        """Stop serving and drop the account's content."""
        self.machines.close()
        self._server.stop()
        with backend_lock:
            for service in list(BackendDict._instances):
                if self.id in service:
                    service[self.id].reset()
                    del service[self.id]
        _ids_in_use.discard(self.id)

    def _secret(self, match: re.Match[str]) -> str:
        from moto.secretsmanager.exceptions import SecretsManagerClientError

        try:
            secret = self.secrets.get_secret_value(match["id"], "", "")["SecretString"]
        except SecretsManagerClientError:
            return ""
        return str(json.loads(secret)[match["key"]] if match["key"] else secret)
