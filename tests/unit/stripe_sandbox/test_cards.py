import pytest

from settlements.stripe_sandbox.cards import TEST_CARDS, Authentication, passes_luhn


class TestTable:
    @pytest.mark.parametrize("card", TEST_CARDS, ids=lambda card: card.method_id)
    def test_every_number_is_well_formed(self, card):
        assert passes_luhn(card.number)
        assert card.method_id.startswith("pm_card_")
        assert card.decline is not None or not card.declines_setup

    def test_names_each_card_once(self):
        assert len({card.number for card in TEST_CARDS}) == len(TEST_CARDS)
        assert len({card.method_id for card in TEST_CARDS}) == len(TEST_CARDS)


class TestNeedsAuthentication:
    @pytest.mark.parametrize(
        ("authentication", "on_session", "off_session_fresh", "off_session_set_up"),
        [
            (Authentication.NEVER, False, False, False),
            (Authentication.UNLESS_SET_UP, True, True, False),
            (Authentication.ON_SESSION, True, False, False),
            (Authentication.ALWAYS, True, True, True),
        ],
    )
    def test_each_kind(self, authentication, on_session, off_session_fresh, off_session_set_up):
        card = next(card for card in TEST_CARDS if card.authentication is authentication)

        assert card.needs_authentication(off_session=False, set_up=True) is on_session
        assert card.needs_authentication(off_session=True, set_up=False) is off_session_fresh
        assert card.needs_authentication(off_session=True, set_up=True) is off_session_set_up


def test_luhn_catches_every_single_wrong_digit():
    number = "4242424242424242"
    wrong = [
        number[:place] + digit + number[place + 1 :]
        for place in range(len(number))
        for digit in "0123456789"
        if digit != number[place]
    ]
    assert not any(map(passes_luhn, wrong))
