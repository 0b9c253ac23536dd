"""Secrets made up from the formats of gitleaks' public rules, and texts that hold them."""

import base64
import json
import random
import re
import string
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple
from urllib.parse import quote

#: Prefix, alphabet in braces and length: `ghp_{w36}` is 36 letters and digits.
_ALPHABETS = {
    "w": string.ascii_letters + string.digits,
    "l": string.ascii_letters,
    "h": string.digits + "abcdef",
    "u": string.ascii_uppercase + string.digits,
    "2": string.ascii_uppercase + "234567",
    "d": string.digits,
    "s": string.ascii_letters + string.digits + "_-",
    "b": string.ascii_letters + string.digits + "+/",
    "a": string.ascii_lowercase + string.digits,
}
_PART = re.compile(r"\{(\w)(\d+)\}")

_OWN_FORMAT = (
    *("ghp_{w36}", "gho_{w36}", "ghu_{w36}", "ghs_{w36}", "ghr_{w36}", "github_pat_{w22}_{w59}"),
    *("glpat-{s20}", "gldt-{s20}", "glrt-{s20}", "glptt-{h40}", "glft-{s20}", "GR1348941{w20}"),
    *("glagent-{s50}", "gloas-{s64}", "glcbt-1a_{w20}", "glimt-{w25}", "glsoat-{w20}"),
    *("xoxb-{d12}-{d12}-{w24}", "xoxp-{d12}-{d12}-{d12}-{h32}", "xapp-1-A{u10}-{d13}-{h64}"),
    *("xoxe.xoxp-1-{u163}", "xoxe-1-{u146}", "xoxa-2-{w30}", "xoxs-{d10}-{d10}-{d10}-{h10}"),
    *("https://hooks.slack.com/services/T{u8}/B{u8}/{w24}", "AKIA{216}", "ASIA{216}", "ABIA{216}"),
    *("AIza{s35}", "ya29.{s60}", "GOCSPX-{w28}", "{w3}8Q~{w34}", "ABSK{b120}"),
    *("sk-{w20}T3BlbkFJ{w20}", "sk-proj-{w74}T3BlbkFJ{w74}", "sk-svcacct-{w58}T3BlbkFJ{w58}"),
    *("sk-ant-api03-{s93}AA", "sk-ant-admin01-{s93}AA", "sk-or-v1-{h64}"),
    *("sk_live_{w24}", "sk_test_{w24}", "rk_live_{w24}", "rk_prod_{w99}", "whsec_{w32}"),
    *("SK{h32}", "SG.{w22}.{w43}", "xkeysib-{h64}-{w16}", "npm_{w36}", "rubygems_{h48}"),
    *("pypi-AgEIcHlwaS5vcmc{w80}", "CLOJARS_{a60}", "dop_v1_{h64}", "doo_v1_{h64}", "dor_v1_{h64}"),
    *("HRKU-AA{w58}", "key-{h32}", "{h32}-us12", "sq0atp-{s22}", "EAAA{w60}", "EAAM{w100}"),
    *("shpat_{h32}", "shpca_{h32}", "shppa_{h32}", "shpss_{h32}", "{d9}:AA{w33}"),
    *("dapi{h32}", "hf_{l34}", "api_org_{l34}", "hvs.{w95}", "hvb.{w140}", "{w14}.atlasv1.{w64}"),
    *("dp.pt.{w43}", "dp.st.prd.{w43}", "AGE-SECRET-KEY-1{u58}", "ATATT3{w186}", "lin_api_{w40}"),
    *(
        "ntn_{d11}{w35}",
        "sntryu_{h64}",
        "sntrys_eyJpYXQiO{w60}_{w43}",
        "glsa_{w32}_{h8}",
        "glc_{w60}",
    ),
    *("eyJrIjoi{w80}", "A3-{u6}-{u11}-{u5}-{u5}-{u5}", "ops_eyJ{w260}", "p8e-{a32}"),
    *("pat{w14}.{h64}", "LTAI{a20}", "AKCp{w69}", "cmVmd{w59}", "v1.0-{h24}-{h146}"),
    *("duffel_live_{w43}", "dt0c01.{u24}.{u64}", "EZAK{w54}", "EZTK{w54}", "FLWSECK_TEST-{h32}-X"),
    *("fo1_{w43}", "fm2_{b120}", "fio-u-{w64}", "ico-{w32}", "s-s4t2ud-{h64}", "pk.{w60}.{w22}"),
    *("{w6}_{w29}_mmk", "NRAK-{u27}", "NRII-{w32}", "API-{u26}", "sha256~{w43}", "pplx-{w48}"),
    *("access-production-{h8}-{h4}-{h4}-{h4}-{h12}", "pscale_tkn_{w43}", "pscale_pw_{w43}"),
    *("PMAK-{h24}-{h34}", "pnu_{w36}", "pul-{h40}", "rdme_{a70}", "tk-us-{w48}", "sm_aat_{w16}"),
    *("shippo_live_{h40}", "squ_{h40}", "sgp_{h40}", "tfp_{w59}", "YCAJE{w35}", "sl.{w135}"),
    *(
        "live_{w40}",
        "test_{h35}",
        "gsk_{w52}",
        "r8_{w37}",
        "dckr_pat_{w27}",
        "pat.{w22}.{w24}.{w20}",
    ),
    "https://discord.com/api/webhooks/{d18}/{w68}",
    "https://door.example/link?ticket={w22}.{s43}",
)
#: A sentence around a secret that nothing else tells; {} is the secret.
_ANNOUNCED = (
    *("password = {}", "DB_PASSWORD={}", '"client_secret": "{}"', "api_key: {}", "apiKey = '{}'"),
    *("ACCESS_TOKEN={}", "secret: {}", "auth_token => '{}'", "private_key = {}", "passwd: {}"),
    *(
        "aws_secret_access_key = {}",
        "AZURE_CLIENT_SECRET={}",
        "AccountKey={}",
        "spring.password={}",
    ),
)
_VENDORS = (
    *("adafruit", "airtable", "algolia", "asana", "bitbucket", "cloudflare", "codecov", "cohere"),
    *("coinbase", "confluent", "contentful", "datadog", "discord", "dropbox", "etsy", "facebook"),
    *("fastly", "finnhub", "heroku", "intercom", "kraken", "launchdarkly", "linkedin", "mailgun"),
    *("mattermost", "netlify", "okta", "plaid", "sendbird", "sentry", "snyk", "squarespace"),
    *("telegram", "travisci", "twitch", "twitter", "yandex", "zendesk"),
)


