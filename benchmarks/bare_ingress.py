"""The least that an ingress can do: check the signature and publish the body as it came.

The ingress benchmark builds the ingress with this in the place of shared/web/ingress.py.
"""

from shared.aws.cold_start import ready

# isort: split
import hmac

from chalice.app import Chalice, Response

from shared.aws.secrets import function_settings
from shared.aws.signed_http import AwsConnection, host_of
from shared.settings import Settings

ready()


def build(settings: Settings) -> Chalice:
    app = Chalice("ingress", configure_logs=False, env={})
    region = settings.topic_arn.split(":")[3]
    sns = AwsConnection("sns", region, host_of("sns", region))
    sns.open()

    def publish(secret: str, signed: bytes, given: str) -> Response:
        if not hmac.compare_digest(hmac.digest(secret.encode(), signed, "sha256").hex(), given):
            return Response("", status_code=401)
        sns.request("POST", "/", {"content-type": "text/plain"}, app.current_request.raw_body)
        return Response("")

    def github() -> Response:
        request = app.current_request
        given = request.headers["x-hub-signature-256"].removeprefix("sha256=")
        return publish(settings.github_webhook_secret, request.raw_body, given)

    def slack() -> Response:
        request = app.current_request
        stamp = request.headers["x-slack-request-timestamp"].encode()
        given = request.headers["x-slack-signature"].removeprefix("v0=")
        signed = b"v0:" + stamp + b":" + request.raw_body
        return publish(settings.slack_signing_secret, signed, given)

    app.route("/github/webhook", methods=["POST"], content_types=[])(github)
    app.route("/slack/events", methods=["POST"], content_types=[])(slack)
    return app


def __getattr__(name: str) -> object:
    if name != "app":
        raise AttributeError(name)
    return build(function_settings())
