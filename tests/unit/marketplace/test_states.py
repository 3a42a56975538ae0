import pytest

from marketplace.states import IllegalTransition, Transitions, require_transition

TABLE: Transitions = {"open": frozenset({"shut"}), "shut": frozenset()}


class TestRequireTransition:
    def test_lets_through_what_the_table_leads_to(self):
        require_transition(TABLE, "open", "shut")

    @pytest.mark.parametrize(("source", "target"), [("shut", "open"), ("open", "open"), ("open", "unknown")])
    def test_refuses_the_rest_and_names_both_ends(self, source, target):
        with pytest.raises(IllegalTransition) as refused:
            require_transition(TABLE, source, target)

        assert (refused.value.source, refused.value.target) == (source, target)
