r"""Merkle trees over bid receipts: one hash that fixes a whole book, and short proofs that a bid is in it.

Hashing is RFC 6962's (section 2.1): a leaf is SHA-256(0x00 ‖ receipt), a node SHA-256(0x01 ‖ left ‖ right), and a tree
of n leaves splits at the largest power of two below n. The root of no leaves is SHA-256 of nothing. A path lists the
siblings from the leaf upward; with the leaf's position and n it gives the root back in one way only. What a window
publishes binds the number of bids as well: SHA-256(0x02 ‖ n as 8 bytes, big-endian ‖ root).

What else the book holds, its lots and what each filter matched, is as final at the close. So the window publishes the
book's own SHA-256 as well, and one hash that binds both, its seal: SHA-256(0x03 ‖ what it publishes of the bids ‖ the
book's SHA-256). The book itself follows when it has cleared.

A proof, as JSON, is what a bidder keeps: its bid as published, the nonce, the path and the book's hash. `check_proof`
re-computes the receipt from the bid, the root from the receipt and the seal from the root. Windows that closed before
there were seals have proofs of format 1, which end at the root.

>>> receipts = [bytes([n]) * 32 for n in range(5)]
>>> tree = merkle_root(receipts)
>>> paths = inclusion_paths(receipts, range(5))
>>> [root_of_path(receipts[n], n, 5, paths[n]) == tree for n in range(5)]
[True, True, True, True, True]
>>> root_of_path(receipts[0], 1, 5, paths[1]) == tree
False
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from auctions.engine.document import canonical_json
from auctions.engine.errors import MAX_EXACT

RECEIPT_FORMAT = 1
PROOF_FORMAT = 2

_ROOT_KEYS = {
    *("format", "window", "arrival", "nonce", "bid"),
    *("receipt_sha256", "position", "n_bids", "path", "bids_root"),
}
_PROOF_KEYS = {1: _ROOT_KEYS, 2: _ROOT_KEYS | {"book_sha256", "seal"}}
_HASH_HEX_DIGITS = 64


class NoProof(ValueError):
    """The proof is malformed, or one of its steps does not lead to the next; the message says which."""


def receipt_sha256(*, window: str, arrival: int, nonce: str, bid: dict[str, Any]) -> str:
    """Hash what a bidder is bound to: its bid as the book will hold it, less the sequence, and where it stood in time.

    ``arrival`` is the marketplace's number of the bid in time; the book itself tells only ranks.
    """
    sealed = {"format": RECEIPT_FORMAT, "window": window, "arrival": arrival, "nonce": nonce, "bid": bid}
    return hashlib.sha256(canonical_json(sealed).encode()).hexdigest()


def merkle_root(receipts: Sequence[bytes]) -> bytes:
    """Return the root over ``receipts`` (32 bytes each) in the order of the book."""
    level = [_leaf(receipt) for receipt in receipts]
    while len(level) > 1:
        level = _parents(level)
    return level[0] if level else hashlib.sha256().digest()


def inclusion_paths(receipts: Sequence[bytes], positions: Sequence[int]) -> list[list[bytes]]:
    """Return the siblings of each leaf of ``positions``, from the leaf upward; the tree is built once for all."""
    for position in positions:
        if not 0 <= position < len(receipts):
            raise IndexError(f"no leaf {position} among {len(receipts)}")
    level, nodes = [_leaf(receipt) for receipt in receipts], list(positions)
    paths: list[list[bytes]] = [[] for _ in nodes]
    while len(level) > 1:
        for path, node in zip(paths, nodes, strict=True):
            if (sibling := node ^ 1) < len(level):
                path.append(level[sibling])
        level, nodes = _parents(level), [node // 2 for node in nodes]
    return paths


def root_of_path(receipt: bytes, position: int, n_leaves: int, path: Sequence[bytes]) -> bytes:
    """Return the root that ``path`` leads to (RFC 9162, section 2.1.3.2). Raise NoProof if its length is wrong."""
    node, last, siblings = _leaf(receipt), n_leaves - 1, iter(path)
    if not 0 <= position <= last:
        raise NoProof(f"position {position} is not among {n_leaves} bids")
    while last:
        if position % 2 or position < last:
            sibling = next(siblings, None)
            if sibling is None:
                raise NoProof("the path is too short")
            node = _node(sibling, node) if position % 2 else _node(node, sibling)
        position, last = position // 2, last // 2
    if next(siblings, None) is not None:
        raise NoProof("the path is too long")
    return node


def bids_root(n_bids: int, root: bytes) -> bytes:
    """Return what a window publishes at close: one hash over the number of its bids and their Merkle root."""
    return hashlib.sha256(b"\x02" + n_bids.to_bytes(8, "big") + root).digest()


def window_seal(root: str, book_sha256: str) -> str:
    """Return the one hash that fixes a window at its close: over its bids' published root and its book's SHA-256."""
    return hashlib.sha256(b"\x03" + bytes.fromhex(root) + bytes.fromhex(book_sha256)).hexdigest()


def _leaf(receipt: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + receipt).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _parents(level: list[bytes]) -> list[bytes]:
    """Join neighbours; a last one without a neighbour moves up as it is."""
    paired = [_node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
    return paired + level[len(paired) * 2 :]


def check_proof(proof: Any) -> None:
    """Check every step of a proof from the bid to the seal; raise NoProof at the first that does not hold."""
    _check_form(proof)
    for name in ("arrival", "position", "n_bids"):
        if type(proof[name]) is not int or not 0 <= proof[name] <= MAX_EXACT:
            raise NoProof(f"{name} must be an integer from 0 to 2**53")
    if not isinstance(proof["path"], list):
        raise NoProof("path must be a list")
    receipt = receipt_sha256(
        window=proof["window"], arrival=proof["arrival"], nonce=proof["nonce"], bid=proof["bid"]
    )
    if receipt != proof["receipt_sha256"]:
        raise NoProof(f"the bid, its arrival and its nonce give receipt {receipt}, not the one told")
    path = [_hash(sibling, "path") for sibling in proof["path"]]
    tree = root_of_path(bytes.fromhex(receipt), proof["position"], proof["n_bids"], path)
    root = bids_root(proof["n_bids"], tree)
    if root != _hash(proof["bids_root"], "bids_root"):
        raise NoProof(f"the path leads to {root.hex()}, not to the root told")
    if proof["format"] != 1:
        _hash(proof["book_sha256"], "book_sha256")
        seal = window_seal(proof["bids_root"], proof["book_sha256"])
        if seal != proof["seal"]:
            raise NoProof(f"root and book give the seal {seal}, not the one told")


def _check_form(proof: Any) -> None:
    version = proof.get("format") if isinstance(proof, dict) else None
    keys = _PROOF_KEYS.get(version) if type(version) is int else None
    if keys is None:
        raise NoProof(f"not a proof in format {PROOF_FORMAT}, nor in an earlier one")
    if proof.keys() != keys:
        raise NoProof(f"a proof has these members: {', '.join(sorted(keys))}")
    for name in ("window", "nonce"):
        if not isinstance(proof[name], str):
            raise NoProof(f"{name} must be a string")
    if not _has_options(proof["bid"]):
        raise NoProof("bid must be an object with options, each with legs")
    try:
        canonical_json(proof["bid"])
    except ValueError as error:
        raise NoProof(f"bid: {error}") from error


def check_book_bytes(proof: dict[str, Any], book: bytes) -> str:
    """Check that a book is, byte for byte, the one its window was sealed with; say so, or raise NoProof.

    That fixes the lots and what every filter matched. A proof of format 1 tells nothing of them, which is said.
    """
    if proof["format"] == 1:
        return "this window published no seal: that the lots are those of its close is not proven"
    if hashlib.sha256(book).hexdigest() != proof["book_sha256"]:
        raise NoProof("the book is not, byte for byte, the one the window was sealed with")
    return "the book is the one the window was sealed with: its lots, and what each filter matched"


def check_bid_in_book(proof: dict[str, Any], book: Any) -> str:
    """Check that a published book holds the proof's bid under the rank it proves; say so, or raise NoProof.

    In the book a filter has become the lots it matched at close. An option with a filter that matched none is not
    there, nor is a bid without any other option: its rank stays free.
    """
    bids = book.get("bids") if isinstance(book, dict) else None
    if not isinstance(bids, list) or not _are_ranked(bids, proof["n_bids"]):
        raise NoProof(f"the book does not hold {proof['n_bids']} bids in order")
    rank = proof["position"] + 1
    held = next((bid for bid in bids if bid["sequence"] == rank), None)
    if held is not None and not _has_options(held):
        raise NoProof(f"the book holds no bid with options and legs at rank {rank}")
    if held is None and all(_has_filter(option) for option in proof["bid"]["options"]):
        return "the book leaves this place free: no option of this bid had a lot for each of its filters"
    if held is None or not _is_as_said(proof["bid"], held):
        raise NoProof(f"the book does not hold the bid proven at rank {rank}")
    return "the book holds this bid at this place"


def _are_ranked(bids: list[Any], n_ranks: int) -> bool:
    """Say whether bids carry ranks from 1 to ``n_ranks``, each at most once, in order."""
    ranks: list[int] = [0]
    for bid in bids:
        rank = bid.get("sequence") if isinstance(bid, dict) else None
        if type(rank) is not int or rank <= ranks[-1]:
            return False
        ranks.append(rank)
    return ranks[-1] <= n_ranks


def _is_as_said(said: dict[str, Any], held: dict[str, Any]) -> bool:
    """Say whether a bid of a book is one that was said, with every filter become the lots it matched."""
    if any(held.get(name) != said[name] for name in said if name != "options"):
        return False
    left = list(held.get("options", ()))
    for option in said["options"]:
        if left and _without_lots_of_filters(option, left[0]) == option:
            left.pop(0)
        elif not _has_filter(option):
            return False
    return not left


def _has_options(bid: Any) -> bool:
    """Say whether a bid has the shape of one: options with legs, all of them objects."""
    options = bid.get("options") if isinstance(bid, dict) else None
    if not isinstance(options, list):
        return False
    legs = [option.get("legs") if isinstance(option, dict) else None for option in options]
    return all(isinstance(row, list) and all(isinstance(leg, dict) for leg in row) for row in legs)


def _has_filter(option: dict[str, Any]) -> bool:
    return any("filter" in leg for leg in option["legs"])


def _without_lots_of_filters(said: dict[str, Any], held: dict[str, Any]) -> dict[str, Any]:
    """Return an option of a book with the filters of the one said in place of the lots they became."""
    if len(held["legs"]) != len(said["legs"]):
        return held
    legs = [
        {name: value for name, value in leg.items() if name != "lots"} | {"filter": wanted["filter"]}
        if "filter" in wanted
        else leg
        for wanted, leg in zip(said["legs"], held["legs"], strict=True)
    ]
    return {**held, "legs": legs}


def _hash(text: Any, name: str) -> bytes:
    if not isinstance(text, str) or len(text) != _HASH_HEX_DIGITS or text != text.lower():
        raise NoProof(f"{name} must hold hashes of {_HASH_HEX_DIGITS} lower-case hex digits")
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise NoProof(f"{name} must hold hashes of {_HASH_HEX_DIGITS} lower-case hex digits") from None
