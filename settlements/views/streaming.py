"""Files that are sent while they are still being read from the database."""

from collections.abc import AsyncIterator, Callable, Iterator

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse


def csv_file(make: Callable[[], Iterator[str]], filename: str) -> StreamingHttpResponse:
    """Return a CSV download of the lines that ``make`` yields."""
    return StreamingHttpResponse(
        _in_threads(make),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )


async def _in_threads(make: Callable[[], Iterator[str]]) -> AsyncIterator[str]:
    """Hand on what an iterator that queries yields, without holding up the event loop."""
    iterator = await sync_to_async(make)()
    while (part := await sync_to_async(lambda: next(iterator, None))()) is not None:
        yield part