#: How programs and settings assign a secret; {i} is the vendor, {s} the secret.
ASSIGNED = (
    *(
        'string {i}Token = "{s}";',
        'var {i}Token string = "{s}"',
        "{i}_TOKEN={s}",
        "{i}_TOKEN = '{s}'",
    ),
    *('{{"{i}_token": "{s}"}}', '"{i}_token" => "{s}"', '{i}_TOKEN := "{s}"', "{i}_TOKEN ?= {s}"),
    *("<{i}Token>{s}</{i}Token>", "<{i}Token>\n    {s}\n</{i}Token>", "{i}_token: {s}"),
    *("http://{i}:{s}@example.com/", "https://example.com?{i}_token={s}", '{i}_TOKEN :::= "{s}"'),
    *(
        'LOG.Debug("{i} token = {s}")',
        'helm install --set "{i}_token={s}"',
        "x --{i}-token {s} run",
    ),
    *('{i}_TOKEN ||: "{s}"', 'System.setProperty("{i}_TOKEN", "{s}")', '{i}ApiKey == "{s}"'),
    *("{i}_secret: >-\n  {s}", "the {i} key is {s}", '{i}_PAT="{s}"', "conf.{i}.auth = {s}"),
    *(
        '{i} = "{s}"',
        "|{i} token|{s}|",
        "{i} token\t{s}",
        '\\"{i}Token\\": \\"{s}\\"',
        "{i}Token: `{s}`",
    ),
    *('<add key="{i}Password" value="{s}" />', "{i} credentials ({s})", "**{i} token**: {s}"),
)


class MadeSecret(NamedTuple):
    """A text and the secret in it."""

    text: str
    secret: str


@cache
def made_secrets(seed: int, rounds: int = 2) -> tuple[MadeSecret, ...]:
    """Make secrets of each kind: more than 220 in two rounds."""
    return tuple(_made_secrets(seed, rounds))


