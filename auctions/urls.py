"""Addresses of the auctions' pages; the board itself stands at the root of the site."""

from django.urls import path

from auctions.views import bids, compose, curves, hours, markets, operate, prices, records, reserve, ticket

app_name = "auctions"
urlpatterns = [
    path("markets/<slug:slug>/", markets.market, name="market"),
    path("markets/<slug:slug>/hours/", hours.hour_map, name="hour_map"),
    path("windows/<int:pk>/", markets.window, name="window"),
    path("windows/<int:pk>/curves/", curves.window_curves, name="window_curves"),
    path("windows/<int:pk>/curves.csv", curves.window_curves_csv, name="window_curves_csv"),
    path("windows/<int:pk>/check/", records.window_check, name="window_check"),
    path("windows/<int:pk>/book.json", records.window_book, name="window_book"),
    path("windows/<int:pk>/clearing.json", records.window_clearing, name="window_clearing"),
    path("lots/<int:pk>/bid/", ticket.ticket, name="bid_ticket"),
    path("lots/<int:pk>/bid/cost/", ticket.cost, name="bid_cost"),
    path("lots/<int:pk>/bid/review/", ticket.review, name="bid_review"),
    path("lots/<int:pk>/bid/confirm/", ticket.confirm, name="bid_confirm"),
    path("lots/<int:pk>/bid/more/", compose.compose, name="bid_compose"),
    path("bids/", bids.bid_list, name="bid_list"),
    path("bids/<int:pk>/", bids.bid_detail, name="bid_detail"),
    path("bids/<int:pk>/ask/", bids.bid_ask, name="bid_ask"),
    path("bids/<int:pk>/change/", bids.bid_change, name="bid_change"),
    path("bids/<int:pk>/change/more/", compose.recompose, name="bid_recompose"),
    path("bids/<int:pk>/cancel/", bids.bid_cancel, name="bid_cancel"),
    path("bids/<int:pk>/proof.json", records.bid_proof, name="bid_proof"),
    path("operate/", operate.overview, name="operate_overview"),
    path("operate/markets/", operate.market_list, name="operate_market_list"),
    path("operate/markets/new/", operate.market_create, name="operate_market_create"),
    path("operate/markets/<int:pk>/", operate.market_change, name="operate_market_change"),
    path("operate/markets/<int:pk>/pause/", operate.market_pause, name="operate_market_pause"),
    path("operate/windows/<int:pk>/cancel/", operate.window_cancel, name="operate_window_cancel"),
    path("operate/windows/<int:pk>/retry/", operate.window_retry, name="operate_window_retry"),
    path("prices/", prices.product_list, name="price_list"),
    path("prices/<slug:slug>/<slug:region>/", prices.product_prices, name="price_history"),
    path("prices/<slug:slug>/<slug:region>/prices.csv", prices.product_prices_csv, name="price_csv"),
    path("sell/reserve/", reserve.reserve_advice, name="reserve_advice"),
    path("sell/reserve/brief/", reserve.reserve_brief, name="reserve_brief"),
    path("awards/", bids.award_list, name="award_list"),
]
