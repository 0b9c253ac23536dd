"""The secrets of a function, read from Secrets Manager when it starts and while it lives.

They are read again after `MAX_AGE`, and when somebody refuses one: so a secret that is changed
needs no deployment. A stranger who sends bad signatures makes the function ask at most once in
`LONGEST` seconds.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from shared.aws.signed_http import TIMEOUT, AwsConnection, HttpResponse, host_of
from shared.errors import PublishError, SecretsUnavailable, SettingsError
from shared.log import log
from shared.settings import Credential, Settings, aws_region

#: Seconds. A call costs $0.000005, and an answer takes some ten milliseconds.
MAX_AGE = 600.0
#: Seconds between two questions after a refusal: doubled as long as nothing has changed.
SHORTEST, LONGEST = 1.0, 60.0
#: Seconds for which senders may go on signing with the value before the present one.
OVERLAP = 3600.0

#: The errors of Secrets Manager that pass, beside those with a status of 500.
#: https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html
_PASSING = frozenset(
    {"ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException", "InternalFailure"}
)
_MISSING = "ResourceNotFoundException"
_FAILURES = (SecretsUnavailable, SettingsError)

#: Asks for the secrets of these names with a staging label; raises PublishError without an answer.
Ask = Callable[[Sequence[str], str], list[HttpResponse]]


class _Version(NamedTuple):
    """A version of a secret: its values by the names of settings, in small letters, and when it was
    made, in seconds since the epoch."""

    values: Mapping[str, str] = {}
    made: float = 0.0


class Secrets:
    """The secrets `names`, as this process knows them. Threads may share it.

    Nothing is asked before the first use. `now` is in seconds since the epoch: another clock may
    stand still while Lambda freezes the process.
    """

    def __init__(
        self,
        names: Sequence[str],
        ask: Ask,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._names = names
        self._ask = ask
        self._now = now
        self._lock = threading.Lock()
        self._versions: Mapping[str, _Version] | None = None
        self._previous: dict[str, _Version] = {}
        self._failure: SecretsUnavailable | SettingsError | None = None
        self._read_at = self._ask_at = 0.0
        self._pause = SHORTEST

    @property
    def values(self) -> dict[str, str]:
        """Return all values; raises SecretsUnavailable or SettingsError while none were read."""
        if self._versions is None or abs(self._now() - self._read_at) > MAX_AGE:
            self._renew()
        return {
            key: value
            for version in (self._versions or {}).values()
            for key, value in version.values.items()
        }

    def renewed(self, key: str, refused: str) -> str:
        """Return another value than `refused` when there is one by now, else the empty string."""
        value = self.values.get(key, "")
        if value in {"", refused}:
            self._renew(is_refused=True)
            value = self.values.get(key, "")
        return value if value != refused else ""

    def previous(self, key: str) -> str:
        """Return the value before the present one while senders may still use it, else the empty
        string."""
        for name, version in (self._versions or {}).items():
            if key in version.values and self._now() - version.made < OVERLAP:
                return self._before(name).values.get(key, "")
        return ""

    def _before(self, name: str) -> _Version:
        with self._lock:
            if name not in self._previous:
                try:
                    (reply,) = self._ask([name], "AWSPREVIOUS")
                    self._previous[name] = _version(name, reply) or _Version()
                except (PublishError, *_FAILURES) as err:
                    log("previous secret not read", secret=name, reason=str(err))
                    self._previous[name] = _Version()
            return self._previous[name]

    def _renew(self, *, is_refused: bool = False) -> None:
        """Read all again, unless that was tried a moment ago."""
        with self._lock:
            if not 0 < self._ask_at - self._now() <= LONGEST:
                self._read_all(is_refused=is_refused)
            if self._versions is None and self._failure is not None:
                raise type(self._failure)(str(self._failure))

    def _read_all(self, *, is_refused: bool) -> None:
        try:
            found = self._read()
        except _FAILURES as err:
            self._failure = err
            log("secrets not read", reason=str(err))
            self._wait(longer=self._versions is not None)
            return
        is_news = found != self._versions
        self._versions, self._previous, self._read_at = found, {}, self._now()
        self._wait(longer=is_refused and not is_news)

    def _wait(self, *, longer: bool) -> None:
        """Set when to ask again after a refusal or a failure."""
        self._ask_at = self._now() + (self._pause if longer else SHORTEST)
        self._pause = min(self._pause * 2, LONGEST) if longer else SHORTEST

    def _read(self) -> dict[str, _Version]:
        """Read all; asked too often, Secrets Manager gets a moment and one more question.

        A secret that does not exist sets nothing: its platform is not used. One that is gone later
        may come back.
        """
        try:
            replies = self._ask(self._names, "AWSCURRENT")
            if any(reply.status == 400 and b"Throttling" in reply.body for reply in replies):
                time.sleep(0.1 + os.urandom(1)[0] / 1000)
                replies = self._ask(self._names, "AWSCURRENT")
        except PublishError as err:
            raise SecretsUnavailable(str(err)) from err
        before = self._versions or {}
        return {
            name: _version(name, reply) or before.get(name, _Version())
            for name, reply in zip(self._names, replies, strict=True)
        }


class _KeptCredential(Credential):
    """A credential that a secret holds under the name of its setting; `plain` is that of the
    environment, which counts where no secret has one."""

    def __init__(self, key: str, secrets: Secrets, plain: str) -> None:
        super().__init__(plain)
        self._key, self._secrets = key, secrets

    @property
    def value(self) -> str:
        return self._secrets.values.get(self._key) or super().value

    def renewed(self, refused: str) -> str:
        return self._secrets.renewed(self._key, refused)

    def accepted(self) -> Iterator[str]:
        seen = set()
        for value in self.present():
            seen.add(value)
            yield value
        previous = self._secrets.previous(self._key)
        if previous and previous not in seen:
            yield previous


class FunctionSettings(Settings):
    """The settings of a deployed function, whose credentials come from its secrets."""

    kept: Secrets
    plain: Settings

    @classmethod
    def over(cls, plain: Settings, secrets: Secrets, *, at_once: bool = True) -> Settings:
        """Return `plain` under what the secrets hold.

        Raises SecretsUnavailable or SettingsError when they cannot be read; if not `at_once`, the
        credentials raise it when they are used, until the secrets can be read.
        """
        values: Mapping[str, str] = {}
        try:
            values = secrets.values
        except _FAILURES:
            if at_once:
                raise
        known = {key: value for key, value in values.items() if key in Settings._fields and value}
        settings = cls(**{**plain._asdict(), **known})
        settings.kept, settings.plain = secrets, plain
        return settings

    def latest(self, name: str) -> str:
        try:
            return self.kept.values.get(name, "") or super().latest(name)
        except _FAILURES:
            return super().latest(name)

    def credential(self, name: str) -> Credential:
        return _KeptCredential(name, self.kept, getattr(self.plain, name))


def function_settings(*, at_once: bool = True) -> Settings:
    """Return the settings of this process: its bundle's, under its environment's, under its
    secrets'. Raises what FunctionSettings.over raises."""
    plain = Settings.from_environment()
    if not plain.secrets:
        return plain
    return FunctionSettings.over(plain, secrets_named(plain.secrets), at_once=at_once)


