import psycopg
import pytest

from marketplace.postgres import database_url


class TestDatabaseUrl:
    def test_is_the_environments_where_given(self, monkeypatch):
        monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere/else")
        assert database_url() == "postgresql://somewhere/else"

    def test_without_a_server_connecting_says_how_to_start_one(self, monkeypatch, tmp_path):
        monkeypatch.delenv("DATABASE_URL")
        monkeypatch.setenv("SPAREGRID_DATA_DIR", str(tmp_path))
        with pytest.raises(
            psycopg.OperationalError, match="NOT RUNNING: start it with 'make run' or 'make db'"
        ):
            psycopg.connect(database_url())
