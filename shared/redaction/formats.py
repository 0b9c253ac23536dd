r"""The formats of secrets that say by themselves what they are: a prefix, an alphabet, a length.

The facts are those of gitleaks' public rules (https://github.com/gitleaks/gitleaks, the file
config/gitleaks.toml) and of the vendors' documentation. A format is looked for only where one of
its `starts` stands in the text, in any case. So a start is a literal that each such secret holds.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from shared.patterns import lazily


class Found(NamedTuple):
    """A secret from `start` to `end` of a text."""

    start: int
    end: int
    kind: str


class SecretFormat:
    """A kind of secret. Group 1 of the pattern, if it has one, is what is secret of the match.

    One of its `starts` stands `before` characters after the beginning of the match.
    """

    def __init__(self, kind: str, starts: str, pattern: str, before: int = 0) -> None:
        self.starts = tuple(starts.split())
        self._kind = kind
        self._pattern = lazily(pattern)
        self._before = before

    def find(self, text: str, low: str) -> Iterator[Found]:
        """Find all such secrets of `text`; `low` is the text in lower case."""
        for start in self.starts:
            place = low.find(start)
            while place >= 0:
                at = place - self._before
                match = self._pattern.match(text, at) if at >= 0 else None
                if match:
                    yield self._found(match)
                place = low.find(start, place + len(start))

    def _found(self, match: re.Match[str]) -> Found:
        start, end = match.span(match.lastindex or 0)
        return Found(start, end, self._kind)


#: No letter or digit before it: for starts that stand inside of ordinary words or of base64.
_L = r"(?<![A-Za-z0-9])"
#: Nothing after it that would make it longer.
_R = r"(?![A-Za-z0-9])"

FORMATS: tuple[SecretFormat, ...] = (
    SecretFormat("github token", "ghp_ gho_ ghu_ ghs_ ghr_", r"(?i:gh[pousr]_)[A-Za-z0-9]{36,255}"),
    SecretFormat("github token", "github_pat_", r"(?i:github_pat_)[A-Za-z0-9_]{22,255}"),
    SecretFormat(
        "gitlab token",
        "glpat- gldt- glft- glffct- glimt- glptt- glrt- glrtr- glwt- glsoat- gloas- glagent-"
        " glcbt-",
        r"gl(?:pat|dt|ft|ffct|imt|ptt|rtr?|wt|soat|oas|agent|cbt)-[A-Za-z0-9_.-]{20,320}",
    ),
    SecretFormat("gitlab token", "gr1348941", r"GR1348941[\w-]{20,60}"),
    SecretFormat(
        "slack token", "xox xapp-", r"(?i:xapp-\d-|xox[a-z](?:\.xox[a-z])?-)[A-Za-z0-9-]{8,400}"
    ),
    SecretFormat(
        "slack webhook",
        "hooks.slack.com/",
        r"(?i:hooks\.slack\.com/(?:services|workflows|triggers)/)[A-Za-z0-9+/_-]{20,120}",
    ),
    SecretFormat(
        "teams webhook",
        ".webhook.office.com/",
        r"(?i:\.webhook\.office\.com/webhookb2/)[A-Za-z0-9@/-]{60,300}",
    ),
    SecretFormat(
        "discord webhook",
        "discord.com/api/ discordapp.com/api/",
        r"(?i:discord(?:app)?\.com/api/)(?:v\d+/)?(?i:webhooks/)\d{15,22}/[\w-]{40,100}",
    ),
    SecretFormat(
        "aws access key", "akia asia abia acca", rf"{_L}(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{{16}}{_R}"
    ),
    SecretFormat("aws access key", "akia asia", rf"{_L}(?:AKIA|ASIA)[A-Z0-9]{{16}}{_R}"),
    SecretFormat("aws access key", "a3t", rf"{_L}A3T[A-Z0-9][A-Z2-7]{{16}}{_R}"),
    SecretFormat("aws bedrock key", "absk", rf"{_L}ABSK[A-Za-z0-9+/]{{109,269}}={{0,2}}"),
    SecretFormat(
        "aws bedrock key",
        "bedrock-api-key-",
        r"bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t[A-Za-z0-9+/=_-]{0,4000}",
    ),
    SecretFormat("google api key", "aiza", rf"{_L}AIza[\w-]{{35}}(?![\w+/-])"),
    SecretFormat("google oauth token", "ya29.", rf"{_L}ya29\.[\w-]{{20,1000}}"),
    SecretFormat("google client secret", "gocspx-", r"GOCSPX-[\w-]{20,60}"),
    SecretFormat("azure client secret", "q~", r"[\w~.]{3}\dQ~[\w~.-]{31,34}", before=4),
    SecretFormat("azure signature", "sig=", rf"{_L}sig=([A-Za-z0-9+/%_-]{{40,120}}={{0,2}})"),
    SecretFormat("anthropic key", "sk-ant-", rf"{_L}sk-ant-[A-Za-z0-9_-]{{20,200}}"),
    SecretFormat(
        "openai key",
        "sk-proj- sk-svcacct- sk-admin- sk-none-",
        rf"{_L}sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{{20,300}}",
    ),
    SecretFormat("openrouter key", "sk-or-", rf"{_L}sk-or-v\d-[a-f0-9]{{40,80}}"),
    SecretFormat("openai key", "sk-", rf"{_L}sk-(?=[A-Za-z]*\d)[A-Za-z0-9]{{32,64}}{_R}"),
    SecretFormat("openai key", "sk-", rf"{_L}sk-[A-Za-z0-9]{{20}}T3BlbkFJ[A-Za-z0-9]{{20}}"),
    SecretFormat(
        "stripe key",
        "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_",
        rf"{_L}[sr]k_(?:live|test|prod)_[A-Za-z0-9]{{10,247}}",
    ),
    SecretFormat(
        "sign-in ticket", "ticket=", r"ticket=([\w-]{2,250}\.[\w-]{43})(?![\w-])"
    ),  # shared/installations/tickets.py
    SecretFormat("webhook secret", "whsec_", r"whsec_[A-Za-z0-9+/]{24,100}={0,2}"),
    SecretFormat("twilio key", "sk", rf"{_L}SK[0-9a-fA-F]{{32}}{_R}"),
    SecretFormat("sendgrid key", "sg.", rf"{_L}SG\.[A-Za-z0-9=_.-]{{66}}"),
    SecretFormat("sendinblue key", "xkeysib-", r"xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}"),
    SecretFormat("npm token", "npm_", rf"{_L}(?i:npm_)[A-Za-z0-9]{{36}}{_R}"),
    SecretFormat("pypi token", "pypi-age", r"pypi-AgE[\w-]{50,1000}"),
    SecretFormat("rubygems key", "rubygems_", r"rubygems_[a-f0-9]{48}"),
    SecretFormat("clojars token", "clojars_", r"(?i:clojars_)[A-Za-z0-9]{60}"),
    SecretFormat("nuget key", "oy2", rf"{_L}oy2[a-z0-9]{{43}}{_R}"),
    SecretFormat(
        "digitalocean token", "doo_v1_ dop_v1_ dor_v1_", r"(?i:do[opr]_v1_)[A-Fa-f0-9]{64}"
    ),
    SecretFormat("heroku key", "hrku-", r"HRKU-[A-Za-z0-9_-]{36,64}"),
    SecretFormat("mailgun key", "key-", rf"{_L}(?:pub)?key-[a-f0-9]{{32}}{_R}"),
    SecretFormat("mailgun key", "pubkey-", rf"{_L}pubkey-[a-f0-9]{{32}}{_R}"),
    SecretFormat("mailchimp key", "-us", rf"{_L}[a-f0-9]{{32}}-us\d{{1,2}}{_R}", before=32),
    SecretFormat(
        "square token", "eaaa sq0", rf"{_L}(?:EAAA|sq0[a-z]{{3}}-)[\w-]{{22,60}}(?![\w+/-])"
    ),
    SecretFormat(
        "facebook token", "eaam eaac", rf"{_L}EAA[MC][A-Za-z0-9]{{100,400}}(?![A-Za-z0-9+/])"
    ),
    SecretFormat(
        "shopify token", "shpat_ shpca_ shppa_ shpss_", r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}"
    ),
    SecretFormat("telegram token", ":a", r"(?<=\d{5}):(A[A-Za-z0-9_-]{34})(?![\w-])"),
    SecretFormat("databricks token", "dapi", rf"{_L}dapi[a-f0-9]{{32}}(?:-\d)?"),
    SecretFormat(
        "hugging face token", "hf_ api_org_", rf"{_L}(?:hf|api_org)_[A-Za-z0-9]{{34}}{_R}"
    ),
    SecretFormat("vault token", "hvs. hvb. hvr.", rf"{_L}hv[sbr]\.[\w-]{{24,400}}"),
    SecretFormat(
        "terraform token",
        ".atlasv1.",
        rf"{_L}[A-Za-z0-9]{{14}}\.atlasv1\.[A-Za-z0-9_=-]{{40,80}}",
        before=14,
    ),
    SecretFormat(
        "doppler token",
        "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.",
        rf"{_L}dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{{2,35}}\.)?[A-Za-z0-9]{{40,44}}",
    ),
    SecretFormat("age key", "age-secret-key-1", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    SecretFormat(
        "atlassian token", "atatt3 atctt3 atbb", rf"{_L}AT(?:ATT3|CTT3|BB)[A-Za-z0-9_=-]{{24,250}}"
    ),
    SecretFormat("linear key", "lin_api_ lin_oauth_", r"lin_(?:api|oauth)_[A-Za-z0-9]{32,64}"),
    SecretFormat("notion token", "ntn_ secret_", rf"{_L}(?:ntn|secret)_[A-Za-z0-9]{{43,50}}{_R}"),
    SecretFormat("sentry token", "sntrys_ sntryu_", r"sntry[su]_[A-Za-z0-9+/=_]{40,500}"),
    SecretFormat(
        "grafana token", "glsa_ glc_", rf"{_L}(?i:glsa_|glc_)[A-Za-z0-9+/_]{{32,400}}={{0,3}}"
    ),
    SecretFormat("grafana key", "eyjrijoi", rf"{_L}eyJrIjoi[A-Za-z0-9]{{60,400}}={{0,3}}"),
    SecretFormat("1password key", "a3-", rf"{_L}A3-[A-Z0-9]{{6}}-(?:[A-Z0-9]{{5,11}}-?){{4,6}}"),
    SecretFormat("1password token", "ops_eyj", r"ops_eyJ[A-Za-z0-9+/]{200,2000}={0,3}"),
    SecretFormat("adobe secret", "p8e-", rf"{_L}p8e-[A-Za-z0-9]{{32}}"),
    SecretFormat("airtable token", "pat", rf"{_L}pat[A-Za-z0-9]{{14}}\.[a-f0-9]{{64}}"),
    SecretFormat("alibaba key", "ltai", rf"{_L}LTAI[A-Za-z0-9]{{17,24}}{_R}"),
    SecretFormat(
        "artifactory key",
        "akcp cmvmd",
        rf"{_L}(?:AKCp[A-Za-z0-9]{{69}}|cmVmd[A-Za-z0-9]{{59}}){_R}",
    ),
    SecretFormat(
        "authress key",
        "sc_ ext_ scauth_ authress_",
        r"(?<![A-Za-z0-9_])(?:sc|ext|scauth|authress)_[A-Za-z0-9]{5,30}\.[A-Za-z0-9]{4,6}\.acc[_-]"
        r"[A-Za-z0-9-]{10,32}\.[A-Za-z0-9+/_=-]{30,120}",
    ),
    SecretFormat("cloudflare key", "v1.0-", rf"{_L}v1\.0-[a-f0-9]{{24}}-[a-f0-9]{{146}}"),
    SecretFormat("clickhouse key", "4b1d", rf"{_L}4b1d(?=[a-z0-9]*[A-Z])[A-Za-z0-9]{{38}}{_R}"),
    SecretFormat("dnkey token", "dnkey-", r"dnkey-[A-Za-z0-9=_-]{26}-[A-Za-z0-9=_-]{52}"),
    SecretFormat("duffel token", "duffel_", r"duffel_(?:test|live)_[A-Za-z0-9_=-]{43}"),
    SecretFormat(
        "dynatrace token", "dt0c01. dt0s01.", r"dt0[cs]01\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{64}"
    ),
    SecretFormat("easypost key", "ezak eztk", rf"{_L}EZ[AT]K[A-Za-z0-9]{{54}}{_R}"),
    SecretFormat("facebook token", "|", r"(?<=\d{15})\|([0-9A-Za-z_-]{27,40})(?![\w-])"),
    SecretFormat(
        "flutterwave key",
        "flwseck flwpubk",
        r"FLW(?:SEC|PUB)K(?:_TEST)?-[A-Za-z0-9]{12,64}(?:-X)?",
    ),
    SecretFormat(
        "fly.io token",
        "fo1_ fm1a_ fm1r_ fm2_",
        rf"{_L}(?:fo1_[\w-]{{43}}|fm(?:1[ar]|2)_[A-Za-z0-9+/]{{100,4000}}={{0,3}})",
    ),
    SecretFormat("frame.io token", "fio-u-", r"fio-u-[A-Za-z0-9_=-]{64}"),
    SecretFormat(
        "harness key",
        "pat. sat.",
        rf"{_L}(?:pat|sat)\.[\w-]{{22}}\.[A-Za-z0-9]{{24}}\.[A-Za-z0-9]{{20}}",
    ),
    SecretFormat("infracost token", "ico-", rf"{_L}ico-[A-Za-z0-9]{{32}}{_R}"),
    SecretFormat("intra42 secret", "s-s4t2", r"s-s4t2(?:ud|af)-[A-Fa-f0-9]{64}"),
    SecretFormat("mapbox token", "pk.", rf"{_L}pk\.[A-Za-z0-9]{{60}}\.[A-Za-z0-9]{{22}}"),
    SecretFormat("maxmind key", "_mmk", rf"{_L}[A-Za-z0-9]{{6}}_[A-Za-z0-9]{{29}}_mmk", before=36),
    SecretFormat("new relic key", "nrak- nrjs- nrii-", r"NR(?:AK|JS|II)-[A-Za-z0-9-]{19,40}"),
    SecretFormat("octopus key", "api-", rf"{_L}API-[A-Z0-9]{{26}}{_R}"),
    SecretFormat("openshift token", "sha256~", rf"{_L}sha256~[\w-]{{43}}(?![\w-])"),
    SecretFormat("perplexity key", "pplx-", r"pplx-[A-Za-z0-9]{48}"),
    SecretFormat("groq key", "gsk_", rf"{_L}gsk_[A-Za-z0-9]{{48,60}}{_R}"),
    SecretFormat(
        "plaid token", "access-", rf"{_L}access-(?:sandbox|development|production)-[0-9a-f-]{{36}}"
    ),
    SecretFormat(
        "planetscale secret",
        "pscale_tkn_ pscale_oauth_ pscale_pw_",
        r"(?i:pscale_(?:tkn|oauth|pw)_)[\w=.-]{32,64}",
    ),
    SecretFormat("postman key", "pmak-", r"PMAK-[A-Fa-f0-9]{24}-[A-Fa-f0-9]{34}"),
    SecretFormat("prefect key", "pnu_", rf"{_L}pnu_[A-Za-z0-9]{{36}}"),
    SecretFormat("pulumi token", "pul-", rf"{_L}pul-[a-f0-9]{{40}}"),
    SecretFormat("readme key", "rdme_", rf"{_L}rdme_[a-z0-9]{{70}}"),
    SecretFormat("scalingo token", "tk-us-", rf"{_L}tk-us-[\w-]{{48}}"),
    SecretFormat(
        "settlemint token", "sm_aat_ sm_pat_ sm_sat_", rf"{_L}sm_[aps]at_[A-Za-z0-9]{{16}}"
    ),
    SecretFormat("shippo token", "shippo_", r"shippo_(?:live|test)_[A-Fa-f0-9]{40}"),
    SecretFormat("sonar token", "squ_ sqp_ sqa_", rf"{_L}sq[upa]_[A-Za-z0-9]{{40}}"),
    SecretFormat(
        "sourcegraph token", "sgp_", r"sgp_(?:(?:[A-Fa-f0-9]{16}|local)_)?[A-Fa-f0-9]{40}"
    ),
    SecretFormat("typeform token", "tfp_", rf"{_L}tfp_[A-Za-z0-9_.=-]{{59}}"),
    SecretFormat("yandex key", "aqvn ycaj", rf"{_L}(?:AQVN[\w-]{{35,38}}|YCAJE?[\w-]{{35,38}})"),
    SecretFormat(
        "yandex token", "t1.", rf"{_L}t1\.[A-Z0-9a-z_-]{{10,}}={{0,2}}\.[A-Z0-9a-z_-]{{86}}={{0,2}}"
    ),
    SecretFormat("dropbox token", "sl.", rf"{_L}sl\.[A-Za-z0-9_=-]{{130,400}}"),
    SecretFormat("gocardless token", "live_", rf"{_L}live_[A-Za-z0-9_=-]{{40}}(?![\w=-])"),
    SecretFormat("lob key", "live_ test_", rf"{_L}(?:live|test)_(?:pub_)?[a-f0-9]{{31,35}}{_R}"),
    SecretFormat("docker token", "dckr_", r"dckr_(?:pat|oat)_[\w-]{24,60}"),
    SecretFormat("supabase key", "sbp_", rf"{_L}sbp_[a-f0-9]{{40}}"),
    SecretFormat("netlify token", "nfp_", rf"{_L}nfp_[A-Za-z0-9_]{{36,60}}"),
    SecretFormat("figma token", "figd_", r"figd_[\w-]{36,60}"),
    SecretFormat("posthog key", "phx_", rf"{_L}phx_[A-Za-z0-9]{{40,60}}"),
    SecretFormat("replicate token", "r8_", rf"{_L}r8_[A-Za-z0-9]{{37}}{_R}"),
    SecretFormat(
        "jwt",
        "eyj eya ewo ew0 ewk",
        r"(?<![A-Za-z0-9_-])e(?:y[JA]|w[o0k])[A-Za-z0-9_-]{12,4000}\.(?:[A-Za-z0-9_/\\-]{10,8000}|(?=\.))"
        r"(?:\.[A-Za-z0-9_/\\-]*={0,2}){1,3}",
    ),
    SecretFormat(
        "paseto token",
        "v1.local. v2.local. v3.local. v4.local. v1.public. v2.public. v3.public. v4.public.",
        rf"{_L}v[1-4]\.(?:local|public)\.[\w-]{{40,8000}}",
    ),
    SecretFormat("jwt", "zxlk", rf"{_L}ZXlK[A-Za-z0-9+/]{{60,8000}}={{0,2}}(?<=[0-9A-Za-z=])"),
    SecretFormat(
        "private key",
        "private-lines:",
        r"(?i:private-lines:)\s{0,2}\d{1,4}((?:\s{1,4}[A-Za-z0-9+/]{16,}={0,2})+)",
    ),
    SecretFormat(
        "password", "oracle:thin:", r"(?i:oracle:thin:)[^\s/@]{1,60}/([^\s@\"'<>`{}]{3,100})@"
    ),
    SecretFormat("session", "connect.sid=", r"(?i:connect\.sid=)([\w%.:+/-]{16,400})"),
    SecretFormat("gitlab session", "_gitlab_session=", r"_gitlab_session=([0-9a-z]{32})"),
    SecretFormat(
        "sidekiq secret", "contribsys", r"(?i:contribsys__com\W{1,5})([a-f0-9]{8}:[a-f0-9]{8})"
    ),
)
