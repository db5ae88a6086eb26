import pytest
import torch

from w2s_cli.training.training_batch import Batch


def _batch(units: str, truth: torch.Tensor, lift: float = 0.0) -> Batch:
    return Batch(
        image=truth,
        truth=truth,
        valid=torch.ones_like(truth, dtype=torch.bool),
        lift=torch.full((len(truth), 1, 1, 1), lift),
        units=units,
    )


def test_the_target_of_stabilised_counts_is_their_root() -> None:
    photons = torch.tensor([-1.0, 0.0, 3.625]).reshape(1, 1, 1, 3)
    target = _batch("root", photons, 0.375).target
    torch.testing.assert_close(target, torch.tensor([[[[0.0, 1.5**0.5, 4.0]]]]))


@pytest.mark.parametrize(
    ("units", "black", "white"),
    [
        ("unit", 0, 1),
        ("centred", -0.5, 0.5),
        ("z", -154.535390853 / 66.02846351802853, 100.464609147 / 66.02846351802853),
    ],
)
def test_pictures_are_eight_bit_counts(units: str, black: float, white: float) -> None:
    numbers = torch.tensor([black, white]).reshape(1, 1, 1, 2)
    picture = _batch(units, numbers).picture(numbers)
    torch.testing.assert_close(picture.flatten(), torch.tensor([0.0, 1.0]))


def test_pictures_of_stabilised_counts_have_their_bright_parts_at_one() -> None:
    photons = torch.tensor([100.0, 400.0]).repeat_interleave(500).reshape(1, 1, 10, 100)
    batch = _batch("root", photons)
    picture = batch.picture(batch.target)
    assert picture.unique().tolist() == pytest.approx([0.5, 1.0])


def test_a_sharpened_truth_is_the_target_but_not_what_is_real() -> None:
    truth = torch.rand(2, 1, 4, 4)
    batch = Batch(
        truth, truth, truth > -1, torch.zeros(2, 1, 1, 1), "unit", sharpened=truth * 2
    )
    both = Batch.concatenate([batch, batch])
    assert torch.equal(both.target[2:], truth * 2)
    assert torch.equal(both.real[:2], truth)
