"""The processes of a training: one, or as many as `torchrun` has started.

Each computes its share of every batch; torch adds up their gradients. What is written
is written by the first.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from w2s_cli.errors import UsageError
from w2s_cli.networks.inference import available_device

Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class Distributed:
    """One process among all.

    - `rank`, `count`: its number, from 0, and that of all.
    - `device`: where it computes.
    """

    rank: int
    count: int
    device: str

    @property
    def first(self) -> bool:
        """Return whether this process writes."""
        return self.rank == 0

    def share(self, batch: int) -> range:
        """Return the numbers of the patches of a batch that are this process's.

        Raises UsageError when a batch cannot be shared out evenly.
        """
        if batch % self.count:
            raise UsageError(
                f"{self.count} processes cannot share a batch of {batch} patches",
                hint=f"set patches.batch to a multiple of {self.count}",
            )
        return range(self.rank, batch, self.count)

    def parallel(self, module: nn.Module) -> nn.Module:
        """Return a module whose gradients are the means over all processes."""
        if self.count == 1:
            return module
        return DistributedDataParallel(module)

    def decided_by_first(self, decision: bool) -> bool:
        """Return the decision of the first process."""
        if self.count == 1:
            return decision
        shared = torch.tensor([int(decision)], device=self.device)
        distributed.broadcast(shared, 0)
        return bool(shared.item())


@contextmanager
def join_processes(device: str) -> Iterator[Distributed]:
    """Enter the processes that `torchrun` has started, if it has.

    - `device`: as the recipe has it; "auto" and "cuda" give each process a GPU of its
      own.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Distributed(0, 1, available_device(device))
        return
    own = available_device(device)
    if own == "cuda":
        own = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(own)
    distributed.init_process_group("nccl" if own.startswith("cuda") else "gloo")
    try:
        yield Distributed(distributed.get_rank(), count, own)
    finally:
        distributed.destroy_process_group()
