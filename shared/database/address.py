"""Where the database is, and whom to believe that it is there: what a connection is made with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import conninfo

from shared.errors import SettingsError
from shared.patterns import lazily

#: The certificate authorities that ship with the code: Amazon's for each region and for its
#: proxies. A bundle holds those of the deployment's DATABASE_CA as `own.pem`, which come first.
#: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
#: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy.howitworks.html
ROOTS = Path(__file__).with_name("roots")
OWN = "own.pem"

_AMAZON = lazily(
    r"(\.proxy-[a-z0-9]+)?\.(?:([a-z0-9-]+)\.rds\.amazonaws\.com"
    r"|rds\.([a-z0-9-]+)\.amazonaws\.com\.cn)$"
)
_LOCAL = ("", "localhost", "127.0.0.1", "::1")


def parsed(url: str) -> dict[str, Any]:
    """Parse `url`; raises SettingsError when it is no connection string."""
    try:
        return conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError as err:
        raise SettingsError(
            "DATABASE_URL is no connection string; expected postgresql://user:password@host/name"
        ) from err


def arguments_of(url: str, ca: str = "", *, seconds: int = 0) -> dict[str, Any]:
    """Return what psycopg connects to `url` with, in so many seconds unless it says. Where it
    verifies the server and names no authority, that is the file `ca`, else the deployment's own,
    else Amazon's for the host."""
    arguments = parsed(url)
    if seconds:
        arguments.setdefault("connect_timeout", seconds)
    if str(arguments.get("sslmode", "")).startswith("verify-"):
        file = ca or str(_shipped(str(arguments.get("host", ""))) or "")
        if file:
            arguments.setdefault("sslrootcert", file)
    return arguments


def distrust(url: str, *, has_ca: bool) -> str:
    """Say why a deployment must not sign in to `url`; '' when its certificate and its name are
    verified by an authority that travels with the functions."""
    arguments = parsed(url)
    host = str(arguments.get("host", "") or arguments.get("hostaddr", ""))
    mode = str(arguments.get("sslmode", "prefer"))
    if mode != "verify-full":
        return (
            f"has sslmode={mode}, which takes any server for the database; write"
            " sslmode=verify-full (docs/operations.md, Private database)"
        )
    if "sslrootcert" in arguments:
        return "names sslrootcert, a file that the functions do not have; name it in DATABASE_CA"
    if not has_ca and not _shipped(host):
        return _unknown_authority(host)
    return ""


def is_local(url: str) -> bool:
    """Tell if only this machine reaches the database."""
    host = str(parsed(url).get("host", ""))
    return host.startswith("/") or host in _LOCAL


def _shipped(host: str) -> Path | None:
    """Return the file of the authorities that sign for `host`, if this code has one."""
    if (own := ROOTS / OWN).exists():
        return own
    if not (found := _AMAZON.search(host.lower())):
        return None
    file = ROOTS / f"{'proxy' if found[1] else found[2] or found[3]}.pem"
    return file if file.exists() else None


def _unknown_authority(host: str) -> str:
    if found := _AMAZON.search(host.lower()):
        region = found[2] or found[3]
        source = f"https://truststore.pki.rds.amazonaws.com/{region}/{region}-bundle.pem"
        if region.startswith("us-gov-"):
            source = source.replace("pki.", f"pki.{region}.")
        if region.startswith("cn-"):
            source = f"https://rds-truststore.s3.{region}.amazonaws.com.cn/global/global-bundle.pem"
        return (
            f"is in {region}, whose authorities do not ship with this code; download"
            f" {source} and name the file in DATABASE_CA"
        )
    return (
        "is on a server whose authority nobody names; set DATABASE_CA to the file of its"
        " certificate authority, or to `public` when a public one signed for it"
    )


def trouble(err: psycopg.OperationalError, arguments: Mapping[str, Any]) -> str:
    """Say what is wrong with the server's certificate, or with the lack of one; else ''."""
    said = str(err).lower()
    if "does not match host name" in said or "verify failed: ip address mismatch" in said:
        return (
            f"the certificate of the database is not for {arguments.get('host', 'its address')};"
            " write the name in DATABASE_URL that the certificate has"
        )
    if "certificate verify failed" in said:
        return (
            "no known authority signed the certificate of the database: another server answers"
            " there, or DATABASE_CA must name the file of its authority"
        )
    if "root certificate file" in said:
        return "no authority is known that signs for the database; set DATABASE_CA to its file"
    if "does not support ssl" in said:
        return (
            "the database offers no TLS, which sslmode asks for: turn it on there, or a server"
            " in between takes it away"
        )
    if "no encryption" in said or "ssl connection is required" in said:
        return "the database takes TLS only; write sslmode=verify-full in DATABASE_URL"
    return ""
