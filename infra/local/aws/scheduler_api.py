"""The API of EventBridge Scheduler, as far as functions use it: moto's schedules never fire.

https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Operations.html
"""

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from infra.local.aws.one_time import OneTimeSchedules, SchedulerError
from shared.events import Json

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: The service that a request is signed for: a bucket may be called `schedules`.
_SIGNED = re.compile(r"Credential=[^,]*/scheduler/aws4_request")
_PATH = re.compile(r"/schedules(?:/([^/]+))?")


class SchedulerApi:
    """A WSGI application that answers for the scheduler and hands everything else on."""

    def __init__(self, schedules: OneTimeSchedules, others: "WSGIApplication") -> None:
        self._schedules = schedules
        self._others = others

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        path = _PATH.fullmatch(environ["PATH_INFO"])
        if path is None or not _SIGNED.search(environ.get("HTTP_AUTHORIZATION", "")):
            return self._others(environ, start_response)
        return self._answer(Request(environ), path[1] or "")(environ, start_response)

    def _answer(self, request: Request, name: str) -> Response:
        try:
            body = self._done(request, name)
        except SchedulerError as err:
            headers = {"x-amzn-ErrorType": err.kind}
            text = json.dumps({"Message": str(err)})
            return Response(text, err.status, headers, content_type="application/json")
        return Response(json.dumps(body), content_type="application/json")

    def _done(self, request: Request, name: str) -> Json:
        schedules, group = self._schedules, request.args.get("groupName", "default")
        match request.method, bool(name):
            case "POST", True:
                arn = schedules.create(name, json.loads(request.get_data() or b"{}"))
                return {"ScheduleArn": arn}
            case "GET", True:
                return schedules.get(group, name)
            case "DELETE", True:
                schedules.delete(group, name)
                return {}
            case "GET", False:
                return self._listed(request)
        raise SchedulerError(400, "ValidationException", f"{request.method} is not known here")

    def _listed(self, request: Request) -> Json:
        most = int(request.args.get("MaxResults", "100"))
        after = int(request.args.get("NextToken", "0"))
        found = self._schedules.names(request.args.get("ScheduleGroup", ""))
        prefix = request.args.get("NamePrefix", "")
        kept = [(group, name) for group, name in found if name.startswith(prefix)]
        page = [{"GroupName": group, "Name": name} for group, name in kept[after : after + most]]
        more = {"NextToken": str(after + most)} if after + most < len(kept) else {}
        return {"Schedules": page} | more
