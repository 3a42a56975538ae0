import codecs

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from inventory.csv_import import MAX_FILE_BYTES, MAX_HOURS, MAX_ROWS
from inventory.models import Block, BlockHour
from marketplace.hours import HOUR
from tests.factories import ResourceTypeFactory, SiteFactory, next_hour

pytestmark = pytest.mark.django_db

HEADER = "site,resource_type,units,starts_at,ends_at,reserve,floor,decline_hours"

YESTERDAY = f"{next_hour() - 24 * HOUR:%Y-%m-%d %H:%M}"


@pytest.fixture(autouse=True)
def resource_type(db):
    return ResourceTypeFactory(slug="H100-SXM5-80GB", node_units=8)


def row(site="Ashburn 1", kind="H100-SXM5-80GB", units="16", reserve="2.4950", floor="", decline="", **times):
    start = times.get("start", f"{next_hour():%Y-%m-%d %H:%M}")
    end = times.get("end", f"{next_hour() + 4 * HOUR:%Y-%m-%d %H:%M}")
    return ",".join([site, kind, units, start, end, reserve, floor, decline])


def text(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows]).encode()


def upload(client: Client, content: bytes):
    file = SimpleUploadedFile("blocks.csv", content, content_type="text/csv")
    return client.post(reverse("inventory:block_import"), {"file": file})


def errors_of(response) -> list[tuple[int, str, str]]:
    assert response.status_code == 422
    assert not Block.objects.exists()
    assert not BlockHour.objects.exists()
    return [(error.line, error.column, error.message) for error in response.context["errors"]]


class TestGoodFiles:
    def test_every_row_is_listed(self, seller_client, own_site):
        response = upload(seller_client, text(row(), row(units="8", floor="1.5", decline="3")))

        assert response.url == reverse("inventory:block_list")
        assert list(Block.objects.order_by("id").values_list("units", "reserve_ticks", "floor_ticks")) == [
            (16, 24_950, None),
            (8, 24_950, 15_000),
        ]
        assert Block.objects.first().starts_at == next_hour()

    @pytest.mark.parametrize(
        "dress",
        [
            lambda plain: codecs.BOM_UTF8 + plain,
            lambda plain: plain.decode().encode("utf-16"),
            lambda plain: plain.replace(b"\n", b"\r\n"),
            lambda plain: plain.replace(b"\n", b"\r"),
            lambda plain: plain.replace(b",", b";"),
            lambda plain: plain.replace(b",", b"\t"),
            lambda plain: b"\n\n" + plain.replace(b"\n", b"\n,,,,,,,\n\n") + b"\n\n",
            lambda plain: plain.replace(b"resource_type,units", b" Resource Type ,UNITS"),
            lambda plain: plain.replace(b"Ashburn 1", b'" ashburn 1 "'),
        ],
        ids=["BOM", "UTF-16", "CRLF", "CR", "semicolons", "tabs", "blank lines", "loose header", "quotes"],
    )
    def test_spreadsheets_write_it_in_many_ways(self, seller_client, own_site, dress):
        assert upload(seller_client, dress(text(row()))).status_code == 302
        assert Block.objects.count() == 1

    @pytest.mark.parametrize(("n_rows", "said"), [(1, "1 block is listed."), (2, "2 blocks are listed.")])
    def test_it_is_said_how_many_were_listed(self, seller_client, own_site, n_rows, said):
        rows = [row(units=str(8 * number)) for number in range(1, n_rows + 1)]

        upload(seller_client, text(*rows))

        assert said in seller_client.get(reverse("inventory:block_list")).content.decode()

    def test_columns_may_come_in_any_order_and_optional_ones_be_left_out(self, seller_client, own_site):
        site, kind, units, start, end, reserve, _, _ = row().split(",")
        content = f"reserve,units,ends_at,starts_at,site,resource_type\n{reserve},{units},{end},{start},{site},{kind}"

        assert upload(seller_client, content.encode()).status_code == 302

    def test_times_may_carry_an_offset(self, seller_client, own_site):
        start = f"{next_hour():%Y-%m-%dT%H:%M}Z"

        upload(seller_client, text(row(start=start)))

        assert Block.objects.get().starts_at == next_hour()

    def test_the_template_shows_the_columns_and_an_own_site(self, seller_client, own_site):
        response = seller_client.get(reverse("inventory:block_import_template"))

        header, example = response.content.decode().splitlines()
        assert header == HEADER
        assert example.startswith("Ashburn 1,H100-SXM5-80GB,64,")
        assert response["Content-Type"].startswith("text/csv")