def _made_secrets(seed: int, rounds: int) -> Iterator[MadeSecret]:
    chance = random.Random(seed)
    for _ in range(rounds):
        for form in _OWN_FORMAT:
            secret = _PART.sub(lambda part: _drawn(chance, part[1], int(part[2])), form)
            yield MadeSecret(secret, secret.removeprefix("https://"))
        for form in _ANNOUNCED:
            secret = _random(chance, chance.choice((20, 32, 40)))
            yield MadeSecret(form.format(secret), secret)
        for vendor in chance.sample(_VENDORS, 12):
            secret = _random(chance, 32)
            name = chance.choice(
                (f"{vendor}_api_token", f"{vendor}Key", f"{vendor.upper()}_SECRET")
            )
            yield MadeSecret(f'{name} = "{secret}"', secret)
        yield from _shaped(chance)


def assigned_secrets(seed: int, rounds: int) -> Iterator[MadeSecret]:
    """Make secrets of vendors without a format, in each way of assigning them."""
    chance = random.Random(seed)
    for _ in range(rounds):
        for form in ASSIGNED:
            alphabet, length = chance.choice("hawu"), chance.choice((20, 24, 32, 40, 64))
            secret = f"{_drawn(chance, alphabet, length)}"
            yield MadeSecret(form.format(i=chance.choice(_VENDORS), s=secret), secret)


def _shaped(chance: random.Random) -> Iterator[MadeSecret]:
    secret = _random(chance, 24)
    for scheme in ("postgres", "mysql", "mongodb+srv", "redis", "amqp", "https", "ftp"):
        password = _random(chance, 14)
        yield MadeSecret(f"{scheme}://admin:{password}@db.example.org:5432/shop", password)
    for kind in ("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "):
        key = "\n".join(_drawn(chance, "b", 64) for _ in range(6))
        pem = f"-----BEGIN {kind}PRIVATE KEY-----\n{key}\n-----END {kind}PRIVATE KEY-----"
        middle = key.split("\n")[3]
        yield MadeSecret(pem, middle)
        yield MadeSecret(pem.replace("\n", "\\n"), middle)
        yield MadeSecret(pem.rsplit("\n", 1)[0], middle)
    parts = ('{"alg":"HS256","typ":"JWT"}', '{"sub":"42","name":"maria"}', secret + secret)
    jwt = ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)
    basic = base64.b64encode(f"maria:{secret}".encode()).decode()
    yield MadeSecret(jwt, jwt.rpartition(".")[2])
    yield MadeSecret(f"Authorization: Bearer {secret}", secret)
    yield MadeSecret(f"Authorization: Basic {basic}", basic)
    yield MadeSecret(f"curl -H 'Authorization: token {secret}' https://example.org", secret)
    yield MadeSecret(f"X-Api-Key: {secret}", secret)
    yield MadeSecret(f"Cookie: session={secret}", secret)
    yield MadeSecret(f"curl -u maria:{secret} https://example.org", secret)


def _random(chance: random.Random, length: int) -> str:
    return "k7" + _drawn(chance, "w", length - 4) + "Q9"


def _drawn(chance: random.Random, alphabet: str, length: int) -> str:
    return "".join(chance.choices(_ALPHABETS[alphabet], k=length))


#: The ways in which people bring a secret along.
WAYS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "in a sentence": lambda text: f"Please have a look, it says:\n{text}\nand then it fails.",
    "in JSON": lambda text: json.dumps({"note": text, "more": [1, {"log": text}]}),
    "in code": lambda text: f"Config:\n\n```ini\n{text}\n```\n\nThanks!",
    "in a code span": lambda text: f"I used `{text}` there.",
    "in Chinese": lambda text: f"我的配置是这样的，请帮忙看看：{text} 谢谢大家",
    "at the end": lambda text: f"it is {text}",
    "in HTML": lambda text: f"<p>See <b>{text}</b></p>",
}


def in_url(made: MadeSecret) -> MadeSecret:
    """Put it into the query of a URL."""
    text = made.text if "://" in made.text else quote(made.text, safe="")
    return MadeSecret(f"https://example.org/callback?a=1&next={text}&b=2", made.secret)
