"""Train a network, or fit a mixture of patches, by a recipe.

A recipe is a TOML file; `recipe` has what stands in it, and checks it.
`loop` trains it, from the first step to weights that `w2s restore` takes::

    patches          truth degraded by physics, real pairs, sharp images, noisy images
      -> training_batch   patches and their truths, in the network's units
      -> trainer          network -> losses, discriminator -> optimiser, schedule
      -> progress         the log, and the callback

`mixture_training` is the same for a prior, such as that of `vst+epll`.
"""
