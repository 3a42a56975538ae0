"""Merkle roots and inclusion proofs: every bid of every size is provable, and nothing else is."""

from __future__ import annotations

import hashlib
import json
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auctions.engine.inclusion import (
    NoProof,
    bids_root,
    check_bid_in_book,
    check_book_bytes,
    check_proof,
    inclusion_paths,
    merkle_root,
    receipt_sha256,
    root_of_path,
    window_seal,
)

BID = {"id": "b", "bidder": "o", "options": [{"price": 5, "legs": [{"lots": ["1"], "units": 1}]}]}


def receipts_of(n: int) -> list[bytes]:
    return [hashlib.sha256(bytes([n % 256, n // 256])).digest() for n in range(n)]


def recursive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + recursive_root(leaves[:split]) + recursive_root(leaves[split:])).digest()


def book_of(n_bids: int) -> bytes:
    return json.dumps({"bids": [{**BID, "sequence": rank + 1} for rank in range(n_bids)]}).encode()


def proof_of(n_bids: int, position: int) -> dict[str, Any]:
    receipt = receipt_sha256(window="7", arrival=100 + position, nonce="ab" * 32, bid=BID)
    receipts = receipts_of(n_bids)
    receipts[position] = bytes.fromhex(receipt)
    root = bids_root(n_bids, merkle_root(receipts)).hex()
    book_sha256 = hashlib.sha256(book_of(n_bids)).hexdigest()
    return {
        "format": 2,
        "window": "7",
        "arrival": 100 + position,
        "nonce": "ab" * 32,
        "bid": BID,
        "receipt_sha256": receipt,
        "position": position,
        "n_bids": n_bids,
        "path": [node.hex() for node in inclusion_paths(receipts, [position])[0]],
        "bids_root": root,
        "book_sha256": book_sha256,
        "seal": window_seal(root, book_sha256),
    }


def of_format_1(proof: dict[str, Any]) -> dict[str, Any]:
    """The proof as windows gave it before they were sealed."""
    return {name: value for name, value in proof.items() if name not in ("book_sha256", "seal")} | {
        "format": 1
    }


@st.composite
def proofs(draw: st.DrawFn) -> dict[str, Any]:
    n_bids = draw(st.integers(1, 300))
    return proof_of(n_bids, draw(st.integers(0, n_bids - 1)))


class TestMerkleRoot:
    @pytest.mark.parametrize(
        ("n_leaves", "root"),
        [
            (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
            (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
            (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
        ],
    )
    def test_the_roots_that_certificate_transparency_publishes(self, n_leaves: int, root: str) -> None:
        inputs = [
            *("", "00", "10", "2021", "3031", "40414243"),
            *("5051525354555657", "606162636465666768696a6b6c6d6e6f"),
        ]

        assert merkle_root([bytes.fromhex(text) for text in inputs[:n_leaves]]).hex() == root

    @given(st.integers(0, 200))
    def test_is_the_root_of_the_recursive_definition(self, n_leaves: int) -> None:
        assert merkle_root(receipts_of(n_leaves)) == recursive_root(receipts_of(n_leaves))


class TestInclusion:
    @given(st.integers(1, 130))
    def test_every_bid_is_proven_at_its_own_place_and_no_other(self, n_bids: int) -> None:
        receipts = receipts_of(n_bids)
        root = merkle_root(receipts)

        paths = inclusion_paths(receipts, range(n_bids))
        for position, (receipt, path) in enumerate(zip(receipts, paths, strict=True)):
            assert root_of_path(receipt, position, n_bids, path) == root
            elsewhere = (position + 1) % n_bids
            if elsewhere != position:
                assert not leads_to(root, receipt, elsewhere, n_bids, path)

    def test_a_bid_that_is_not_there_has_no_path(self) -> None:
        with pytest.raises(IndexError):
            inclusion_paths(receipts_of(3), [0, 3])


def leads_to(root: bytes, receipt: bytes, position: int, n_bids: int, path: list[bytes]) -> bool:
    try:
        return root_of_path(receipt, position, n_bids, path) == root
    except NoProof:
        return False


class TestCheckProof:
    @given(proofs())
    def test_takes_every_true_proof(self, proof: dict[str, Any]) -> None:
        check_proof(proof)

    @given(proofs(), st.data())
    def test_finds_any_altered_member(self, proof: dict[str, Any], data: st.DataObject) -> None:
        altered = alter(proof, data)

        with pytest.raises(NoProof):
            check_proof(altered)

    @given(proofs(), st.data())
    def test_still_takes_proofs_of_windows_without_a_seal(
        self, proof: dict[str, Any], data: st.DataObject
    ) -> None:
        check_proof(of_format_1(proof))

        with pytest.raises(NoProof):
            check_proof(alter(of_format_1(proof), data))

    @pytest.mark.parametrize("nonsense", [None, [], {}, {"format": []}, {"format": 3}, {"format": True}])
    def test_refuses_what_is_no_proof(self, nonsense: object) -> None:
        with pytest.raises(NoProof, match="not a proof in format 2"):
            check_proof(nonsense)

    @pytest.mark.parametrize(
        "nonsense",
        [{"format": 1}, {"format": 2}, {**proof_of(3, 1), "more": 1}, {**proof_of(3, 1), "format": 1}],
    )
    def test_refuses_a_proof_with_other_members(self, nonsense: object) -> None:
        with pytest.raises(NoProof, match="members"):
            check_proof(nonsense)

    @given(st.integers(1, 20), st.data())
    def test_finds_one_byte_changed_anywhere_in_the_book(self, n_bids: int, data: st.DataObject) -> None:
        proof, book = proof_of(n_bids, 0), book_of(n_bids)
        assert "sealed with" in check_book_bytes(proof, book)
        at = data.draw(st.integers(0, len(book) - 1))
        byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != book[at]))

        with pytest.raises(NoProof, match="byte for byte"):
            check_book_bytes(proof, book[:at] + bytes([byte]) + book[at + 1 :])

    def test_says_that_a_proof_without_a_seal_tells_nothing_of_the_lots(self) -> None:
        assert "not proven" in check_book_bytes(of_format_1(proof_of(3, 1)), b"another book")

    @pytest.mark.parametrize("path", [None, [1], ["zz" * 32], ["AB" * 32], ["ab"]])
    def test_refuses_a_malformed_path(self, path: object) -> None:
        with pytest.raises(NoProof, match="path must"):
            check_proof({**proof_of(3, 1), "path": path})

    def test_the_proven_bid_stands_in_the_book_at_its_rank(self) -> None:
        proof = proof_of(2, 1)
        other = {**BID, "id": "c", "sequence": 1}

        check_bid_in_book(proof, {"bids": [other, {**BID, "sequence": 2}]})

    @pytest.mark.parametrize(
        "book",
        [
            None,
            {},
            {"bids": []},
            {"bids": [{**BID, "sequence": 1}, {**BID, "sequence": 2}, {**BID, "sequence": 3}]},
            {"bids": [{**BID, "sequence": 2}, {**BID, "sequence": 1}]},
            {"bids": [{**BID, "sequence": 1}, {**BID, "sequence": 2, "bidder": "p"}]},
        ],
    )
    def test_a_book_without_it_there_is_found(self, book: object) -> None:
        with pytest.raises(NoProof, match="book"):
            check_bid_in_book(proof_of(2, 1), book)


class TestFilters:
    """In the book a filter has become lots; an option whose filter matched nothing is not there."""

    LEG: ClassVar = {"units": 4, "earliest": 0, "latest": 2, "hours": 2}
    NAMED: ClassVar = {"price": 5, "legs": [{**LEG, "lots": ["A"]}]}
    WANTED: ClassVar = {
        "price": 7,
        "legs": [{**LEG, "filter": {"types": ["3"], "regions": [], "fabrics": []}}],
    }
    MATCHED: ClassVar = {"price": 7, "legs": [{**LEG, "lots": ["B", "C"]}]}

    def proof(self, *options: dict[str, Any]) -> dict[str, Any]:
        return {"position": 1, "n_bids": 3, "bid": {"id": "x", "bidder": "p", "options": [*options]}}

    def book(self, *options: dict[str, Any]) -> dict[str, Any]:
        bid = {"id": "x", "bidder": "p", "sequence": 2, "options": [*options]}
        return {"bids": [{"sequence": 1}, *([bid] if options else []), {"sequence": 3}]}

    @pytest.mark.parametrize("held", [(MATCHED, NAMED), (NAMED,)])
    def test_a_bid_is_known_again(self, held: tuple[dict[str, Any], ...]) -> None:
        assert "holds this bid" in check_bid_in_book(self.proof(self.WANTED, self.NAMED), self.book(*held))

    def test_a_bid_of_filters_alone_may_be_left_out(self) -> None:
        assert "leaves this place free" in check_bid_in_book(self.proof(self.WANTED), self.book())

    @pytest.mark.parametrize(
        "held",
        [(), (MATCHED,), (NAMED, MATCHED), (MATCHED, NAMED, NAMED), ({**MATCHED, "price": 6}, NAMED)],
    )
    def test_nothing_else_may_differ(self, held: tuple[dict[str, Any], ...]) -> None:
        with pytest.raises(NoProof, match="rank 2"):
            check_bid_in_book(self.proof(self.WANTED, self.NAMED), self.book(*held))


def alter(proof: dict[str, Any], data: st.DataObject) -> dict[str, Any]:
    """Change one member of a proof, or one hex digit of one of its hashes."""
    name = data.draw(st.sampled_from(sorted(proof)))
    value = proof[name]
    if name == "path":
        if not value:
            return {**proof, "path": ["00" * 32]}
        at = data.draw(st.integers(0, len(value) - 1))
        return {**proof, "path": [*value[:at], flip(value[at], data), *value[at + 1 :]]}
    if name == "bid":
        return {**proof, "bid": {**value, data.draw(st.sampled_from(sorted(value))): "x"}}
    if isinstance(value, int):
        return {**proof, name: value + data.draw(st.sampled_from([-1, 1]))}
    return {**proof, name: flip(value, data)}


def flip(digits: str, data: st.DataObject) -> str:
    at = data.draw(st.integers(0, len(digits) - 1))
    other = data.draw(st.sampled_from([digit for digit in "0123456789abcdef" if digit != digits[at]]))
    return digits[:at] + other + digits[at + 1 :]
