"""What stands before the virtual environment: finding a Python, and installing only what changed."""

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from marketplace.paths import CHECKOUT


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch) -> ModuleType:
    """scripts/bootstrap.py, with requirements and a virtual environment in a folder of their own."""
    spec = importlib.util.spec_from_file_location("bootstrap", CHECKOUT / "scripts" / "bootstrap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "VENV", tmp_path)
    for constant in ("RUN_REQUIREMENTS", "TEST_REQUIREMENTS", "POSTGRES_REQUIREMENTS"):
        file = tmp_path / getattr(module, constant).name
        file.write_text(f"{constant}==1\n")
        monkeypatch.setattr(module, constant, file)
    return module


class TestFindPython:
    def test_without_one_says_what_to_install(self, tmp_path):
        script = CHECKOUT / "scripts" / "python.sh"
        result = subprocess.run(
            ["/bin/sh", script, "x.py"], env={"PATH": str(tmp_path)}, capture_output=True, text=True
        )
        assert result.returncode == 1
        assert "Sparegrid needs Python 3.11 or newer" in result.stderr
        assert "apt-get install python3 python3-venv" in result.stderr


class TestIsInstalled:
    def test_a_stamp_lasts_until_a_pin_changes(self, bootstrap):
        requirements = bootstrap.RUN_REQUIREMENTS
        assert not bootstrap.is_installed(requirements)
        bootstrap.stamp_of(requirements).write_text(bootstrap.fingerprint(requirements))
        assert bootstrap.is_installed(requirements)
        requirements.write_text("RUN_REQUIREMENTS==2\n")
        assert not bootstrap.is_installed(requirements)

    def test_what_tests_need_includes_what_runs(self, bootstrap):
        bootstrap.stamp_of(bootstrap.TEST_REQUIREMENTS).write_text(
            bootstrap.fingerprint(bootstrap.TEST_REQUIREMENTS)
        )
        bootstrap.RUN_REQUIREMENTS.write_text("RUN_REQUIREMENTS==2\n")
        assert not bootstrap.is_installed(bootstrap.TEST_REQUIREMENTS)
