"""What AWS or its SDK complains of, in a line that says what to do."""

import getpass
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError
from botocore.parsers import ResponseParserError

from infra.deploy.stack import DeployError

_SIGN_IN = "sign in again, as with `aws sso login`"
#: A region that is not on by default must be turned on for the account first.
#: https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
_OPT_IN = "turn the region on for this account: AWS's console, Account, AWS Regions"
_GOES_ON = "the same command goes on"
#: What the errors say, and what to do about it: the first that fits.
_HINTS: Mapping[str, str] = {
    "Signature expired|Signature not yet current|RequestTimeTooSkewed": "this machine's clock is"
    " off, set it",
    "Unable to locate credentials|Partial credentials": "sign in with `aws configure` or `aws sso"
    " login`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "OptInRequired|RegionDisabled": _OPT_IN,
    "InvalidClientTokenId|SignatureDoesNotMatch|UnrecognizedClient|AuthFailure": "these credentials"
    f" are wrong; look at them, and at --profile. If they are right, {_OPT_IN}",
    "ExpiredToken|RequestExpired|Token has expired|SSO|credentials are still expired": "these"
    f" credentials are over; {_SIGN_IN}",
    "AccessDenied|UnauthorizedOperation|not authorized": "whoever deploys needs that right",
    "config profile": "`aws configure list-profiles` lists yours",
    "source_profile|[Ii]nfinite loop|parse config file": "correct ~/.aws/config, or the file that"
    " AWS_CONFIG_FILE names",
    "Could not connect to the endpoint|Connect timeout|EndpointConnection|Name or service": "is"
    " this machine online, and the region one of AWS's? A proxy is set as HTTPS_PROXY",
    "Throttling|TooManyRequests|RequestLimitExceeded": f"AWS takes no more for now; {_GOES_ON}",
    "Internal(Failure|Error|Server)|Unavailable|Unable to parse response|Read timeout"
    "|Connection was closed": f"AWS does not answer as it should; {_GOES_ON} later",
    "Invalid endpoint|Invalid IPv6": "AWS_ENDPOINT_URL is no address; take it away",
    "Invalid header value": "a key or a token holds a line break; copy it again",
}
#: A helper of the person's own may print what it should keep.
_HELPER = "retrieving credentials from custom-process"
_HELPER_FAILS = (
    "the credential_process of your AWS profile fails; call what ~/.aws/config names there to see"
    f" why, then {_SIGN_IN}"
)
#: What the SDK raises where it reads somebody's configuration, or calls what that names.
_OF_CONFIGURATION = (OSError, RuntimeError, ValueError, LookupError)


def explained(err: Exception) -> str:
    """Return the line for an error of the SDK; '' for any other error."""
    if isinstance(err, ResponseParserError):
        said = "Unable to parse response"  # it quotes what came
    else:
        said = re.sub(r"b(['\"]).*\1", "…", " ".join(str(err).split()))  # a header may be a key
    advice = next((what for signs, what in _HINTS.items() if re.search(signs, said)), "")
    if _HELPER in said:
        return f"aws: {_HELPER_FAILS}"
    if isinstance(err, ClientError | BotoCoreError | ResponseParserError) or (
        advice and isinstance(err, RuntimeError | ValueError)
    ):
        return f"aws: {said}{f'; {advice}' if advice else ''}"
    return ""


@contextmanager
def signing_in(session: Any, region: str) -> Iterator[None]:
    """Read the credentials and use them first within this. Raises DeployError for a region that AWS
    does not have, and for what else a person's configuration may have; else the SDK's errors."""
    try:
        with warnings.catch_warnings():  # of a code that is asked for where no terminal is
            warnings.simplefilter("error", getpass.GetPassWarning)
            yield
    except EndpointConnectionError as err:
        if known := _instead_of(session, region):
            raise DeployError(f"AWS has no region {region} that answers; {known}") from err
        raise
    except (EOFError, getpass.GetPassWarning) as err:
        raise DeployError(
            "your AWS profile asks for a code, and nobody is there to type it; sign in first, or"
            " set AWS_SESSION_TOKEN with its keys"
        ) from err
    except _OF_CONFIGURATION as err:
        if said := explained(err):
            raise DeployError(said) from err
        why = f": {err.strerror}: {err.filename}" if isinstance(err, OSError) else ""
        raise DeployError(
            f"your AWS configuration cannot be used{why}; `aws sts get-caller-identity` must"
            " succeed first (~/.aws/config, and AWS_… in the environment)"
        ) from err


def _instead_of(session: Any, region: str) -> str:
    """Name the region that was meant; '' for one that the SDK knows."""
    known = {
        name
        for partition in session.get_available_partitions()
        for name in session.get_available_regions("sts", partition)
    }
    if region in known:
        return ""
    near = get_close_matches(region, sorted(known), 1)
    return f"did you mean {near[0]}?" if near else "expected such as eu-central-1"
