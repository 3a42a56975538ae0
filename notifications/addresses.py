"""Which addresses a webhook may go to: ours and our neighbours' never (server-side request forgery).

A name is looked up once for a call, every address it has must be public, and the call goes to the address that was
looked at, not to the name again: a name that answers differently a moment later gains nothing.
``WEBHOOK_PRIVATE_ADDRESSES`` allows private ones and plain http, for a market on one machine.
"""

from __future__ import annotations

import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as LookupTimeout
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

MAX_URL_CHARACTERS = 500
LOOKUP_SECONDS = 3.0
NAT64 = ipaddress.ip_network("64:ff9b::/96")
_lookups = ThreadPoolExecutor(max_workers=8, thread_name_prefix="webhook-lookup")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(Exception):
    """No webhook goes there; the text says why, for people."""


class LookupBusy(AddressRefused):
    """The name was not looked up at all, as our own look-ups stand in a queue: no fault of whose name it is."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads, taken apart. ``path`` has the query with it."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_usual_port(self) -> bool:
        return self.port == (443 if self.scheme == "https" else 80)


def read_url(url: str) -> Target:
    """Take a webhook's URL apart. Raise AddressRefused for what is none, or leads where no webhook goes."""
    if len(url) > MAX_URL_CHARACTERS:
        raise AddressRefused(f"The address is longer than {MAX_URL_CHARACTERS} characters.")
    if any(character.isspace() or not character.isprintable() for character in url) or "\\" in url:
        raise AddressRefused("The address contains spaces, backslashes or control characters.")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:
        raise AddressRefused("This is no address. It looks like https://example.com/sparegrid.") from None
    schemes = ("https", "http") if settings.WEBHOOK_PRIVATE_ADDRESSES else ("https",)
    if parts.scheme not in schemes:
        raise AddressRefused("The address must begin with https://.")
    if not host:
        raise AddressRefused("The address names no host. It looks like https://example.com/sparegrid.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused(
            "Leave user and password out of the address: the signature proves who is calling."
        )
    if parts.fragment:
        raise AddressRefused("Leave out what follows the #: it is never sent.")
    if port == 0:
        raise AddressRefused("Port 0 is no port.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii():
        raise AddressRefused("Write characters beyond ASCII in the path as %xx.")
    return Target(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), path)


def resolve(target: Target) -> str:
    """Return an address of a target, all of whose addresses may be called. Raise AddressRefused, LookupBusy."""
    lookup = _lookups.submit(socket.getaddrinfo, target.host, target.port, type=socket.SOCK_STREAM)
    try:
        found = lookup.result(LOOKUP_SECONDS)
    except LookupTimeout:
        if lookup.cancel():  # so it had not begun
            raise LookupBusy(f"{target.host} was not looked up yet: try again in a moment.") from None
        raise AddressRefused(f"{target.host} could not be looked up within {LOOKUP_SECONDS:g} s.") from None
    except (OSError, UnicodeError):
        raise AddressRefused(f"No host is known by the name {target.host}.") from None
    addresses = [str(row[4][0]) for row in found]
    if not settings.WEBHOOK_PRIVATE_ADDRESSES:
        for address in addresses:
            if not is_public(address):
                raise AddressRefused(f"{target.host} is not on the public internet.")
    return addresses[0]


def is_public(text: str) -> bool:
    """Whether an address is on the public internet, also when it hides in an IPv6 one that leads to it."""
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None and not is_public(str(inner)):
            return False
        if address.is_site_local:
            return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_loopback or address.is_unspecified
    )
