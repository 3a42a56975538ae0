"""Jobs: hints that a window may be due. Each re-reads the row; a job that comes early or twice does nothing."""

from auctions.operations import clearing, inquiries, standing, windows
from marketplace.jobs import task

QUEUE = "auctions"
QUEUE_INQUIRIES = "inquiries"
"""Kept apart, so that no question about a past window keeps a present one from clearing."""


@task(name="auctions.freeze_window", queue=QUEUE)
def freeze_window(window_id: int) -> None:
    windows.freeze_window(window_id=window_id)


@task(name="auctions.close_window", queue=QUEUE)
def close_window(window_id: int) -> None:
    windows.close_window(window_id=window_id)


@task(name="auctions.clear_window", queue=QUEUE)
def clear_window(window_id: int) -> None:
    clearing.clear_window(window_id=window_id)


@task(name="auctions.answer_inquiry", queue=QUEUE_INQUIRIES)
def answer_inquiry(inquiry_id: int) -> None:
    inquiries.answer_inquiry(inquiry_id=inquiry_id)


@task(name="auctions.bid_for_order", queue=QUEUE)
def bid_for_order(order_id: int) -> None:
    while standing.bid_for_order(order_id=order_id):
        pass
