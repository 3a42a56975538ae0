"""The tail of an own feed, and the hints that lead to it."""

from auctions.live.messages import HINT_BYTES_MAX, Hint
from auctions.live.own import EVENTS_KEPT, OwnFeed


def feed_with(*sequences: int) -> OwnFeed:
    feed = OwnFeed(1)
    feed.extend((sequence, f"event {sequence}") for sequence in sequences)
    return feed


class TestOwnFeed:
    def test_gives_what_follows_a_position_in_order(self) -> None:
        assert feed_with(1, 2, 3).since(1) == ["event 2", "event 3"]

    def test_has_nothing_for_one_who_is_there_or_ahead(self) -> None:
        feed = feed_with(1, 2)

        assert feed.since(2) == []
        assert feed.since(5) == []

    def test_takes_no_event_twice(self) -> None:
        feed = feed_with(1, 2)
        feed.extend([(2, "again"), (3, "event 3")])

        assert feed.since(0) == ["event 1", "event 2", "event 3"]

    def test_sends_to_the_database_who_is_further_behind_than_it_keeps(self) -> None:
        feed = feed_with(*range(1, EVENTS_KEPT + 3))

        assert feed.since(1) is None
        assert feed.since(2) == [f"event {sequence}" for sequence in range(3, EVENTS_KEPT + 3)]

    def test_sends_to_the_database_whoever_lacks_what_it_skipped(self) -> None:
        feed = feed_with(1, 2)
        feed.skip_to(7)
        feed.extend([(8, "event 8")])

        assert feed.since(2) is None
        assert feed.since(7) == ["event 8"]

    def test_drops_its_tail_rather_than_hide_a_gap(self) -> None:
        feed = feed_with(1, 2, 9)

        assert feed.since(2) is None
        assert feed.since(8) == ["event 9"]


class TestHint:
    def test_survives_the_wire(self) -> None:
        hint = Hint(prices=True, windows=False, organizations={7: 12, 8: 1})

        assert Hint.decode(hint.encode()) == hint

    def test_names_no_organization_when_there_are_too_many(self) -> None:
        hint = Hint(prices=False, windows=False, organizations=dict.fromkeys(range(100_000, 101_000), 10**9))

        assert len(hint.encode()) <= HINT_BYTES_MAX
        assert Hint.decode(hint.encode()) == Hint(prices=False, windows=False, organizations=None)

    def test_merges_to_the_earliest_of_each(self) -> None:
        hints = [
            Hint(prices=False, windows=False, organizations={7: 12}),
            Hint(prices=True, windows=False, organizations={7: 14, 8: 1}),
        ]

        assert Hint.merge(hints) == Hint(prices=True, windows=False, organizations={7: 12, 8: 1})

    def test_merges_to_everyone_when_one_names_nobody(self) -> None:
        hints = [
            Hint(prices=False, windows=False, organizations=None),
            Hint(prices=False, windows=False, organizations={7: 14}),
        ]

        assert Hint.merge(hints) == Hint(prices=False, windows=False, organizations=None)
