"""Several devices, such as GPUs: a process for each."""

import shutil
from pathlib import Path


def test_each_device_has_its_own_process(w2s, here: Path) -> None:
    Path("raw").mkdir()
    for name in ("a", "b", "c"):
        shutil.copy("cell.tif", f"raw/{name}.tif")
    restore = ("restore", "raw", "--method", "denoise-fast", "--tile", "32", "-o")
    w2s(*restore, "two", "--device", "cpu,cpu", code=0)
    assert w2s(*restore, "one", "--device", "cpu").exit_code == 0
    for name in ("a", "b", "c"):
        alone = Path(f"one/{name}.tif").read_bytes()
        assert Path(f"two/{name}.tif").read_bytes() == alone
    refused = w2s(*restore, "three", "--device", "cpu,gpu", code=2)
    assert "'gpu' is not auto, cpu, cuda, cuda:N or mps" in refused.output
