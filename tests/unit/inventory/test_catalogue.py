from inventory.catalogue import CATALOGUE, GPU, MODEL


class TestCatalogue:
    def test_names_every_type_once(self):
        assert len({entry.slug for entry in CATALOGUE}) == len(CATALOGUE)
        assert len({entry.name for entry in CATALOGUE}) == len(CATALOGUE)

    def test_gives_gpus_their_memory_and_models_none(self):
        assert all(entry.memory_gib for entry in CATALOGUE if entry.kind == GPU)
        assert not any(entry.memory_gib or entry.power_watts for entry in CATALOGUE if entry.kind == MODEL)

    def test_posts_prices_in_ticks(self):
        [h100] = [entry for entry in CATALOGUE if entry.slug == "H100-SXM5-80GB"]

        assert (h100.posted_price_ticks, h100.node_units) == (68_800, 8)
