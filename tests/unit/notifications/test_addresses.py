"""No webhook reaches us or our neighbours, however the address is written."""

from __future__ import annotations

import pytest

from notifications.addresses import AddressRefused, is_public, read_url, resolve


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "must begin with https"),
        ("example.com/hook", "must begin with https"),
        ("http://example.com/", "must begin with https"),
        ("ftp://example.com/", "must begin with https"),
        ("file:///etc/passwd", "must begin with https"),
        ("https://", "names no host"),
        ("https:///path", "names no host"),
        ("https://user:word@example.com/", "user and password"),
        ("https://user@example.com/", "user and password"),
        ("https://example.com/#part", "follows the #"),
        ("https://example.com:0/", "Port 0"),
        ("https://example.com:99999/", "no address"),
        ("https://example.com:x/", "no address"),
        ("https://[::1/", "no address"),
        ("https://exa mple.com/", "spaces"),
        ("https://example.com/\r\nX-Evil: 1", "control characters"),
        ("https://example.com\\@127.0.0.1/", "backslashes"),
        (f"https://{'a' * 70}.example/", "no address"),
        ("https://example.com/ü", "as %xx"),
        (f"https://example.com/{'a' * 500}", "longer than 500"),
    ],
)
def test_says_what_is_wrong_with_an_address(url, why):
    with pytest.raises(AddressRefused, match=why):
        read_url(url)


def test_takes_an_address_apart():
    target = read_url("https://Hooks.Example.com:8443/a/b?c=d")

    assert (target.host, target.port, target.path) == ("hooks.example.com", 8443, "/a/b?c=d")
    assert read_url("https://example.com").path == "/"
    assert read_url("https://example.com?x=1").path == "/?x=1"


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),  # noqa: S104
        *("100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1", "fec0::1"),
        *(
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2002:a00:1::",
        ),
    ],
)
def test_knows_what_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111"])
def test_knows_what_is(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "https://127.0.0.1/",
            "https://localhost/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://127.1/",
        ),
        *(
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://0/",
            "https://169.254.169.254/latest/meta-data/",
        ),
    ],
)
def test_looks_behind_every_way_to_write_our_own_address(url):
    with pytest.raises(AddressRefused, match=r"not on the public internet|No host is known"):
        resolve(read_url(url))


def test_a_name_is_refused_if_one_of_its_addresses_is_private(monkeypatch):
    rows = [(2, 1, 6, "", ("8.8.8.8", 443)), (2, 1, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *arguments, **more: rows)

    with pytest.raises(AddressRefused, match="not on the public internet"):
        resolve(read_url("https://two-faced.example/"))


def test_an_unknown_name_is_said_to_be_unknown():
    with pytest.raises(AddressRefused, match=r"No host is known by the name nobody\.invalid"):
        resolve(read_url("https://nobody.invalid/"))


def test_one_machine_may_listen_to_itself(settings):
    settings.WEBHOOK_PRIVATE_ADDRESSES = True

    assert resolve(read_url("http://127.0.0.1:9/")) == "127.0.0.1"
