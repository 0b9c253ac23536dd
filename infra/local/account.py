"""The local AWS account: moto's services behind one endpoint, and what a stack created in them."""

import json
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from moto.core.base_backend import BackendDict
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from infra.local import moto_repairs
from infra.local.environments import FunctionSpec
from infra.local.gateway import Route
from infra.local.http_server import HttpServer
from infra.local.lambda_api import InvokeRaw, LambdaApi
from infra.local.moto_repairs import ACCOUNT, DurableQueue
from infra.local.queues import EventSource
from infra.local.schedules import Schedule
from infra.local.store import Store

#: What follows AWS_ENDPOINT_URL_ in the names that boto3 reads, for the services that are local.
#: The global name is left alone: a function may talk to the real Bedrock.
_LOCAL_SERVICES = ("SNS", "SQS", "S3", "LAMBDA", "SECRETS_MANAGER", "SCHEDULER", "SFN")
_LOCAL_KEYS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
_CREDENTIALS = {"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"}
_SECRET = re.compile(
    r"\{\{resolve:secretsmanager:(?P<id>[^}]+?)"
    r"(?::SecretString(?::(?P<key>[^:}]*)(?::[^:}]*){0,2})?)?\}\}"
)
_REFERENCE = re.compile(r"\{\{resolve:[^}]*\}\}")


class Account:
    """moto's backends for one region, and lists of what the local cloud runs itself.

    `root` is the project's directory. `variables`, `handlers` and `code` replace what the template
    says about functions.
    """

    stack_name = "agent-flows"

    def __init__(
        self,
        region: str,
        store: Store,
        *,
        root: Path,
        variables: Mapping[str, str],
        handlers: Mapping[str, str],
        code: Mapping[str, Path],
    ) -> None:
        self.region = region
        self.store = store
        self.root = root
        self.variables = variables
        self.handlers = handlers
        self.code = code
        self.functions: dict[str, FunctionSpec] = {}
        self.sources: list[EventSource] = []
        self.schedules: list[Schedule] = []
        self.routes: list[Route] = []
        self.queues: dict[str, DurableQueue] = {}
        self._server = HttpServer(handler=moto_repairs.Handler)
        self._clients: dict[str, Any] = {}
        moto_repairs.forget_messages()
        BackendDict.reset()

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def endpoints(self) -> dict[str, str]:
        return {f"AWS_ENDPOINT_URL_{service}": self.url for service in _LOCAL_SERVICES}

    @property
    def pseudo_parameters(self) -> dict[str, str]:
        return {
            "AWS::AccountId": ACCOUNT,
            "AWS::Partition": "aws",
            "AWS::Region": self.region,
            "AWS::StackId": f"arn:aws:cloudformation:{self.region}:{ACCOUNT}:stack/local/local",
            "AWS::URLSuffix": "amazonaws.com",
        }

    @property
    def function_variables(self) -> dict[str, str]:
        """What every function gets, whatever the template declares."""
        given = {key: value for key, value in self.variables.items() if key.startswith("AWS_")}
        keys = {} if given.keys() & _CREDENTIALS else _LOCAL_KEYS
        region = {"AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}
        return {**keys, **given, **region, **self.endpoints}

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{ACCOUNT}:{resource}"

    @cached_property
    def sqs(self) -> moto_repairs.Sqs:
        from moto.sqs.models import sqs_backends

        sqs_backends[ACCOUNT][self.region] = backend = moto_repairs.Sqs(self.region, ACCOUNT)
        return backend

    @cached_property
    def sns(self) -> moto_repairs.Sns:
        from moto.sns.models import sns_backends

        sns_backends[ACCOUNT][self.region] = backend = moto_repairs.Sns(self.region, ACCOUNT)
        return backend

    @cached_property
    def s3(self) -> moto_repairs.S3:
        from moto.s3.models import s3_backends

        s3_backends[ACCOUNT]["aws"] = backend = moto_repairs.S3("aws", ACCOUNT)
        backend.store = self.store
        return backend

    @cached_property
    def secrets(self) -> Any:
        from moto.secretsmanager.models import secretsmanager_backends

        return secretsmanager_backends[ACCOUNT][self.region]

    def resolve(self, text: str) -> str:
        """Replace dynamic references. A secret that no template made reads as empty: not set."""
        return _REFERENCE.sub("", _SECRET.sub(self._secret, text))

    def client(self, service: str) -> Any:
        """Return a boto3 client that talks to this account."""
        import boto3

        if service not in self._clients:
            self._clients[service] = boto3.Session(
                aws_access_key_id="local", aws_secret_access_key="local", region_name=self.region
            ).client(service, endpoint_url=self.url)
        return self._clients[service]

    def start(self, invoke: InvokeRaw) -> None:
        """Serve the AWS API."""
        self._server.start(LambdaApi(invoke, DomainDispatcherApplication(create_backend_app)))

    def stop(self) -> None:
        self._server.stop()
        BackendDict.reset()

    def _secret(self, match: re.Match[str]) -> str:
        from moto.secretsmanager.exceptions import SecretsManagerClientError

        try:
            secret = self.secrets.get_secret_value(match["id"], "", "")["SecretString"]
        except SecretsManagerClientError:
            return ""
        return str(json.loads(secret)[match["key"]] if match["key"] else secret)
