"""Train a network, or learn a mixture of patches, from a recipe.

A recipe (a TOML file, `recipe.Recipe`) names sources of truth; `truth` reads or draws
them, `patches` degrades random crops of them with the package's own physics, and `loop`
is the whole training from first step to weights that `w2s restore` takes; `mixture` is
the same for a prior, such as that of `vst+epll`.
"""
