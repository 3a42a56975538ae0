"""Tiny trace files in the shape of the real ones, for tests of the replay."""

import csv
import gzip
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

CLUSTERS = ("vchbv", "vc6YE", "vccaA")
NODES = [
    *({"gpu_model": "A10", "gpu_capacity_num": 1} for _ in range(4)),
    *({"gpu_model": "A100-SXM4-80GB", "gpu_capacity_num": 8} for _ in range(2)),
    {"gpu_model": "GPU-series-1", "gpu_capacity_num": 4},
]
"""Four A10, sixteen A100 in two nodes, and a model without a name."""
PODS = [
    *(
        {
            "name": f"part-{n}",
            "num_gpu": 1,
            "gpu_milli": 500,
            "creation_time": 60 * n,
            "deletion_time": 60 * n + 5000,
        }
        for n in range(15)
    ),
    *(
        {
            "name": f"whole-{n}",
            "num_gpu": 4,
            "gpu_milli": 1000,
            "creation_time": 90 * n,
            "deletion_time": 90 * n + 900,
        }
        for n in range(8)
    ),
    {"name": "no-gpu", "num_gpu": 0, "gpu_milli": 0, "creation_time": 10, "deletion_time": 20},
]
"""Fifteen pods over two hours that want part of a GPU, eight over half an hour that want four whole ones."""


def minutes(*idle_by_hour: int, total: int = 8, day: str = "2020-05-05") -> list[dict[str, object]]:
    """Three minutes of each hour from midnight on, of which the second one has the least idle GPUs."""
    return [
        {
            "time": f"{day} {hour:02d}:{minute:02d}:00",
            "total_gpu_num": total,
            "idle_gpu_num": min(total, idle + spare),
        }
        for hour, idle in enumerate(idle_by_hour)
        for minute, spare in ((0, 2), (1, 0), (2, 1))
    ]


def write_traces(folder: Path) -> Path:
    """Write the three kinds of files for two hours of 2020-05-05 and return their folder."""
    write_csv(folder / "alibaba_2026_spot_gpu_nodes.csv", NODES)
    write_csv(folder / "alibaba_2023_gpu_pods.csv", PODS)
    for cluster in CLUSTERS:
        write_csv(folder / f"helios_earth_{cluster}_2020-05.csv.gz", minutes(4, 8))
    return folder


def write_csv(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows under the header of the first one; gzipped when the name says so."""
    rows = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    content = text.getvalue().encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
