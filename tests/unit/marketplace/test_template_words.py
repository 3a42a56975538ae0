"""What templates say: money, hours, states, icons."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.template import Context, engines
from django.urls import ResolverMatch
from django.utils import timezone

from marketplace.templatetags import sparegrid

ROOT = Path(__file__).resolve().parents[3]
START = datetime(2026, 11, 24, 14, tzinfo=UTC)


def render(text: str, **context: object) -> str:
    source = f"{{% load sparegrid %}}{text}"
    return engines["django"].from_string(source).render(context)


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", html).split())


class TestFilters:
    def test_show_money_units_and_counts(self):
        assert render("{{ 24950|ticks }}") == "$2.4950"
        assert render("{{ 123456|cents }}") == "$1,234.56"
        assert render("{{ 1024|units }}") == "1,024 GPUs"
        assert render("{{ 1|units }}") == "1 GPU"
        assert render("{{ 8|units:'model' }}") == "8 × 1k tok/s"
        assert render("{{ 4812|thousands }}") == "4,812"
        assert render("{{ 'model'|unit_hour }} {{ 'gpu'|unit_hour }}") == "1k tok/s-hour GPU-hour"

    def test_show_a_gap_rounded_up(self):
        assert render("{{ 0.013601|gap }}") == "1.37\N{NO-BREAK SPACE}%"
        assert render("{{ 0.0|gap }}") == "0\N{NO-BREAK SPACE}%"
        assert render("{{ 0.00000001|gap }}") == "0.01\N{NO-BREAK SPACE}%"

    @pytest.mark.parametrize("name", ["ticks", "cents", "units", "thousands", "gap"])
    def test_show_a_dash_for_nothing(self, name):
        assert render(f"{{{{ nothing|{name} }}}}", nothing=None) == "–"


class TestTimes:
    def test_hours_span_names_the_day_once(self):
        html = render("{% hours_span start end %}", start=START, end=START + timedelta(hours=6))
        assert words(html) == "Tue 24 Nov 14:00–20:00 UTC (6 h)"

    def test_hours_span_names_both_days_across_midnight(self):
        html = render("{% hours_span start end %}", start=START, end=START + timedelta(hours=12))
        assert words(html) == "Tue 24 Nov 14:00–Wed 25 Nov 02:00 UTC (12 h)"

    def test_hours_span_names_both_years_across_new_year(self):
        html = render("{% hours_span start end %}", start=START, end=START + timedelta(hours=1206))
        assert words(html) == "Tue 24 Nov 2026 14:00–Wed 13 Jan 2027 20:00 UTC (1,206 h)"

    def test_utc_carries_the_instant_for_machines(self):
        assert render("{% utc at %}", at=START) == (
            '<time datetime="2026-11-24T14:00:00+00:00" data-local class="nowrap">Tue 24 Nov 14:00 UTC</time>'
        )

    def test_countdown_shows_the_instant_without_javascript(self):
        at = timezone.now().replace(microsecond=0) + timedelta(days=2)
        assert (
            words(render("{% countdown at 'Closes' %}", at=at))
            == f"Closes {at:%a} {at.day} {at:%b %H:%M} UTC"
        )

    def test_countdown_says_in_only_where_time_left_can_follow(self):
        html = render("{% countdown at 'Closes in' %}", at=timezone.now())
        assert 'Closes<span class="js-only"> in</span>' in html


class TestStatusPill:
    def test_says_the_state_in_a_word_with_an_icon(self):
        html = render("{% status_pill 'part_won' 'Partly won' %}")
        assert words(html) == "Partly won"
        assert "icons.svg#half" in html

    def test_shows_an_unknown_state_plainly(self):
        assert words(render("{% status_pill 'under_review' %}")) == "Under review"

    def test_every_state_of_every_model_has_a_look(self):
        own = [m for m in apps.get_models() if m._meta.app_label in {"inventory", "auctions", "settlements"}]
        states = {state for model in own for state in getattr(getattr(model, "Status", None), "values", [])}
        assert states
        assert states <= set(sparegrid.LOOKS)


class TestPrice:
    def test_says_the_direction_in_a_sign_and_a_word(self):
        assert words(render("{% price 24950 350 per='GPU-hour' %}")) == "$2.4950 / GPU-hour ▲up $0.0350"
        assert words(render("{% price 24950 change %}", change=-350)) == "$2.4950 ▼down $0.0350"
        assert words(render("{% price 24950 0 %}")) == "$2.4950 =unchanged 0"

    def test_keeps_room_for_a_change_only_where_one_may_come(self):
        assert "data-price-change" in render("{% price 24950 None %}")
        assert "data-price-change" not in render("{% price 24950 %}")

    def test_shows_a_dash_where_there_is_no_price(self):
        assert words(render("{% price nothing %}", nothing=None)) == "–"


class TestNavItem:
    @pytest.fixture
    def current(self, rf):
        def current(here: str, item: str) -> bool:
            request = rf.get("/")
            namespace, _, name = here.rpartition(":")
            request.resolver_match = ResolverMatch(print, (), {}, name, namespaces=[namespace])
            return sparegrid.nav_item(Context({"request": request}), item, "Bids")["is_current"]

        return current

    def test_is_current_on_its_page_and_the_pages_below_it(self, current):
        assert current("auctions:bid_list", "auctions:bid_list")
        assert current("auctions:bid_detail", "auctions:bid_list")

    def test_is_not_current_elsewhere(self, current):
        assert not current("auctions:award_list", "auctions:bid_list")
        assert not current("bidding", "board")

    def test_leaves_out_a_page_that_does_not_exist(self):
        assert words(render("{% nav_item 'nowhere:at_all' 'Nowhere' %}")) == ""


class TestIcons:
    def test_every_icon_in_use_is_in_the_sheet(self):
        sheet = set(re.findall(r'<symbol id="([\w-]+)"', (ROOT / "static/img/icons.svg").read_text()))
        templates = "".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
        used = set(re.findall(r'{% icon "([\w-]+)" %}', templates)) | {
            look.icon for look in sparegrid.LOOKS.values()
        }
        assert used <= sheet


class TestSparkline:
    def test_draws_from_the_lowest_at_the_bottom_to_the_highest_at_the_top(self):
        html = render("{% sparkline values %}", values=[10, 30, 20])
        assert 'points="0.0,19.0 36.0,1.0 72.0,10.0"' in html
        assert 'aria-hidden="true"' in html

    def test_draws_nothing_of_less_than_three(self):
        assert words(render("{% sparkline values %}", values=[10, 20])) == ""

    def test_draws_a_level_line_of_equal_numbers(self):
        assert 'points="0.0,19.0 36.0,19.0 72.0,19.0"' in render("{% sparkline values %}", values=[5, 5, 5])
