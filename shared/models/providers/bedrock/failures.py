"""Translates failures of Bedrock and botocore into our errors."""

import re
import time

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigParseError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from shared.errors import ModelRejected, ModelUnavailable
from shared.models.deadline import Deadline
from shared.models.providers.failures import BodyRefused, retry_after, unavailable

#: https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html, in the
#: spelling of event streams without capitals.
_PASSING = {
    "throttlingexception": 429,
    "toomanyrequestsexception": 429,
    "servicequotaexceededexception": 429,
    "modelnotreadyexception": 429,
    "modeltimeoutexception": 408,
    "modelerrorexception": 424,
    "modelstreamerrorexception": 424,
    "internalserverexception": 500,
    "serviceunavailableexception": 503,
}
_DENIED = frozenset(
    {
        "accessdeniedexception",
        "unrecognizedclientexception",
        "invalidsignatureexception",
        "expiredtokenexception",
        "missingauthenticationtokenexception",
        "incompletesignatureexception",
    }
)
_CREDENTIALS = (
    ConfigParseError,
    CredentialRetrievalError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)


def answered_error(name: str, setting: str, err: ClientError) -> ModelUnavailable | ModelRejected:
    """Translate an error that Bedrock answered. `setting` holds `name`."""
    metadata = err.response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 0)
    said = err.response.get("Error", {})
    code = str(said.get("Code", "")).lower()
    message = str(said.get("Message", ""))
    if code in _PASSING or status == 429 or status >= 500:
        wait = retry_after(metadata.get("HTTPHeaders", {}), time.time())
        return unavailable(name, _PASSING.get(code, status), wait)
    if "prompt caching" in message:
        return BodyRefused(f"{name}: keeps no prompts; look at {setting} ({status})", message)
    if code in _DENIED or status in {401, 403}:
        advice = (
            "access was denied; look at the AWS credentials, at their permission "
            "bedrock:InvokeModel, and at AWS_REGION"
        )
        return ModelRejected(f"{name}: {advice} ({status or 403})")
    if re.search(r"\blegacy\b|end of its life", message, re.IGNORECASE):
        advice = "AWS retires this model; name a newer one, ./scripts/deploy --check proposes one"
        return ModelRejected(f"{name}: {advice} ({status})")
    if code == "resourcenotfoundexception" or "model identifier is invalid" in message:
        return ModelRejected(f"{name}: no such model; look at {setting} and AWS_REGION ({status})")
    if "on-demand throughput" in message:
        advice = f"the model wants an inference profile in {setting}"
        return ModelRejected(
            f"{name}: {advice}, such as bedrock:us.{name.partition(':')[2]};"
            " ./scripts/deploy --check names the one of your region"
        )
    return BodyRefused(f"{name}: refused the request; look at {setting} ({status or 400})", message)


def no_answer(name: str, deadline: Deadline, err: Exception) -> ModelUnavailable | ModelRejected:
    """Translate an error that left no answer."""
    kind = type(err).__name__
    if isinstance(err, _CREDENTIALS):
        advice = "look at AWS_PROFILE, AWS_ACCESS_KEY_ID or the function's role"
        return ModelRejected(f"{name}: no usable AWS credentials ({kind}); {advice}")
    if ("Timeout" in kind and "Connect" not in kind) or deadline.left <= 0:
        return ModelUnavailable(f"{name}: no whole answer within {deadline.seconds:.1f} s")
    if isinstance(err, ConnectionError):
        return ModelUnavailable(f"{name}: no connection ({kind}); look at AWS_REGION")
    if isinstance(err, BotoCoreError) and not isinstance(err, HTTPClientError):
        return ModelRejected(f"{name}: could not be called ({kind}); look at AWS_REGION")
    return ModelUnavailable(f"{name}: the connection broke ({kind})")
