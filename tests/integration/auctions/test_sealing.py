"""Sealed bids: what is promised at submission and at close holds in the book that is cleared and published."""

import json
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Hold
from auctions.engine import Book, Clearing, clear
from auctions.engine.inclusion import (
    NoProof,
    check_bid_in_book,
    check_book_bytes,
    check_proof,
    window_seal,
)
from auctions.models import Award, Bid, Window, WindowRecord
from auctions.operations.bids import cancel_bid, change_bid
from auctions.operations.clearing import ClearingHeld, Engine, clear_window
from auctions.operations.windows import close_window
from auctions.sealing import inclusion_proof, organization_pseudonym, seals_of_closed
from auctions.terms import single_lot_terms, terms_of
from tests.factories import BlockFactory, BuyerFactory, LotFactory, WindowFactory
from tests.integration.auctions.conftest import Auction, close_and_clear, turn_clock_past_close
from tests.integration.auctions.pages import bid_on
from tests.integration.auctions.test_expressive_bids import bid_of, filtered, leg_on, option, place

pytestmark = pytest.mark.django_db


def close(window: Window) -> None:
    turn_clock_past_close(window)
    assert close_window(window_id=window.pk)
    window.refresh_from_db()


def proof_of(bid: Bid) -> dict:
    bid.refresh_from_db()
    return inclusion_proof(bid.window, seals_of_closed(bid.window), bid, terms_of(bid))


class TestSeal:
    def test_every_bid_gets_a_receipt_of_its_own(self, auction: Auction) -> None:
        first = bid_on(auction.lot, auction.buyer)
        second = bid_on(auction.lot, auction.buyer)

        assert len(first.receipt_sha256) == len(first.nonce) == 64
        assert first.receipt_sha256 != second.receipt_sha256

    def test_a_changed_bid_gets_a_new_one(self, auction: Auction) -> None:
        placed = bid_on(auction.lot, auction.buyer)

        changed = change_bid(
            organization=auction.buyer,
            changed_by=None,
            bid_id=placed.pk,
            terms=single_lot_terms(auction.lot, units=5, price_ticks=30_000),
        )

        assert changed.nonce != placed.nonce
        assert changed.receipt_sha256 != placed.receipt_sha256

    def test_no_bid_is_in_the_book_without_one(self, auction: Auction) -> None:
        placed = bid_on(auction.lot, auction.buyer)

        with pytest.raises(IntegrityError, match="bid_sealed_while_in_the_book"), transaction.atomic():
            Bid.objects.filter(pk=placed.pk).update(receipt_sha256="")

    def test_an_organization_has_another_name_in_every_window(self, auction: Auction) -> None:
        other = WindowFactory()

        names = {organization_pseudonym(window, auction.buyer.pk) for window in (auction.window, other)}

        assert len(names) == 2


class TestClose:
    def test_publishes_a_root_that_every_bid_is_proven_against(self, auction: Auction) -> None:
        bids = [bid_on(auction.lot, BuyerFactory(), price_ticks=20_000 + n) for n in range(5)]
        gone = bid_on(auction.lot, auction.buyer)
        cancel_bid(organization=auction.buyer, cancelled_by=None, bid_id=gone.pk)
        assert auction.window.bids_root == ""

        close(auction.window)

        for position, bid in enumerate(bids):
            proof = proof_of(bid)
            check_proof(proof)
            assert (proof["position"], proof["n_bids"]) == (position, 5)
            assert proof["bids_root"] == auction.window.bids_root

    def test_a_proof_holds_before_and_after_the_clearing_alike(self, auction: Auction) -> None:
        bids = [bid_on(auction.lot, one) for one in (auction.buyer, auction.rival)]
        close(auction.window)
        before = [proof_of(bid) for bid in bids]

        clear_window(window_id=auction.window.pk)

        assert [proof_of(bid) for bid in bids] == before
        book = json.loads(WindowRecord.objects.get().book)
        for proof in before:
            check_bid_in_book(proof, book)

    def test_publishes_the_hash_of_the_book_that_clears_and_the_seal_over_both(
        self, auction: Auction
    ) -> None:
        placed = bid_on(auction.lot, auction.buyer)
        close(auction.window)
        sealed = proof_of(placed)
        assert sealed["seal"] == auction.window.seal
        assert sealed["seal"] == window_seal(auction.window.bids_root, auction.window.book_sha256)

        clear_window(window_id=auction.window.pk)

        book = WindowRecord.objects.get().book
        assert "sealed with" in check_book_bytes(sealed, book)
        assert auction.window.book_sha256 == sha256(book).hexdigest()

    def test_holds_a_window_whose_book_cannot_be_written(
        self, auction: Auction, caplog: pytest.LogCaptureFixture
    ) -> None:
        placed = bid_on(auction.lot, auction.buyer)
        placed.options.update(price_ticks=20_001)

        close(auction.window)

        assert auction.window.status == Window.Status.CLOSED
        assert "not sealed at close" in auction.window.held_reason
        assert auction.window.seal == ""
        assert [record.levelname for record in caplog.records] == ["CRITICAL"]
        assert not clear_window(window_id=auction.window.pk)

    def test_a_window_from_before_there_were_seals_has_proofs_to_its_root(self, auction: Auction) -> None:
        placed = bid_on(auction.lot, auction.buyer)
        close_and_clear(auction.window)
        Window.objects.update(seal="")

        proof = proof_of(placed)

        check_proof(proof)
        assert proof["format"] == 1
        assert "not proven" in check_book_bytes(proof, WindowRecord.objects.get().book)

    def test_a_bid_altered_after_close_is_not_proven(self, auction: Auction) -> None:
        placed = bid_on(auction.lot, auction.buyer)
        close(auction.window)

        placed.options.update(price_ticks=20_001)

        with pytest.raises(NoProof, match="receipt"):
            check_proof(proof_of(placed))


