"""A function signs in to the database that its certificate names, and to no other server."""

import re
import ssl
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from infra.configuration.authorities import authorities
from shared.aws.root_certificates import ROOTS as OF_AWS
from shared.database import Database, Statement, address, connect
from shared.database.address import arguments_of, distrust
from shared.errors import SettingsError
from tests.database.tls_front import Authority, Front


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "others")


@pytest.fixture
def name(database_url: str) -> Iterator[str]:
    with psycopg.connect(database_url) as owner:
        yield owner.info.dbname


def url(front: Front, name: str, rest: str, host: str = "127.0.0.1") -> str:
    return f"postgresql://postgres@{host}:{front.port}/{name}?gssencmode=disable&{rest}"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_the_right_certificate_lets_in(
    database_url: str, name: str, ours: Authority, host: str
) -> None:
    with Front(database_url, ours.context(host)) as front:
        verified = url(front, name, f"sslmode=verify-full&sslrootcert={ours.ca}", host)
        with Database(verified, patience=1) as database:
            asked = Statement("select 1 as one", {})
            assert database.run("acme", [asked]) == [[{"one": 1}]]
        with connect(url(front, name, "sslmode=verify-full", host), ca=str(ours.ca)) as owner:
            assert owner.pgconn.ssl_in_use


REFUSED = {
    "another authority": ("others", "127.0.0.1", "no known authority signed the certificate"),
    "another name": ("ours", "db.example.com", "is not for 127.0.0.1"),
    "another address": ("ours", "127.0.0.2", "is not for 127.0.0.1"),
    "no TLS": ("", "", "offers no TLS"),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_another_server_is_refused_at_once_with_a_clear_word(
    database_url: str, name: str, ours: Authority, others: Authority, case: str
) -> None:
    who, host, word = REFUSED[case]
    context = {"ours": ours, "others": others}[who].context(host) if who else None
    with Front(database_url, context) as front:
        verified = url(front, name, f"sslmode=verify-full&sslrootcert={ours.ca}")
        with Database(verified) as database, pytest.raises(SettingsError, match=word):
            database.run("acme", [])
        with pytest.raises(SettingsError, match=word):
            connect(verified)
        assert front.tries == 2


def test_without_an_authority_nobody_is_believed(
    database_url: str, name: str, ours: Authority, tmp_path: Path
) -> None:
    with Front(database_url, ours.context("127.0.0.1")) as front:
        missing = f"sslmode=verify-full&sslrootcert={tmp_path / 'none.pem'}"
        with pytest.raises(SettingsError, match="no authority is known"):
            connect(url(front, name, missing))


AMAZON = {
    "a.cluster-c1.eu-central-1.rds.amazonaws.com": "eu-central-1.pem",
    "A.CLUSTER-C1.US-EAST-1.RDS.AMAZONAWS.COM": "us-east-1.pem",
    "db.c1.ap-southeast-4.rds.amazonaws.com": "ap-southeast-4.pem",
    "p.proxy-c1.eu-central-1.rds.amazonaws.com": "proxy.pem",
    "p.endpoint.proxy-c1.us-west-2.rds.amazonaws.com": "proxy.pem",
}


@pytest.mark.parametrize("host", list(AMAZON))
def test_amazons_authorities_are_known_by_the_host(host: str) -> None:
    of_host = f"postgresql://u@{host}/x?sslmode=verify-full"
    assert distrust(of_host, has_ca=False) == ""
    file = Path(arguments_of(of_host)["sslrootcert"])
    assert file.name == AMAZON[host]
    assert ssl.create_default_context(cafile=str(file)).cert_store_stats()["x509_ca"] >= 3


@pytest.mark.parametrize(
    ("rest", "word"),
    [
        ("db.example.com/x", "sslmode=prefer, which takes any server"),
        ("db.example.com/x?sslmode=require", "sslmode=require, which takes any server"),
        ("db.example.com/x?sslmode=verify-ca", "sslmode=verify-ca, which takes any server"),
        ("db.example.com/x?sslmode=disable", "sslmode=disable, which takes any server"),
        ("db.example.com/x?sslmode=verify-full", "set DATABASE_CA to the file"),
        ("rds.amazonaws.com.evil.com/x?sslmode=verify-full", "set DATABASE_CA to the file"),
        ("10.0.0.7/x?sslmode=verify-full", "set DATABASE_CA to the file"),
        ("/x?host=10.0.0.7&sslmode=verify-full", "set DATABASE_CA to the file"),
        ("db.example.com/x?sslmode=verify-full&sslrootcert=/ca.pem", "name it in DATABASE_CA"),
        (
            "a.c1.us-gov-west-1.rds.amazonaws.com/x?sslmode=verify-full",
            "https://truststore.pki.us-gov-west-1.rds.amazonaws.com/us-gov-west-1/us-gov-west-1-b",
        ),
        (
            "a.c1.rds.cn-north-1.amazonaws.com.cn/x?sslmode=verify-full",
            "https://rds-truststore.s3.cn-north-1.amazonaws.com.cn/global/global-bundle.pem",
        ),
        ("a.c1.mx-central-1.rds.amazonaws.com/x?sslmode=verify-full", "do not ship with this code"),
    ],
)
def test_a_deployment_says_what_its_url_lacks(rest: str, word: str) -> None:
    assert word in distrust(f"postgresql://u@{rest}", has_ca=False)


def test_a_deployments_own_authority_is_enough() -> None:
    own = "postgresql://u@db.example.com/x?sslmode=verify-full"
    assert distrust(own, has_ca=True) == ""


def test_the_authorities_that_ship_are_amazons_and_last() -> None:
    files = sorted(address.ROOTS.glob("*.pem"))
    assert len(files) >= 29
    for file in files:
        context = ssl.create_default_context(cafile=str(file))
        for found in context.get_ca_certs():
            assert found["subject"] == found["issuer"], file
            assert file.stem == "proxy" or f"RDS {file.stem} Root CA" in str(found["subject"])
            assert ssl.cert_time_to_seconds(str(found["notAfter"])) > ssl.cert_time_to_seconds(
                "Jan  1 00:00:00 2035 GMT"
            )
    shipped = (address.ROOTS / "proxy.pem").read_text()
    certificate = r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----"
    assert re.findall(certificate, shipped, re.S) == re.findall(certificate, OF_AWS, re.S)


def test_the_authorities_of_a_setting_are_read_or_refused(ours: Authority, tmp_path: Path) -> None:
    assert authorities(str(ours.ca)) == ours.ca.read_text()
    assert authorities("public").count("BEGIN CERTIFICATE") > 50
    key, empty, binary = (tmp_path / name for name in ("key", "empty", "binary"))
    key.write_text("-----BEGIN PRIVATE KEY-----\n")
    empty.write_text("nothing\n")
    binary.write_bytes(b"\xff\xfe\x00")
    for file, word in (
        (key, "private key"),
        (empty, "no certificate"),
        (binary, "no text"),
        (tmp_path / "none", "No such file"),
        (tmp_path, "directory"),
    ):
        with pytest.raises(SettingsError, match=word):
            authorities(str(file))
