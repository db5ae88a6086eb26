"""Which restorers are one graph that other programs can run, and that graph."""

from w2s_cli.errors import UsageError
from w2s_cli.methods.published_network import ExternalNetwork
from w2s_cli.methods.self_supervised import SelfSupervised
from w2s_cli.methods.shipped import Auto, Shipped
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.networks.counts_network import CountsNetwork, linear, stabilised
from w2s_cli.networks.unet import ConditionalUNet
from w2s_cli.restorers.restorer import Restorer
from w2s_cli.restorers.units import DisplayRange, excess


def check_exportable(restorer: Restorer, name: str) -> None:
    """Raise UsageError where a restorer is more, or less, than one pass of a network.

    Parameters
    ----------
    restorer
        A link of a chain, as `methods.build` makes it.
    name
        What the method is called.
    """
    match restorer:
        case Shipped() if restorer.orientations > 1:
            why = "restores each image laid in 8 ways"
            hint = "leave -O orientations out"
        case Shipped() if restorer.hazeless:
            why = "takes one output of its network from the other"
            hint = "leave -O haze out"
        case SelfSupervised() if restorer.weights is None:
            why = "learns from the images first"
            hint = (
                f"w2s restore FILE --method {name} --save-weights net.safetensors, "
                "then w2s export net.safetensors"
            )
        case SelfSupervised() if restorer.quality == "best":
            why, hint = "restores each image laid in 8 ways", "leave -O quality out"
        case SelfSupervised() if not restorer.one_pass:
            why = "puts many passes of its network together"
            sr = "-O output=sr exports the network that n2sr learns, x2"
            hint = sr if name == "n2sr" else "export denoise, or a network from n2n"
        case Shipped() | ExternalNetwork() | SelfSupervised():
            return
        case Auto():
            why, hint = "chooses a method by the image", "export one of those"
        case _:
            why = "is no network, or more than one pass of it"
            hint = "export denoise, jdsr, a published network or a file of weights"
    raise UsageError(f"{name} cannot be exported: it {why}", hint=hint)


def counts_network(
    restorer: Restorer, noise: NoiseModel, shown: DisplayRange
) -> CountsNetwork:
    """Return the graph of a restorer, from counts to counts.

    Parameters
    ----------
    restorer
        One that `check_exportable` passes.
    noise, shown
        Of the images that it is for: what its numbers depend on.

    Returns
    -------
    CountsNetwork
        It gives what the restorer gives where every pixel is known, in float32.
    """
    lowered = excess(noise)
    match restorer:
        case Shipped():
            network = restorer.running.network
            known = restorer.with_noise(noise).told
            told = (
                known.numbers(network.conditions)
                if isinstance(network, ConditionalUNet)
                else ()
            )
            return CountsNetwork(network, stabilised(noise, lowered), told)
        case SelfSupervised():
            fitted = restorer.at_work
            if isinstance(fitted, ExternalNetwork):
                return counts_network(fitted, noise, shown)
            ways = stabilised(noise, lowered, of_noisy=True)
            return CountsNetwork(fitted.running.network, ways)
        case ExternalNetwork():
            traits = restorer.traits
            own = DisplayRange(
                shown.black if traits.black is None else traits.black,
                shown.white if traits.white is None else traits.white,
            )
            ways = linear(traits.expects.linear(own))
            return CountsNetwork(restorer.running.network, ways)
    raise TypeError(f"{restorer} was to pass check_exportable")