class TestBadRows:
    def test_a_bad_row_in_the_middle_lists_nothing_and_names_line_and_column(self, seller_client, own_site):
        response = upload(seller_client, text(row(), row(units="12"), row(units="8")))

        [(line, column, message)] = errors_of(response)
        assert (line, column) == (3, "units")
        assert "multiple of 8" in message
        assert "multiple of 8" in response.content.decode()

    @pytest.mark.parametrize(
        ("cells", "column", "message"),
        [
            ({"site": "Nowhere"}, "site", "no site called “Nowhere”"),
            ({"site": ""}, "site", "Say which site."),
            ({"kind": "H999"}, "resource_type", "“H999” is no type on sale"),
            ({"units": "8.5"}, "units", "not a whole number"),
            ({"units": "0"}, "units", "at least one unit"),
            ({"units": "-8"}, "units", "not a whole number"),
            ({"units": ""}, "units", "Write a whole number."),
            ({"units": "９"}, "units", "not a whole number"),
            ({"units": "8" * 400}, "units", "not a whole number"),
            ({"start": "tomorrow"}, "starts_at", "“tomorrow” is not a time"),
            ({"start": "0001-01-01T00:00+14:00"}, "starts_at", "is not a time"),
            ({"end": "9999-12-31T23:00-01:00"}, "ends_at", "is not a time"),
            ({"start": YESTERDAY}, "starts_at", "The start has passed."),
            ({"end": "2020-01-01 00:00"}, "ends_at", "must come after the start"),
            ({"end": "2100-01-01 00:00"}, "ends_at", "at most 366 days"),
            ({"reserve": ""}, "reserve", "is not a price"),
            ({"reserve": "cheap"}, "reserve", "“cheap” is not a price"),
            ({"reserve": "1.00001"}, "reserve", "ticks of $0.0001"),
            ({"floor": "9", "decline": "2"}, "floor", "above the reserve"),
            ({"floor": "1"}, "decline_hours", "over how many hours"),
            ({"decline": "2"}, "floor", "which floor"),
        ],
    )
    def test_say_what_is_wrong(self, seller_client, own_site, cells, column, message):
        [(line, found, said)] = errors_of(upload(seller_client, text(row(**cells))))

        assert (line, found) == (2, column)
        assert message in said

    def test_all_errors_are_told_at_once(self, seller_client, own_site):
        content = text(row(site="Nowhere", units="x"), row(), row(reserve="y"))

        assert [(line, column) for line, column, _ in errors_of(upload(seller_client, content))] == [
            (2, "site"),
            (2, "units"),
            (4, "reserve"),
        ]

    def test_lines_are_counted_across_cells_that_span_lines(self, seller_client, own_site):
        content = text(row(site='"Ash\nburn"'), row(units="x"))

        assert [line for line, _, _ in errors_of(upload(seller_client, content))] == [2, 4]

    def test_a_repeated_row_is_refused(self, seller_client, own_site):
        [(line, column, message)] = errors_of(upload(seller_client, text(row(), row())))

        assert (line, column, message) == (3, "", "This row repeats an earlier one.")

    def test_uploading_the_same_file_again_lists_nothing_twice(self, seller_client, own_site):
        upload(seller_client, text(row()))

        response = upload(seller_client, text(row()))

        assert response.status_code == 422
        assert response.context["errors"][0].message == "You list exactly this block already."
        assert Block.objects.count() == 1

    def test_the_site_of_another_seller_is_not_known(self, seller_client, own_site):
        SiteFactory(name="Foreign")

        [(_, column, _)] = errors_of(upload(seller_client, text(row(site="Foreign"))))

        assert column == "site"

    def test_a_site_whose_name_differs_from_another_s_in_capitals_only_is_meant_exactly(
        self, seller_client, own_site
    ):
        SiteFactory(organization=own_site.organization, name="ASHBURN 1")

        [(_, column, message)] = errors_of(upload(seller_client, text(row(site="ashburn 1"))))
        assert (column, message.partition(":")[2]) == ("site", " write it exactly.")

        upload(seller_client, text(row(site="Ashburn 1")))
        assert Block.objects.get().site == own_site

    @pytest.mark.parametrize(("cells", "count"), [("a,b", 2), (row() + ",9", 9)])
    def test_a_row_of_another_length_is_refused(self, seller_client, own_site, cells, count):
        [(line, _, message)] = errors_of(upload(seller_client, text(cells)))

        assert (line, message) == (2, f"This row has {count} cells, the header names 8 columns.")


