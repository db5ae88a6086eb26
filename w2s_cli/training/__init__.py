"""Train a network, or learn a mixture of patches, from a recipe.

A recipe (a TOML file; `recipe` says what stands in it, `reading` checks it) goes
through `loop`, from the first step to weights that `w2s restore` takes::

    examples   what to show: truth degraded by physics, real pairs, sharp images
      -> batch     patches and their truths, in the network's units
      -> learner   answer (the network) -> losses, adversary -> optimiser, schedule
      -> progress  the log, and what a watcher is told

`mixture` is the same for a prior, such as that of `vst+epll`. Two learn without truth,
from noisy images: `alone` anew, `adaptation` from a network that ships.
"""
