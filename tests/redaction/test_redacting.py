"""Secrets are masked in whatever they are wrapped, and what only looks like one stays."""

import json
import random
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.redaction.redacting import is_masked, kinds_of, redacted, without_secrets
from tests.campaigns import examples, size
from tests.redaction.generated_secrets import (
    WAYS,
    MadeSecret,
    assigned_secrets,
    in_url,
    made_secrets,
)
from tests.redaction.innocent_texts import innocent

GITHUB = "ghp_" + "aB3xY9kQ2w" * 3 + "Zt7RmP"
MASKED = "[secret removed: github token]"
PASSWORD = "[secret removed: password]"


@pytest.mark.parametrize("way", [*WAYS, "in a URL"])
def test_generated_secrets_are_masked_in_whatever_they_stand(way: str) -> None:
    made = made_secrets(seed=size(12, 11), rounds=size(20, 2))
    assert len(made) > 220
    shown = [one for one in made if _shows(way, one)]
    assert len(shown) <= 0.02 * len(made), [one.text[:60] for one in shown[:10]]


def _shows(way: str, made: MadeSecret) -> bool:
    text = in_url(made).text if way == "in a URL" else WAYS[way](made.text)
    masked = redacted(text)
    if way == "in JSON":
        assert json.loads(masked).keys() == {"note", "more"}
    return made.secret in masked or made.secret[4:-4] in masked


def test_what_is_assigned_to_the_name_of_a_vendor_or_a_secret_is_masked() -> None:
    made = list(assigned_secrets(seed=2, rounds=size(100, 10)))
    shown = [one.text for one in made if one.secret in redacted(one.text)]
    assert len(shown) <= 0.02 * len(made), shown[:10]


def test_texts_full_of_hashes_and_ids_stay_as_they_are() -> None:
    chance, count = random.Random(23), size(1_000, 150)
    wrong = [kinds for _ in range(count) if (kinds := kinds_of(innocent(chance)))]
    assert len(wrong) <= count // 1_000, wrong[:5]


@pytest.mark.parametrize(
    "broken",
    [
        GITHUB[:9] + "\u200b" + GITHUB[9:],
        GITHUB[:20] + "\u2060\ufeff" + GITHUB[20:],
        "".join(char + "\u200d" for char in GITHUB),
        GITHUB[:4] + "**" + GITHUB[4:] + "**",
        GITHUB[:12] + "``" + GITHUB[12:],
        GITHUB.replace("_", r"\_"),
        GITHUB.replace("_", "&#95;"),
        GITHUB.replace("g", "&#x67;", 1),
        GITHUB.replace("_", "%5F"),
        GITHUB.replace("g", r"\u0067", 1),
        GITHUB[:10] + "<wbr>" + GITHUB[10:],
        GITHUB[:10] + "<!-- -->" + GITHUB[10:],
        GITHUB[:10] + "\u00ad" + GITHUB[10:],
        f"https://x.example/?t%3D{GITHUB}%26a=1",
        GITHUB[:10] + "<b class=x>" + GITHUB[10:],
        GITHUB[:10] + "[](x)" + GITHUB[10:],
        GITHUB[:10] + "&ZeroWidthSpace;" + GITHUB[10:],
        GITHUB[:10] + "\x1b[31m" + GITHUB[10:],
        GITHUB[:10] + f"<!-- {'x' * 90} -->" + GITHUB[10:],
        f"**{GITHUB}**",
        f"`{GITHUB}`",
        f"<https://x.example|{GITHUB}>",
        f"令牌{GITHUB}。",
        f"key={GITHUB};",
        f"{GITHUB}{GITHUB}",
        f"{GITHUB}x{GITHUB}",
    ],
)
def test_a_secret_that_is_broken_up_is_masked_whole(broken: str) -> None:
    masked = redacted(f"see {broken} there")
    assert MASKED in masked
    assert GITHUB[6:9] not in masked and GITHUB[-8:] not in masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (
            "postgres://shop:s3cr3t!@db:5432/x?sslmode=on",
            "postgres://shop:[secret removed: password]@db:5432/x?sslmode=on",
        ),
        ("amqp://a:p%40ss1@host/v", "amqp://a:[secret removed: password]@host/v"),
        ("https://x-token:a1b2c3d4e5@host/v", "https://x-token:[secret removed: password]@host/v"),
        ("https://u:a1/b2@host/v", "https://u:[secret removed: password]@host/v"),
        ("X-Api-Key: abc123def4", "X-Api-Key: [secret removed: authorization header]"),
        ("Set-Cookie: sid=abcdef123; Path=/", "Set-Cookie: [secret removed: cookie]"),
        ("password: hunter22, please", "password: [secret removed: password], please"),
        ("密码：hunter22。", "密码：[secret removed: password]。"),
        ('{"password": "hunter22"}', '{"password": "[secret removed: password]"}'),
        ("mysql --password hunter22 shop", "mysql --password [secret removed: password] shop"),
        ("machine x login a password a1b2", f"machine x login a password {PASSWORD}"),
    ],
)  # fmt: skip
def test_only_the_secret_is_masked_and_the_mask_names_its_kind(text: str, masked: str) -> None:
    assert redacted(text) == masked
    assert is_masked(masked) and not is_masked(text)


