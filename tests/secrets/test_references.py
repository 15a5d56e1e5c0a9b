from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.secrets import SecretRef, parse

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf"


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("secret://env/PGPASSWORD", SecretRef("env", "PGPASSWORD")),
        ("secret://env/_x1", SecretRef("env", "_x1")),
        ("secret://file/secrets/pg", SecretRef("file", "secrets/pg")),
        ("secret://file//run/secrets/pg", SecretRef("file", "/run/secrets/pg")),
        ("secret://file/~/pg", SecretRef("file", "~/pg")),
        ("secret://file/a#b", SecretRef("file", "a#b")),
        ("secret://aws/warehouse", SecretRef("aws", "warehouse")),
        ("secret://aws/prod/db/warehouse#password", SecretRef("aws", "prod/db/warehouse", "password")),
        ("secret://aws/rds!cluster-1-2#pass#word", SecretRef("aws", "rds!cluster-1-2", "pass#word")),
        (f"secret://aws/{ARN}", SecretRef("aws", ARN)),
        (f"secret://aws/{ARN}#password", SecretRef("aws", ARN, "password")),
    ],
)
def test_a_reference_is_read_and_shown_as_it_was_written(text: str, reference: SecretRef) -> None:
    """Its text is the reference."""
    assert parse(text) == reference
    assert str(reference) == text


@pytest.mark.parametrize("text", ["", "hunter2", "a secret://env/X", "secretive", "secret-word", "http://x", "secret"])
def test_another_text_is_no_reference(text: str) -> None:
    """It is a password as it is."""
    assert parse(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("secret://", "is none of secret://env/NAME, secret://file/PATH, secret://aws/NAME#KEY"),
        ("secret://hunter2", "is none of secret://env/NAME, secret://file/PATH, secret://aws/NAME#KEY"),
        ("secret://vault/hunter2", "is none of secret://env/NAME, secret://file/PATH, secret://aws/NAME#KEY"),
        ("secret://ENV/hunter2", "is none of secret://env/NAME, secret://file/PATH, secret://aws/NAME#KEY"),
        ("secret:///env/hunter2", "is none of secret://env/NAME, secret://file/PATH, secret://aws/NAME#KEY"),
        ("secret://env", "lacks what stands after the kind: secret://env/NAME"),
        ("secret://env/", "lacks what stands after the kind: secret://env/NAME"),
        ("secret://file/", "lacks what stands after the kind: secret://file/PATH"),
        ("secret://aws/", "lacks what stands after the kind: secret://aws/NAME#KEY"),
        ("secret://aws/#hunter2", "lacks what stands after the kind: secret://aws/NAME#KEY"),
        ("secret://aws/hunter2#", "lacks the key after #: secret://aws/NAME#KEY, or without # for the whole secret"),
        ("secret://env/hunter2/x", "should name one environment variable (letters, digits and _): secret://env/NAME"),
        ("secret://env/hunter2#x", "should name one environment variable (letters, digits and _): secret://env/NAME"),
        ("secret://env/2hunter2", "should name one environment variable (letters, digits and _): secret://env/NAME"),
        ("secret://env/$hunter2", "should name one environment variable (letters, digits and _): secret://env/NAME"),
        ("secret://file/hunter2\n", "has a line break or another control character"),
        ("secret://file/hun\0ter2", "has a line break or another control character"),
        ("secret://aws/hunter2 ", "has a space before or after its name"),
        ("secret://aws/ hunter2", "has a space before or after its name"),
        ("secret://aws/x# hunter2", "has a space before or after its name"),
        ("secret:/env/hunter2", "almost begins with secret://, and must do so exactly"),
        ("secrets://env/hunter2", "almost begins with secret://, and must do so exactly"),
        ("Secret://env/hunter2", "almost begins with secret://, and must do so exactly"),
        (" secret://env/hunter2", "almost begins with secret://, and must do so exactly"),
    ],
)
def test_a_reference_that_is_not_complete_is_refused(text: str, reason: str) -> None:
    """The reason repeats nothing of it: a password may stand there."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse(text)

    assert str(caught.value) == reason
    assert "hunter2" not in str(caught.value)


@given(
    st.text(max_size=30)
    | st.text(max_size=30).map("secret://env/".__add__)
    | st.text(max_size=30).map("secret://aws/".__add__)
)
def test_what_is_read_is_shown_again(text: str) -> None:
    """Property: a reference's text is the one it was read from; nothing else than a ValueError comes out."""
    try:
        reference = parse(text)
    except ValueError:
        return
    assert reference is None or str(reference) == text
