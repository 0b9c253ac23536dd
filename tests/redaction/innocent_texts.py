"""Texts that look like secrets and are none: hashes, ids, lock files, images, public keys."""

import base64
import random
import uuid
from collections.abc import Callable

_WORDS = (
    "the", "login", "fails", "when", "token", "expires", "password", "reset", "page", "shows",
    "secret", "santa", "key", "api", "build", "error", "release", "changelog", "user", "session",
    "cookie", "banner", "deploy", "basic", "bearer", "of", "news", "authorization", "module",
    "tokenizer", "keyboard", "passport", "author", "signature", "credentials", "helper", "monkey",
    "private", "public", "access",
)  # fmt: skip
_EMOJI = ("🎉", "👩‍💻", "🇩🇪", "❤️", "🧪", "✅")


def innocent(chance: random.Random) -> str:
    """Make one text of several such lines, with prose between them."""
    lines = [chance.choice(_LINES)(chance) for _ in range(chance.randint(3, 9))]
    return "\n".join(line for made in lines for line in (_prose(chance), made))


def _prose(chance: random.Random) -> str:
    words = chance.choices(_WORDS, k=chance.randint(4, 14))
    return " ".join([*words, chance.choice(_EMOJI)]).capitalize()


def _hex(chance: random.Random, length: int) -> str:
    return "".join(chance.choices("0123456789abcdef", k=length))


def _base64(chance: random.Random, size: int) -> str:
    return base64.b64encode(chance.randbytes(size)).decode()


def _uuid(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def _npm_lock(chance: random.Random) -> str:
    return (
        f'"node_modules/left-pad": {{"version": "1.{chance.randint(0, 30)}.0", "resolved":'
        ' "https://packages.example/left-pad/-/left-pad-1.3.0", "integrity":'
        f' "sha512-{_base64(chance, 64)}"}}'
    )


def _yarn_lock(chance: random.Random) -> str:
    return (
        f'  resolved "https://packages.example/ms/-/ms-4.0.0#{_hex(chance, 40)}"'
        f"\n  integrity sha512-{_base64(chance, 64)}"
    )


def _trace(chance: random.Random) -> str:
    line = chance.randint(10, 900)
    return (
        f'  File "/srv/app/token_store.py", line {line}, in get_password\n    token: str = key\n'
        f"TypeError: secret must be str, not bytes (0x7f{_hex(chance, 10)})"
    )


def _image(chance: random.Random) -> str:
    return f"![chart](data:image/png;base64,{_base64(chance, chance.randint(90, 900))})"


_LINES: tuple[Callable[[random.Random], str], ...] = (
    _npm_lock,
    _yarn_lock,
    _trace,
    _image,
    lambda chance: f"commit {_hex(chance, 40)}",
    lambda chance: f"Merge {_hex(chance, 7)}..{_hex(chance, 7)} into main",
    lambda chance: f"sha256:{_hex(chance, 64)}",
    lambda chance: f"docker pull ghcr.io/acme/api@sha256:{_hex(chance, 64)}",
    lambda chance: f"request id {_uuid(chance)} took {chance.randint(1, 999)} ms",
    lambda chance: f'{{"id": "{_uuid(chance)}", "etag": "W/\\"{_hex(chance, 32)}\\""}}',
    lambda chance: f"    --hash=sha256:{_hex(chance, 64)} \\\n    --hash=sha256:{_hex(chance, 64)}",
    lambda chance: f"github.com/acme/x v1.{chance.randint(0, 99)}.0 h1:{_base64(chance, 32)}",
    lambda chance: f'checksum = "{_hex(chance, 64)}"',
    lambda chance: f"ssh-ed25519 {'AAAAC3NzaC1lZDI1NTE5AAAAI' + _base64(chance, 32)} maria@laptop",
    lambda chance: f"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ{_base64(chance, 255)} ci@build",
    lambda chance: f"-----BEGIN CERTIFICATE-----\n{_base64(chance, 48)}\n-----END CERTIFICATE-----",
    lambda chance: f"SHA256:{_base64(chance, 32).rstrip('=')} maria@laptop (ED25519)",
    lambda chance: "fingerprint " + ":".join(_hex(chance, 2) for _ in range(16)),
    lambda chance: f"https://example.org/a/{_uuid(chance)}/file.png?v={_hex(chance, 8)}&w=1200",
    lambda chance: "password: string; token?: string | undefined; apiKey: process.env.API_KEY2",
    lambda chance: "export TOKEN=${GITHUB_TOKEN} PASSWORD=<your-password> SECRET=xxxxxxxxxxxx1",
    lambda chance: "postgres://user:${DB_PASSWORD}@db/shop or https://user:<token>@example.org",
    lambda chance: "| token | string | The token that `POST /oauth/access_token` returned |",
    lambda chance: "const token = await getToken(user.id1); if (!token) throw new Error('E1042');",
    lambda chance: f"secret_name: db-credentials-{chance.randint(1, 9)}, token_type: bearer",
    lambda chance: f"max_tokens: {chance.randint(1, 9) * 1024}, tokenizer: gpt2-bpe-50257",
    lambda chance: (
        f"key: value-{chance.randint(1, 99)}, primary key: user_id2, cache-key: v3-linux"
    ),
    lambda chance: f"[abc](https://example.org/{_base64(chance, 24).replace('/', '-')})",
    lambda chance: (
        f"at Object.<anonymous> (/app/node_modules/token/verify.js:{chance.randint(1, 99)}:12)"
    ),
    lambda chance: (
        "Authorization: Bearer <token> and `Authorization: Bearer $TOKEN`, see Basic usage"
    ),
    lambda chance: (
        f"Cookie consent, basic authentication, bearer of {chance.randint(1, 99)} tokens"
    ),
)