RANDOM = "uMFd9W8gqcWqiA4Yqj4JRfdQ"


@pytest.mark.parametrize(
    "form",
    [
        "Kennwort={}",
        "Mot de passe : {}",
        "clé API : {}",
        "Schlüssel: {}",
        "contrasena={}",
        "senha: {}",
        "wachtwoord: {}",
        "hasło: {}",
        "密碼：{}",
        "暗証番号: {}",
        "Пароль — {}",
        "mật khẩu: {}",
        "a senha é {}",
        "**Password:** {}",
        "Pass\u200bword: {}",
        "pw: {}",
        "pass: {}",
        "dbpass={}",
        "requirepass {}",
        "openssl -passin pass:{}",
        "password: !!str {}",
        "<Password><![CDATA[{}]]></Password>",
        'let password: String = "{}"',
        "const token: string = '{}'",
        "identified by '{}'",
        "token → {}",
        "token “{}”",
        "token [{}]",
        "AES_KEY={}",
        "https://example.org/?key={}",
        "jdbc:sqlserver://h:1433;user=sa;password={};",
        "jdbc:oracle:thin:u/{}@h:1521:x",
        "https://{}@github.com/a/b.git",
        "imaps://u%40x.y:{}@h",
        "sshpass -p {} ssh u@h",
        "docker login -u u -p {} ghcr.io",
        "mysql -uroot -p{} shop",
        "connect.sid={}",
        "The secret for the staging server is {}.",
        "here is the token you asked for: {}",
    ],
)
def test_a_value_beside_the_name_of_a_secret_is_masked(form: str) -> None:
    for text in (form.format(RANDOM), f"See:\n{form.format(RANDOM)}\nthanks"):
        assert RANDOM not in redacted(text)


@pytest.mark.parametrize("secret", [GITHUB, json.dumps([GITHUB]), "AKIAIOSFODNN7EXAMPLX"])
def test_a_token_in_base64_is_masked(secret: str) -> None:
    encoded = b64encode(secret.encode()).decode()
    assert encoded[8:] not in redacted(f"echo '{encoded}' | base64 -d")


@pytest.mark.parametrize(
    "form",
    [
        "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n{}\n---- END SSH2 ENCRYPTED PRIVATE KEY ----",
        "PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\n{}\nPrivate-MAC: 00",
        "v4.local.{}",
        "glwt-{}",
        "ewoiYWxnIjoiSFMyNTYifQ.eyJzdWIiOiIxIiwiaWF0IjoxfQ.{}",
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..{}.x.y",
    ],
)
def test_rare_formats_are_masked(form: str) -> None:
    assert RANDOM not in redacted(form.format(RANDOM * 2))


def test_a_private_key_in_base64_is_masked_and_a_certificate_is_not() -> None:
    for kind, known in (("RSA PRIVATE KEY", True), ("CERTIFICATE", False)):
        pem = f"-----BEGIN {kind}-----\n{RANDOM * 9}\n-----END {kind}-----"
        assert (
            redacted(b64encode(pem.encode()).decode()) == "[secret removed: private key]"
        ) is known


@pytest.mark.parametrize(
    "text",
    [
        "password: changeme",
        "Tests pass: 10of12 in 3m20s",
        "compass: north2north, bypass=v2",
        "const key: string = getKey2(user)",
        "the token of the third step is 5f2a9c81d0e34b7fa6c8d2e15f2a9c81",
        "the key of the step is its hash: sha256-oRdCAOIkCe3HfMBdrPZTUYHVHZ",
        "token: 123e4567-e89b-42d3-a456-426614174000",
        "https://github.com/@acme and https://user.name@example.org/",
        "git clone ssh://deploy-user-number-one@example.org/x",
        "mysql -port 3306 and sshpass -p $PASSWORD and docker login -u maria",
        "password=${DB_PASSWORD}",
        "token: <your-token-here>",
        "api_key = os.environ['API_KEY2']",
        "secret: xxxxxxxxxxxxxxxx",
        "password: must have at least 8 characters",
        "The password is required1",
        "token = getToken2(user)",
        "https://user:password@example.org/",
        "https://example.org:8080/a@b",
        "Basic authentication and bearer tokens",
        "sk-learn and task-4213 and risk-aversion-index",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----",
        "integrity sha512-oRdCAOIkCe3HfMBdrPZTUYHVHZ/U2ZAMSI0jHyzs8Jc7wJCqAPWQeIqH8pSEl9G8jz==",
        "tokenizer: gpt2-bpe-50257, max_tokens=4096",
        "k8s secret_name: db-credentials-2",
        "[secret removed: github token]",
    ],
)
def test_placeholders_and_words_are_no_secrets(text: str) -> None:
    assert redacted(text) == text


