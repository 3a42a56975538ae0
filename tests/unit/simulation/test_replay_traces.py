"""Reading trace files: what they say, and what is said of one that is missing or malformed."""

import gzip
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from simulation.replay.traces import TraceError, read_idle_shares, read_nodes, read_pods
from tests.trace_files import NODES, PODS, minutes, write_csv, write_traces

DAY = date(2020, 5, 5)
HELIOS = "helios_earth_vchbv_2020-05.csv.gz"
NODES_CSV = "alibaba_2026_spot_gpu_nodes.csv"
PODS_CSV = "alibaba_2023_gpu_pods.csv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_traces(tmp_path)


class TestReading:
    def test_counts_nodes_by_model_and_size(self, folder: Path) -> None:
        assert read_nodes(folder) == {("A10", 1): 4, ("A100-SXM4-80GB", 8): 2, ("GPU-series-1", 4): 1}

    def test_leaves_out_pods_without_a_gpu_and_counts_them(self, folder: Path) -> None:
        pods = read_pods(folder)

        assert len(pods.asking) == len(PODS) - 1
        assert pods.n_without_gpu == 1
        assert [pod.created_s for pod in pods.asking] == sorted(pod.created_s for pod in pods.asking)

    def test_an_hour_is_as_idle_as_its_busiest_minute(self, folder: Path) -> None:
        assert read_idle_shares(folder, "vchbv", DAY, 2) == [Fraction(1, 2), Fraction(1)]


class TestErrors:
    def test_names_a_missing_file(self, folder: Path) -> None:
        (folder / NODES_CSV).unlink()
        with pytest.raises(TraceError, match=rf"{folder}/{NODES_CSV} is missing. Say where .* with --data"):
            read_nodes(folder)

    def test_names_a_missing_column_and_the_header_there_is(self, folder: Path) -> None:
        write_csv(folder / NODES_CSV, [{"gpu_model": "A10", "gpus": 1}])
        with pytest.raises(
            TraceError, match=r"has no column gpu_capacity_num; its header is: gpu_model,gpus\."
        ):
            read_nodes(folder)

    def test_an_empty_file_has_no_columns(self, folder: Path) -> None:
        (folder / NODES_CSV).write_text("")
        with pytest.raises(
            TraceError, match=r"no column gpu_model, gpu_capacity_num; its header is: empty\."
        ):
            read_nodes(folder)

    def test_a_header_alone_is_no_trace(self, folder: Path) -> None:
        (folder / NODES_CSV).write_text("gpu_model,gpu_capacity_num\n")
        with pytest.raises(TraceError, match="has a header and no rows"):
            read_nodes(folder)

    @pytest.mark.parametrize(
        ("cell", "what"),
        [
            ("", "is empty"),
            ("eight", "“eight” is no whole number"),
            ("1.5", "“1.5” is no whole number"),
            ("0", "0 is below 1"),
        ],
    )
    def test_names_row_and_column_of_a_malformed_cell(self, folder: Path, cell: str, what: str) -> None:
        write_csv(folder / NODES_CSV, [*NODES[:2], {"gpu_model": "A10", "gpu_capacity_num": cell}])
        with pytest.raises(TraceError, match=rf"{NODES_CSV}, row 4, column gpu_capacity_num: {what}\."):
            read_nodes(folder)

    def test_a_short_row_has_an_empty_cell(self, folder: Path) -> None:
        (folder / NODES_CSV).write_text("gpu_model,gpu_capacity_num\nA10\n")
        with pytest.raises(TraceError, match="row 2, column gpu_capacity_num: is empty"):
            read_nodes(folder)

    def test_a_long_row_is_refused(self, folder: Path) -> None:
        (folder / NODES_CSV).write_text("gpu_model,gpu_capacity_num\nA10,1,2\n")
        with pytest.raises(TraceError, match="row 2: more cells than the header has columns"):
            read_nodes(folder)

    def test_more_than_a_gpu_of_each_gpu(self, folder: Path) -> None:
        write_csv(folder / PODS_CSV, [PODS[0] | {"gpu_milli": 1001}])
        with pytest.raises(TraceError, match="row 2, column gpu_milli: 1001 is above 1000"):
            read_pods(folder)

    def test_a_pod_deleted_before_it_was_created(self, folder: Path) -> None:
        write_csv(folder / PODS_CSV, [PODS[0] | {"creation_time": 100, "deletion_time": 99}])
        with pytest.raises(TraceError, match="row 2, column deletion_time: 99 is below 100"):
            read_pods(folder)

    def test_more_idle_than_there_are(self, folder: Path) -> None:
        write_csv(folder / HELIOS, [{"time": "2020-05-05 00:00:00", "total_gpu_num": 8, "idle_gpu_num": 9}])
        with pytest.raises(TraceError, match="row 2, column idle_gpu_num: 9 is above 8"):
            read_idle_shares(folder, "vchbv", DAY, 1)

    def test_a_time_that_is_none(self, folder: Path) -> None:
        write_csv(folder / HELIOS, [{"time": "yesterday", "total_gpu_num": 8, "idle_gpu_num": 8}])
        with pytest.raises(TraceError, match="row 2, column time: “yesterday” is no time such as"):
            read_idle_shares(folder, "vchbv", DAY, 1)

    def test_says_which_days_there_are(self, folder: Path) -> None:
        write_csv(folder / HELIOS, minutes(1, day="2020-05-01") + minutes(1, day="2020-05-31"))
        with pytest.raises(TraceError, match="no rows for 2020-05-05; it runs from 2020-05-01 to 2020-05-31"):
            read_idle_shares(folder, "vchbv", DAY, 1)

    def test_a_month_without_a_file(self, folder: Path) -> None:
        with pytest.raises(TraceError, match=r"helios_earth_vchbv_2021-01\.csv\.gz is missing"):
            read_idle_shares(folder, "vchbv", date(2021, 1, 1), 1)

    def test_says_which_hour_is_missing(self, folder: Path) -> None:
        with pytest.raises(TraceError, match="no rows for the hour from 2020-05-05 02:00"):
            read_idle_shares(folder, "vchbv", DAY, 3)

    @pytest.mark.parametrize(
        "content",
        [b"time,total\n", gzip.compress(b"time,total_gpu_num\n" * 99)[:-9]],
        ids=["no gzip", "cut off"],
    )
    def test_a_file_that_is_no_gzip_or_cut_off(self, folder: Path, content: bytes) -> None:
        (folder / HELIOS).write_bytes(content)
        with pytest.raises(TraceError, match=rf"{HELIOS} (cannot be read|has no column)"):
            read_idle_shares(folder, "vchbv", DAY, 1)

    def test_a_file_that_is_no_text(self, folder: Path) -> None:
        (folder / NODES_CSV).write_bytes(b"gpu_model,gpu_capacity_num\n\xff\xfe,1\n")
        with pytest.raises(TraceError, match=f"{NODES_CSV} cannot be read"):
            read_nodes(folder)