class TestTampering:
    """Whatever is changed between placing and clearing, by whatever hand, nobody is charged for it."""

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE auctions_bidoption SET price_ticks = price_ticks + 1",
            "UPDATE auctions_bidleg SET units = units + 1",
            "UPDATE auctions_bid SET nonce = repeat('0', 64)",
            "UPDATE auctions_bid SET organization_id = (SELECT max(id) FROM accounts_organization)",
            "UPDATE auctions_bid SET sequence = -sequence",
            "UPDATE auctions_bid SET status = 'cancelled' WHERE id = (SELECT max(id) FROM auctions_bid)",
            "UPDATE auctions_window SET bids_root = repeat('0', 64)",
            "UPDATE auctions_window SET book_sha256 = repeat('0', 64)",
            "UPDATE auctions_window SET pseudonym_key = repeat('0', 64)",
            "UPDATE auctions_lot SET reserve_ticks = reserve_ticks - 1",
            "UPDATE auctions_lot SET capacity_units[1] = capacity_units[1] - 1",
            "UPDATE auctions_lot SET ends_at = ends_at - interval '1 hour', capacity_units = capacity_units[1:1]",
            "UPDATE auctions_lot SET on_offer = false WHERE id = (SELECT max(id) FROM auctions_lot)",
            "UPDATE inventory_block SET unit_step = 2",
            "UPDATE inventory_site SET organization_id = (SELECT min(id) FROM accounts_organization)",
            "DELETE FROM auctions_bidleglot WHERE position = 1",
            "UPDATE auctions_bidleglot SET position = 2 WHERE position = 0 AND leg_id ="
            " (SELECT max(leg_id) FROM auctions_bidleglot)",
        ],
    )
    def test_holds_the_window(self, auction: Auction, statement: str) -> None:
        LotFactory(window=auction.window, block=BlockFactory(resource_type=auction.lot.block.resource_type))
        bid_on(auction.lot, auction.buyer)
        bid_on(auction.lot, auction.buyer)
        wanted = filtered(leg_on(auction.lot), auction.lot.block.resource_type)
        place(auction, bid_of(option(wanted)), organization=auction.rival)
        close(auction.window)
        with connection.cursor() as cursor:
            cursor.execute(statement)

        with pytest.raises(ClearingHeld):
            clear_window(window_id=auction.window.pk)

        auction.window.refresh_from_db()
        assert auction.window.status == Window.Status.CLOSED
        assert auction.window.held_reason
        assert not Award.objects.exists()
        assert not WindowRecord.objects.exists()


