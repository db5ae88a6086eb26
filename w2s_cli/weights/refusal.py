"""Why a weight file is not read."""

AGAIN = "fetch or copy the weights again"


class Refusal(Exception):
    """What is wrong with a file, in words that follow its name.

    The readers of the containers do not know where their bytes come from;
    `w2s_cli.weights.checkpoint` turns this into a `WeightsError` that names the file.
    """

    def __init__(self, reason: str, *, hint: str = AGAIN) -> None:
        super().__init__(reason)
        self.hint = hint


def quoted(text: object) -> str:
    """Return a name out of a file: on one line, short, without control characters."""
    shown = ascii(text if isinstance(text, str) else type(text).__name__)
    return shown if len(shown) <= 64 else f"{shown[:60]}...{shown[-1]}"
