"""A plug-in for napari: a panel that restores a layer, and a reader of image files.

`napari.yaml` names both. The entry point `napari.manifest` of the package points there;
napari itself comes with the extra `napari`, or is there already.
"""