class TestRecord:
    @pytest.fixture
    def cleared(self, auction: Auction) -> Window:
        """Ten lots, so that their numbers sort otherwise as texts; a seller who also bids; several bidders."""
        lots = [auction.lot, *(LotFactory(window=auction.window) for _ in range(10))]
        for n, lot in enumerate(lots):
            bid_on(lot, auction.buyer, units=3, price_ticks=20_000 + n)
            bid_on(lot, auction.rival, units=6, price_ticks=15_000 + n)
        return close_and_clear(auction.window)

    def test_the_engine_run_by_anyone_gives_the_same_bytes(self, cleared: Window, tmp_path: Path) -> None:
        record = WindowRecord.objects.get(window=cleared)
        (tmp_path / "book.json").write_bytes(record.book)
        (tmp_path / "clearing.json").write_bytes(record.clearing)

        again = run_engine("clear", tmp_path / "book.json")
        verified = run_engine("verify", tmp_path / "book.json", tmp_path / "clearing.json")

        assert again.stdout == record.clearing
        assert verified.returncode == 0, verified.stdout

    def test_the_window_names_the_hash_of_the_very_bytes(self, cleared: Window) -> None:
        record = WindowRecord.objects.get(window=cleared)

        assert cleared.book_sha256 == sha256(record.book).hexdigest()
        assert record.clearing_sha256 == sha256(record.clearing).hexdigest()

    def test_the_rows_say_what_the_record_says(self, cleared: Window) -> None:
        clearing = json.loads(WindowRecord.objects.get(window=cleared).clearing)

        awards = Award.objects.filter(window=cleared)
        told = {(award["lot"], award["units"], award["amount"]) for award in clearing["awards"]}
        assert {(str(one.lot_id), one.units, one.amount_ticks) for one in awards} == told
        assert len(awards) == len(clearing["awards"]) == 22
        prices = {
            (row["lot"], row["hour"]): (row["paid"], row["marginal"], row["sold"])
            for row in clearing["prices"]
        }
        for lot in cleared.lots.all():
            first = (lot.starts_at - cleared.delivery_from).total_seconds() // 3600
            for price in lot.prices.order_by("hour"):
                assert prices[str(lot.pk), first] == (
                    price.paid_ticks,
                    price.marginal_ticks,
                    price.sold_units,
                )
                first += 1
        for organization in {award.organization for award in awards}:
            paid = sum(award.amount_ticks for award in awards if award.organization == organization)
            assert clearing["payments"][organization_pseudonym(cleared, organization.pk)] == paid

    def test_names_nobody(self, cleared: Window, auction: Auction) -> None:
        book = json.loads(WindowRecord.objects.get(window=cleared).book)

        names = {lot["seller"] for lot in book["lots"]} | {bid["bidder"] for bid in book["bids"]}
        assert {len(name) for name in names} == {20}
        bid_ids = {bid["id"] for bid in book["bids"]}
        assert {len(name) for name in bid_ids} == {20}
        assert [bid["sequence"] for bid in book["bids"]] == list(range(1, 23))

    @pytest.mark.parametrize(
        "statement",
        ["UPDATE auctions_windowrecord SET clearing_gzip = book_gzip", "DELETE FROM auctions_windowrecord"],
    )
    def test_stands_for_good(self, cleared: Window, statement: str) -> None:
        with (
            pytest.raises(IntegrityError, match="is published"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def run_engine(*arguments: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "auctions.engine", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False)


def clear_wrongly(**columns: object) -> Engine:
    """An engine whose clearings are right but for some columns, each given or made from the right one."""

    def engine(book: Book) -> Clearing:
        right = clear(book)
        wrong = {
            name: change(getattr(right, name)) if callable(change) else change
            for name, change in columns.items()
        }
        return replace(right, **wrong)

    return engine


class TestVerification:
    """No clearing is taken on the word of what made it."""

    @pytest.mark.parametrize(
        "engine",
        [
            clear_wrongly(revenue=lambda ticks: ticks + 1),
            clear_wrongly(surplus=lambda ticks: ticks - 1),
            clear_wrongly(award_amount=lambda ticks: ticks + 1),
            clear_wrongly(award_amount=lambda ticks: ticks * 0),
            clear_wrongly(award_units=lambda units: units + 1),
            clear_wrongly(award_start=lambda hours: hours + 1),
            clear_wrongly(award_bid=lambda rows: rows[::-1].copy()),
            clear_wrongly(payment=lambda ticks: ticks - 1),
            clear_wrongly(vcg=lambda ticks: ticks + 1),
            clear_wrongly(price_paid=lambda ticks: ticks + 1),
            clear_wrongly(price_marginal=lambda ticks: ticks + 1),
            clear_wrongly(price_sold=lambda units: units - 1),
            clear_wrongly(loser_reason=lambda reasons: (reasons * 0).astype(np.int8)),
            clear_wrongly(loser_minimum=lambda ticks: ticks - 1),
            clear_wrongly(loser_bid=lambda rows: rows[:0]),
            clear_wrongly(status="sure"),
        ],
    )
    def test_a_wrong_clearing_holds_the_window_and_charges_nobody(
        self, auction: Auction, engine: Engine, caplog: pytest.LogCaptureFixture
    ) -> None:
        winner = bid_on(auction.lot, auction.buyer, units=6, price_ticks=30_000)
        bid_on(auction.lot, auction.rival, units=6, price_ticks=20_000)
        loser = bid_on(auction.lot, BuyerFactory(), units=4, price_ticks=15_000)
        close(auction.window)

        with pytest.raises(ClearingHeld):
            clear_window(window_id=auction.window.pk, engine=engine)

        auction.window.refresh_from_db()
        assert auction.window.status == Window.Status.CLOSED
        assert "verification found" in auction.window.held_reason
        assert [record.levelname for record in caplog.records] == ["CRITICAL"]
        assert not Award.objects.exists()
        assert not WindowRecord.objects.exists()
        assert set(Bid.objects.values_list("status", flat=True)) == {Bid.Status.PLACED}
        held = dict(Hold.objects.filter(released_at=None).values_list("reference", "amount_cents"))
        assert held[f"bid:{winner.pk}"] == winner.hold_cents
        assert held[f"bid:{loser.pk}"] == loser.hold_cents

    def test_a_clearing_of_another_book_holds_the_window(self, auction: Auction) -> None:
        bid_on(auction.lot, auction.buyer, units=6, price_ticks=30_000)
        close(auction.window)

        with pytest.raises(ClearingHeld):
            clear_window(
                window_id=auction.window.pk,
                engine=lambda book: clear(
                    replace(book, option_limit=book.option_limit + 1, document_sha256="")
                ),
            )
