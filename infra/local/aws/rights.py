"""IAM for the functions: each signs with keys of its own, and may do what its role in the template
says. What it did is kept, so that tests can tell which rights nobody needs.

Only policies of roles count, with the actions and resources that they name; conditions are taken
for true. Calls that are signed with other keys, such as those of a person or of moto, may do all.
"""

import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, unquote

from shared.events import Json

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_SIGNED = re.compile(r"Credential=([^/]+)/\d+/([\w-]+)/([\w-]+)/aws4_request")
_KEY = "LOCAL-"
_LAMBDA = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
_SCHEDULE = re.compile(r"/schedules/([^/?]+)")
_SCHEDULE_ACTIONS = {"POST": "Create", "PUT": "Update", "GET": "Get", "DELETE": "Delete"}


class Grant(NamedTuple):
    """One right of one role; `resource` may hold * and ?."""

    role: str
    action: str
    resource: str

    def covers(self, action: str, resource: str) -> bool:
        pattern = re.escape(self.resource).replace(r"\*", ".*").replace(r"\?", ".")
        return self.action == action and re.fullmatch(pattern, resource) is not None


class Call(NamedTuple):
    """What a request wants to do."""

    action: str
    resource: str


class Rights:
    """The roles of the functions, and the calls that they made. Threads may share it.

    `arn` makes the ARN of a resource of a service.
    """

    def __init__(self, arn: Callable[[str, str], str]) -> None:
        self._arn = arn
        self._grants: dict[str, list[Grant]] = {}
        self._roles: dict[str, str] = {}
        #: The rights that were used.
        self.used: set[Grant] = set()
        #: The calls that were refused, with the role.
        self.refused: set[Grant] = set()

    @property
    def grants(self) -> set[Grant]:
        """The rights of all roles of functions."""
        return {grant for role in self._roles.values() for grant in self._grants.get(role, [])}

    def add_role(self, role: str, policies: Iterable[Json]) -> None:
        statements = [row for one in policies for row in one["PolicyDocument"]["Statement"]]
        self._grants[role] = [
            Grant(role, action, resource)
            for row in statements
            for action in _list(row["Action"])
            for resource in _list(row["Resource"])
        ]

    def keys_of(self, function: str, role: str) -> dict[str, str]:
        """Return the keys that a function signs with, which stand for its role."""
        self._roles[f"{_KEY}{function}"] = role
        return {"AWS_ACCESS_KEY_ID": f"{_KEY}{function}", "AWS_SECRET_ACCESS_KEY": "local"}

    def may(self, key: str, call: Call) -> bool:
        """Tell if the owner of the key may do it, and remember it."""
        if (role := self._roles.get(key)) is None:
            return True
        for grant in self._grants.get(role, []):
            if grant.covers(*call):
                self.used.add(grant)
                return True
        self.refused.add(Grant(role, *call))
        return False

    def wrapped(self, others: "WSGIApplication") -> "WSGIApplication":
        """Return an application that refuses what the caller may not do."""

        def checked(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            signed = _SIGNED.search(environ.get("HTTP_AUTHORIZATION", ""))
            if signed and signed[1].startswith(_KEY):
                for call in self._calls(environ, signed[3]):
                    if not self.may(signed[1], call):
                        return _refuse(start_response, signed[1], call, signed[3])
            return others(environ, start_response)

        return checked

    def _calls(self, environ: "WSGIEnvironment", service: str) -> Iterator[Call]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        _, _, operation = str(environ.get("HTTP_X_AMZ_TARGET", "")).partition(".")
        if service == "s3":
            yield _of_s3(method, path, environ.get("QUERY_STRING", ""))
        elif service == "lambda":
            invoked = _LAMBDA.fullmatch(path)
            name = unquote(invoked[1]) if invoked else path
            arn = name if name.startswith("arn:") else self._arn("lambda", f"function:{name}")
            yield Call("lambda:InvokeFunction" if invoked else f"lambda:{method}", arn)
        elif service == "scheduler":
            yield from self._of_scheduler(method, path, environ.get("QUERY_STRING", ""), body)
        else:
            fields = _fields(body)
            action = operation or str(fields.get("Action", ""))
            yield Call(f"{service}:{action}", self._resource(service, fields))

    def _of_scheduler(self, method: str, path: str, query: str, body: bytes) -> Iterator[Call]:
        fields = _fields(body)
        named = _SCHEDULE.match(path)
        group = fields.get("GroupName") or parse_qs(query).get("groupName", ["default"])[0]
        name = f"schedule/{group}/{named[1] if named else '*'}"
        operation = _SCHEDULE_ACTIONS.get(method, method)
        listed = "ListSchedules" if not named and method == "GET" else f"{operation}Schedule"
        yield Call(f"scheduler:{listed}", self._arn("scheduler", name))
        if role := (fields.get("Target") or {}).get("RoleArn"):
            yield Call("iam:PassRole", str(role))

    def _resource(self, service: str, fields: Json) -> str:
        """Return the ARN of what a call is about; '*' where AWS knows none."""
        for field in ("TopicArn", "stateMachineArn", "executionArn"):
            if value := fields.get(field):
                return str(value)
        if queue := fields.get("QueueUrl"):
            return self._arn("sqs", str(queue).rpartition("/")[2])
        if secret := str(fields.get("SecretId", "")):
            is_arn = secret.startswith("arn:")
            return secret if is_arn else self._arn(service, f"secret:{secret}-AbCdEf")
        if service == "ssm" and (name := str(fields.get("Name", ""))):
            return self._arn(service, f"parameter{name}")
        return "*"


def _of_s3(method: str, path: str, query: str) -> Call:
    bucket, _, key = path.lstrip("/").partition("/")
    if not key:
        action = "ListBucket" if method in ("GET", "HEAD") else f"{method.title()}Bucket"
        return Call(f"s3:{action}", f"arn:aws:s3:::{bucket}")
    verb = {"GET": "Get", "HEAD": "Get", "PUT": "Put", "POST": "Put", "DELETE": "Delete"}[method]
    return Call(f"s3:{verb}Object", f"arn:aws:s3:::{bucket}/{key}")


def _fields(body: bytes) -> Json:
    """Read the fields of a request in JSON, or in a form."""
    try:
        found = json.loads(body)
        return found if isinstance(found, dict) else {}
    except ValueError:
        form: Mapping[str, list[str]] = parse_qs(body.decode("utf-8", "replace"))
        return {name: values[0] for name, values in form.items()}


def _refuse(start_response: "StartResponse", key: str, call: Call, service: str) -> Iterable[bytes]:
    """Answer as AWS does, in the form that the service's clients read."""
    message = (
        f"{key.removeprefix(_KEY)} is not authorized to perform {call.action} on {call.resource};"
        " its role in template.yaml does not allow it"
    )
    if service in ("s3", "sns"):
        kind = "text/xml"
        error = f"<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>"
        body = error if service == "s3" else f"<ErrorResponse>{error}</ErrorResponse>"
    else:
        kind = "application/json"
        body = json.dumps({"__type": "AccessDeniedException", "message": message})
    content = body.encode()
    length = ("Content-Length", str(len(content)))
    start_response("403 Forbidden", [("Content-Type", kind), length])
    return [content]


def _list(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]