class TestBadFiles:
    @pytest.mark.parametrize(
        ("content", "line", "column", "message"),
        [
            (b"", 1, "", "The file is empty."),
            (b"\n\n , \n", 1, "", "The file is empty."),
            (HEADER.encode(), 1, "", "a header but no rows"),
            (b"site\xff\xfe,units\n", 1, "", "not UTF-8"),
            (HEADER.encode() + b"\nS\xe3o Paulo,x", 2, "", "not UTF-8"),
            (HEADER.encode() + b"\n\0\0", 2, "", "no text file"),
            (b"\xff\xfe\x00", 1, "", "not UTF-8"),
            (HEADER.encode() + b'\n"never closed', 2, "", "no CSV"),
            (HEADER.encode() + b'\n"a"b,c', 2, "", "no CSV"),
            (HEADER.replace("units,", "").encode() + b"\na", 1, "units", "no such column"),
            (HEADER.encode() + b",colour\na", 1, "colour", "not known"),
            (HEADER.encode() + b",units\na", 1, "units", "twice"),
            (row().encode(), 1, "site", "no such column"),
        ],
    )
    def test_say_what_is_wrong_and_where(self, seller_client, own_site, content, line, column, message):
        first = errors_of(upload(seller_client, content))[0]

        assert (first[0], first[1]) == (line, column)
        assert message in first[2]

    def test_a_file_beyond_the_size_limit_is_refused(self, seller_client):
        [(_, _, message)] = errors_of(upload(seller_client, b"x" * (MAX_FILE_BYTES + 1)))

        assert "larger than 1 MB" in message

    def test_a_file_of_too_many_rows_is_refused(self, seller_client, own_site):
        [(line, _, message)] = errors_of(upload(seller_client, text(*[row()] * (MAX_ROWS + 1))))

        assert (line, message) == (MAX_ROWS + 2, "A file has at most 1,000 rows. Split it.")

    def test_a_file_of_too_many_hours_is_refused(self, seller_client, own_site):
        n_years = MAX_HOURS // (366 * 24)
        long = row(end=f"{next_hour() + 366 * 24 * HOUR:%Y-%m-%d %H:%M}")

        [(line, _, message)] = errors_of(upload(seller_client, text(*[long] * (n_years + 2))))

        assert (line, message) == (
            n_years + 2,
            "Up to here it is more than 100,000 hours of blocks. Split it.",
        )

    def test_are_not_complained_of_before_they_are_sent(self, seller_client):
        response = seller_client.get(reverse("inventory:block_import"))

        assert response.status_code == 200
        assert not response.context["form"].errors

    def test_no_file_at_all_is_said_beside_the_field(self, seller_client):
        response = seller_client.post(reverse("inventory:block_import"))

        assert response.status_code == 422
        assert "file" in response.context["form"].errors
