"""The certificate authorities that a deployment's DATABASE_CA names, as they travel in bundles."""

import re
from importlib.util import find_spec
from pathlib import Path

from infra.project import ROOT
from shared.errors import SettingsError

#: The value of DATABASE_CA that means the public authorities, as boto3 ships them.
PUBLIC = "public"
_CERTIFICATE = re.compile(
    r"-----BEGIN CERTIFICATE-----\s.+?-----END CERTIFICATE-----\n?", re.DOTALL
)


def authorities(setting: str) -> str:
    """Return the certificates of DATABASE_CA as PEM; raises SettingsError when it names none."""
    file = Path(setting).expanduser()
    if setting == PUBLIC:
        spec = find_spec("botocore")
        assert spec and spec.origin
        file = Path(spec.origin).with_name("cacert.pem")
    expected = "expected `public`, or a file with certificates as PEM"
    try:
        text = (ROOT / file).read_text("utf-8")
    except (OSError, ValueError) as err:
        reason = err.strerror if isinstance(err, OSError) else "it is no text"
        raise SettingsError(f"DATABASE_CA cannot be read: {reason}; {expected}") from err
    if "PRIVATE KEY" in text:
        raise SettingsError(f"DATABASE_CA holds a private key, which nobody may ship; {expected}")
    found = _CERTIFICATE.findall(text)
    if not found:
        raise SettingsError(f"DATABASE_CA holds no certificate; {expected}")
    return "".join(one if one.endswith("\n") else f"{one}\n" for one in found)
