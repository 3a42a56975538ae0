"""SSH public keys: what is taken, and what is refused for which reason."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from settlements.ssh_keys import InvalidSshKey, parse_public_key

ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def public_line(private: object, comment: str = "ops@example.com") -> str:
    public = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return f"{public} {comment}".strip()


class TestParsePublicKey:
    @pytest.mark.parametrize(
        ("private", "kind"),
        [
            (ED25519, "ssh-ed25519"),
            (ec.generate_private_key(ec.SECP256R1()), "ecdsa-sha2-nistp256"),
            (ec.generate_private_key(ec.SECP384R1()), "ecdsa-sha2-nistp384"),
            (ec.generate_private_key(ec.SECP521R1()), "ecdsa-sha2-nistp521"),
            (rsa.generate_private_key(65537, 3072), "ssh-rsa"),
        ],
    )
    def test_takes_what_is_safe(self, private: object, kind: str) -> None:
        key = parse_public_key(f"  {public_line(private)}\n")

        assert (key.type, key.comment) == (kind, "ops@example.com")
        assert key.line == public_line(private)
        assert key.fingerprint.startswith("SHA256:")
        assert len(base64.b64decode(key.fingerprint.removeprefix("SHA256:") + "=")) == 32

    def test_needs_no_comment_and_takes_one_with_spaces(self) -> None:
        assert parse_public_key(public_line(ED25519, "")).comment == ""
        assert parse_public_key(public_line(ED25519, "laptop of Ada")).comment == "laptop of Ada"

    def test_gives_the_same_fingerprint_whatever_the_comment(self) -> None:
        assert (
            parse_public_key(public_line(ED25519, "a")).fingerprint
            == parse_public_key(public_line(ED25519, "b")).fingerprint
        )

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "Paste a public key"),
            ("hello there", "starts with its type"),
            ("ssh-ed25519", "The key itself is missing"),
            ("ssh-ed25519 AAAA", "not a whole public key"),
            (public_line(ED25519, "")[:-4], "not a whole public key"),
            (public_line(ED25519).replace("ssh-ed25519", "ssh-rsa"), "not a whole public key"),
            (public_line(ED25519) + "\n" + public_line(ED25519), "one key at a time"),
            ('command="rm -rf /" ' + public_line(ED25519), "Nothing stands before it"),
            (public_line(ED25519, "x" * 101), "at most 100 characters"),
            (public_line(ED25519, "bell\x07"), "cannot be shown"),
            ("ssh-rsa " + "A" * 9000, "at most 8,000 characters"),
            ("sk-ssh-ed25519@openssh.com AAAA", "security tokens"),
            ("ssh-ed25519-cert-v01@openssh.com AAAA", "certificate"),
            (
                public_line(rsa.generate_private_key(65537, 2048)),
                "needs 3072 bits or more, this one has 2048",
            ),
            ("ssh-dss AAAAB3NzaC1kc3MAAACB", "DSA keys are no longer safe"),
        ],
    )
    def test_refuses_what_is_not_and_says_why(self, text: str, why: str) -> None:
        with pytest.raises(InvalidSshKey, match=why):
            parse_public_key(text)

    def test_warns_of_a_private_key(self) -> None:
        private = ED25519.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()

        with pytest.raises(InvalidSshKey, match="private key: never give it to anybody") as refused:
            parse_public_key(private)

        assert private[40:80] not in str(refused.value)
