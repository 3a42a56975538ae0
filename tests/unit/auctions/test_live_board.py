"""The board's numbers: what a socket at any of them lacks, and that following frames leads to what stands."""

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from auctions.live.board import ENDED_WINDOWS_KEPT, Board, ProductRow, WindowState

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def window(pk: int = 1, phase: str = "open") -> WindowState:
    return WindowState(pk, "intraday", phase, NOW, NOW + timedelta(minutes=14), NOW + timedelta(minutes=15))


def row(paid: int | None, *, window_id: int = 1, region: str = "us-east") -> ProductRow:
    return ProductRow(window_id, 3, region, paid, 20_000, 64, 2, False)


def update(board: Board, *rows: ProductRow, windows: tuple[WindowState, ...] = (window(),)) -> bool:
    return board.update(on_board=windows, ended=(), rows=rows)


def frame(board: Board, seq: int | None) -> dict:
    """What a socket at ``seq`` is sent."""
    delta = None if seq is None else board.delta_since(seq)
    return json.loads(delta or board.snapshot(now=NOW))


class TestWhatASocketLacks:
    def test_gives_a_newcomer_everything(self) -> None:
        board = Board()
        board.replace(on_board=[window()], rows=[row(21_000)])

        told = frame(board, None)

        assert (told["type"], told["seq"], told["server_time"]) == ("snapshot", 1, "2026-03-01T12:00:00.000Z")
        assert told["windows"][0]["closes_at"] == "2026-03-01T12:15:00.000Z"
        assert told["rows"] == [
            {
                "window": 1,
                "product": "3:us-east",
                "paid": 21_000,
                "entry": 20_000,
                "offered": 64,
                "lots": 2,
                "estimate": False,
            }
        ]

    def test_conflates_what_a_slow_reader_missed(self) -> None:
        board = Board()
        board.replace(on_board=[window()], rows=[row(1), row(1, region="eu-west")])
        behind = board.seq
        for paid in (2, 3, 4):
            update(board, row(paid))

        told = frame(board, behind)

        assert (told["type"], told["prev"], told["seq"]) == ("delta", behind, board.seq)
        assert [each["paid"] for each in told["rows"]] == [4]

    def test_shares_one_text_between_readers_at_the_same_number(self) -> None:
        board = Board()
        board.replace(on_board=[window()], rows=[row(1)])
        behind = board.seq
        update(board, row(2))

        assert board.delta_since(behind) is board.delta_since(behind)

    def test_gives_a_snapshot_to_a_number_it_never_gave_out(self) -> None:
        board = Board()
        board.replace(on_board=[window()], rows=[])

        assert frame(board, 17)["type"] == "snapshot"

    def test_gives_a_snapshot_to_everyone_after_a_new_start(self) -> None:
        board = Board()
        board.replace(on_board=[window()], rows=[row(1)])
        before = board.seq
        board.replace(on_board=[window()], rows=[row(1)])

        assert frame(board, before)["type"] == "snapshot"


class TestUpdate:
    def test_keeps_its_number_when_nothing_is_new(self) -> None:
        board = Board()
        board.replace(on_board=[window()], rows=[row(1)])
        before = board.seq

        assert not update(board, row(1))
        assert board.seq == before

    def test_tells_the_last_of_a_window_and_forgets_its_rows(self) -> None:
        board = Board()
        board.replace(on_board=[window(1), window(2)], rows=[row(1), row(1, window_id=2)])
        before = board.seq
        board.update(on_board=[window(2)], ended=[window(1, "cleared")], rows=[])

        assert [(each["id"], each["phase"]) for each in frame(board, before)["windows"]] == [(1, "cleared")]
        assert [each["id"] for each in frame(board, None)["windows"]] == [2]
        assert [each["window"] for each in frame(board, None)["rows"]] == [2]

    def test_leaves_out_rows_of_windows_that_are_not_on_the_board(self) -> None:
        board = Board()
        board.replace(on_board=[window()], rows=[])

        assert not update(board, row(1, window_id=9))

    def test_remembers_a_bounded_number_of_ended_windows(self) -> None:
        board = Board()
        board.replace(on_board=[window(0)], rows=[])
        before = board.seq
        for pk in range(ENDED_WINDOWS_KEPT + 1):
            board.update(on_board=[window(pk + 1)], ended=[window(pk, "cleared")], rows=[])

        assert frame(board, before)["type"] == "snapshot"
        assert len(frame(board, board.seq - ENDED_WINDOWS_KEPT)["windows"]) == ENDED_WINDOWS_KEPT + 1


changes = st.lists(
    st.tuples(
        st.sampled_from([1, 2]), st.sampled_from(["us-east", "eu-west"]), st.integers(0, 5), st.booleans()
    ),
    max_size=30,
)


@given(changes)
def test_any_reader_that_follows_the_numbers_ends_where_the_board_stands(
    steps: list[tuple[int, str, int, bool]],
) -> None:
    board = Board()
    board.replace(on_board=[window(1), window(2)], rows=[])
    position: int | None = None
    seen: dict[tuple[int, str], int] = {}
    for window_id, region, paid, reads in [*steps, (1, "us-east", 6, True)]:
        update(board, row(paid, window_id=window_id, region=region), windows=(window(1), window(2)))
        if reads and position != board.seq:
            told = frame(board, position)
            assert told["type"] == "snapshot" or told["prev"] == position
            seen |= {(each["window"], each["product"]): each["paid"] for each in told["rows"]}
            position = told["seq"]

    standing = {(each["window"], each["product"]): each["paid"] for each in frame(board, None)["rows"]}
    assert seen == standing
