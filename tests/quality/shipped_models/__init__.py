"""What the shipped models promise, measured: a check a promise, a goal a figure.

`pytest -m quality -rP tests/quality/shipped_models` runs every check on `denoise` and
`jdsr`. The goals that are figures of their own stand in `goals.toml`; the others are
what a rival reaches on the same pixels in the same run.
"""