def test_a_key_whose_end_is_cut_off_is_masked() -> None:
    lines = ["-----BEGIN OPENSSH PRIVATE KEY-----", *["b3BlbnNzaC1rZXktdjEAAAAABG5vbmU" * 2] * 3]
    for joint in ("\n", "\\n", "\r\n", "\n> "):
        masked = redacted(f"My key: {joint.join(lines)}")
        assert masked == "My key: [secret removed: private key]"


@given(st.text(max_size=200), st.integers(0, 400))
@examples(500)
def test_masking_twice_masks_once_and_never_fails(text: str, number: int) -> None:
    secret = made_secrets(1, 1)[number % 180].text
    for one in (text, f"{text}{secret}{text}", json.dumps({"a": f"{text} {secret}"})):
        masked = redacted(one)
        assert redacted(masked) == masked
    json.loads(redacted(json.dumps({"a": f"{text} {secret}", "b": text})))


#: What each rule begins with, so that it starts again and again.
PIECES = (
    *("password", "password=", "ghp_", "-----BEGIN PRIVATE KEY-----", "eyJ", "eyJa.eyJa.", "://a:"),
    *(
        "://a:b@",
        "kind: secret\n",
        "curl ",
        "authorization: ",
        "cookie: a=",
        "a",
        "sk-",
        "&#",
        "%2",
    ),
    *("\\u00", "<!--", "token token token ", "key: key: ", "AKIA", "sess_id=", "0" * 31 + "-us"),
    *("machine a login ", "heroku" + "1a" * 8 + " ", "\u200b", "xox", "discord.com/api/webhooks/"),
    *(
        "bearer a",
        "sig=",
        "x-token: ",
        "```suggestion\n",
        "password: '",
        "token",
        "_auth",
        "  data: a",
        "token a b is ",
    ),
    *("key: string", "docker login ", "</b a>a", "[](", "\x1b[", "eyJh..", "QUJD", "pass:"),
)


@pytest.mark.parametrize("piece", PIECES)
def test_the_time_grows_with_the_length_whatever_it_reads(piece: str) -> None:
    text = piece * (size(400_000, 60_000) // len(piece))
    started = time.process_time()
    redacted(text)
    # Some 0.1 microseconds are usual. What grows with the square of the length takes far more.
    assert time.process_time() - started < len(text) * 20e-6


class Pair(NamedTuple):
    name: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Box:
    text: str
    number: int
    inner: Any = None


def test_values_keep_their_form_and_their_keys() -> None:
    value = {
        "text": f"a {GITHUB}",
        "password": "hunter22",
        "headers": {"Authorization": "Basic bWFyaWE6aHVudGVyMjI="},
        "list": [1, None, True, GITHUB, ("x", GITHUB)],
        "box": Box(GITHUB, 3, Pair("n", (GITHUB, "b"))),
    }
    clean = without_secrets(value)
    assert clean == {
        "text": f"a {MASKED}",
        "password": "[secret removed: password]",
        "headers": {"Authorization": "Basic [secret removed: authorization header]"},
        "list": [1, None, True, MASKED, ("x", MASKED)],
        "box": Box(MASKED, 3, Pair("n", (MASKED, "b"))),
    }
    assert without_secrets(clean) is clean


def test_a_key_that_is_a_secret_is_masked() -> None:
    assert without_secrets({GITHUB: [1], "token": {"a": 1}}) == {MASKED: [1], "token": {"a": 1}}


def test_what_nests_deep_is_masked_too() -> None:
    value: Any = GITHUB
    for _ in range(450):
        value = {"a": [value]}
    clean = without_secrets(value)
    assert GITHUB not in json.dumps(clean)
    assert MASKED in json.dumps(clean)


def test_a_value_without_secrets_is_the_same_object() -> None:
    value = {"a": ["b", {"c": "d"}], "e": Box("f", 1)}
    assert without_secrets(value) is value