def secrets_named(names: str) -> Secrets:
    """Return the secrets of a list such as SECRETS."""
    return Secrets([name.strip() for name in names.split(",") if name.strip()], ask_aws)


def ask_aws(names: Sequence[str], stage: str) -> list[HttpResponse]:
    """Ask Secrets Manager over one connection, which is closed then: the next time is far off."""
    region = aws_region()
    host = host_of("secretsmanager", region)
    connection = AwsConnection(
        "secretsmanager", region, host, endpoint="secrets_manager", timeout=TIMEOUT
    )
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": "secretsmanager.GetSecretValue",
    }
    bodies = [json.dumps({"SecretId": name, "VersionStage": stage}).encode() for name in names]
    try:
        return [connection.request("POST", "/", headers, body) for body in bodies]
    finally:
        connection.close()


def _version(name: str, reply: HttpResponse) -> _Version | None:
    """Read an answer; None when there is no such secret."""
    if reply.status != 200:
        if (kind := _kind(reply)) == _MISSING:
            log("secret missing", secret=name)
            return None
        raise _refused(name, reply.status, kind)
    try:
        answer = json.loads(reply.body)
        values = json.loads(answer["SecretString"])
        if all(isinstance(value, str) for value in values.values()):
            return _Version(values, float(answer.get("CreatedDate", 0)))
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        pass  # what it holds is not quoted
    raise SettingsError(
        f"secretsmanager: {name} is not a JSON object of texts; correct it, or run ./scripts/deploy"
    )


def _kind(reply: HttpResponse) -> str:
    """Return what AWS calls the error."""
    try:
        return str(json.loads(reply.body).get("__type", "")).rpartition("#")[2][:60]
    except (ValueError, AttributeError, RecursionError):
        return ""


def _refused(name: str, status: int, kind: str) -> SecretsUnavailable | SettingsError:
    said = f"secretsmanager: {name} answered {status} {kind}".strip()
    if status >= 500 or status == 429 or kind in _PASSING:
        return SecretsUnavailable(said)
    return SettingsError(
        f"{said}; look at the function's policy (secretsmanager:GetSecretValue), and at the key"
        " that encrypts the secret"
    )
