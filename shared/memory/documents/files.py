"""Chooses which files are documents, says why others are left out, and decodes their bytes."""

import codecs
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from shared.patterns import lazily

#: No person writes a larger document. In bytes.
MAX_BYTES = 1_500_000

_DOCUMENTS = frozenset({".md", ".markdown", ".mdx", ".rst", ".txt"})
_NO_DOCUMENTS = (
    "requirements*.txt",
    "constraints*.txt",
    "robots.txt",
    "cmakelists.txt",
    "license*",
)
_LOCKS = ("*.lock", "*.lockb", "*-lock.json", "*-lock.yaml", "npm-shrinkwrap.json", "go.sum")
#: Files that hold secrets by their purpose.
_SECRET = (
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*_rsa", "*_ed25519", "*_ecdsa", "*_dsa"),
    *("*.pem", "*.key", "*.ppk", "*.p8", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx"),
    *("*.gpg", "*.agekey", "*.ovpn", "*.tfstate", "*.tfstate.*", "*.tfvars", "*.tfvars.json"),
    *(".env*", "*.env", "*.env.*", "env.txt", "credentials*", ".credentials*", "*.credentials"),
    *("*credentials.json", "*credentials.csv", "*credentials.y*ml", "*credentials.txt"),
    *("secret.*ml", "secrets.*ml", "secret*.json", "secrets.txt", "secrets.env", "secrets.toml"),
    *(".netrc", "_netrc", ".npmrc", ".pypirc", ".git-credentials", ".gem-credentials", ".htpasswd"),
    *(".pgpass", "pgpass.conf", ".my.cnf", ".dockercfg", ".boto", ".s3cfg", "*kubeconfig*"),
    *("service-account*.json", "service_account*.json", "client_secret*.json", "master.key"),
    *("password.txt", "passwords.txt", "passwords.csv", "tokens.txt", "api_keys.txt"),
    *("apikeys.txt", ".vault-token"),
)
_SECRET_FOLDERS = lazily(r"(?:^|/)\.(?:ssh|aws|gnupg|kube|docker|azure|gcloud|password-store)/")
_MADE = (
    "*.min.js",
    "*.min.css",
    "*.map",
    "*.svg",
    "*_pb2.py",
    "*_pb2_grpc.py",
    "*.pb.go",
    "*.snap",
)
_FOREIGN = lazily(
    r"(?:^|/)(?:node_modules|vendor|third_party|site-packages|__pycache__|\.git|\.hg|\.svn|\.?venv"
    r"|\.tox)/"
)
#: Control characters, and bytes of a name that are invalid UTF-8.
_UNSPEAKABLE = lazily("[\x00-\x1f\x7f\ud800-\udfff]")
_BINARY = lazily(
    r"\.(?:png|jpe?g|gif|webp|ico|bmp|psd|pdf|docx|xlsx|pptx|zip|gz|xz|bz2|zst|7z|tar|jar|war|whl"
    r"|exe|dll|so|dylib|a|o|class|pyc|wasm|ttf|otf|woff2?|mp3|mp4|mov|avi|wav|ogg"
    r"|sqlite|db|bin|dat|parquet|onnx|safetensors|gguf)"
)
#: People's code has shorter lines, on average and at most.
_LINE, _LONG_LINE = 500, 20_000
_HEAD = 1_000


def is_wanted(path: str, includes: Sequence[str] = ()) -> bool:
    """Is `path` a document, or does it match one of `includes`, such as `src/**/*.py`?"""
    if any(_matches(path, pattern) for pattern in includes):
        return True
    name = PurePosixPath(path.lower())
    if any(fnmatchcase(name.name, pattern) for pattern in _NO_DOCUMENTS):
        return False
    return name.suffix in _DOCUMENTS or name.name == "readme"


def is_foreign(path: str) -> bool:
    """Does the file `path`, or the folder `path/`, belong to somebody else's code?"""
    return _FOREIGN.search(path) is not None


def refusal(path: str, size: int | None = None) -> str:
    """Return why a wanted file is left out, judging by its name and its size in bytes, or ''."""
    name = PurePosixPath(path.lower())
    if _UNSPEAKABLE.search(path):
        return "its name is no text"
    if is_foreign(path):
        return "it belongs to others"
    if _SECRET_FOLDERS.search(path.lower()) or any(
        fnmatchcase(name.name, pattern) for pattern in _SECRET
    ):
        return "a file for secrets"
    if any(fnmatchcase(name.name, pattern) for pattern in _LOCKS):
        return "a lock file"
    if any(fnmatchcase(name.name, pattern) for pattern in _MADE):
        return "generated"
    if _BINARY.fullmatch(name.suffix):
        return "binary"
    return f"too large: {size:,} bytes" if size is not None and size > MAX_BYTES else ""


def decode(content: bytes) -> tuple[str, str]:
    """Return the text of a file and '', or '' and the reason why it has none."""
    if len(content) > MAX_BYTES:
        return "", f"too large: {len(content):,} bytes"
    try:
        text = _decoded(content)
    except UnicodeDecodeError:
        return "", "neither UTF-8 nor UTF-16"
    if "\0" in text:
        return "", "binary"
    if text.startswith("version https://git-lfs.github.com/spec/"):
        return "", "a pointer of Git LFS"
    if "@generated" in text[:_HEAD] or "DO NOT EDIT" in text[:_HEAD]:
        return "", "generated"
    return text, ""


def is_minified(text: str) -> bool:
    """Are the lines of this code too long for people?"""
    longest = max(map(len, text.split("\n")))
    return longest > _LONG_LINE or len(text) > _LINE * (text.count("\n") + 1)


def _decoded(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "\0"  # only tests write UTF-32
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    return content.decode("utf-8-sig")


def _matches(path: str, pattern: str) -> bool:
    """Does a glob match `path`? `**/` also matches no folder at all."""
    return fnmatchcase(path, pattern) or fnmatchcase(path, pattern.replace("**/", ""))
