"""The options that commands share, and those of `w2s restore`, in the order of help."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from w2s_cli.cli import completion
from w2s_cli.cli.arguments import device_name, device_names, micrometres

Inputs = Annotated[
    list[Path],
    typer.Argument(
        help="Image files, folders of image files, or - for standard input.",
        metavar="INPUT",
    ),
]
Files = Annotated[
    Path | None,
    typer.Option(
        "--files",
        help="A file with more inputs, a path a line, or - for standard input.",
        metavar="LIST",
    ),
]
Recursive = Annotated[
    bool,
    typer.Option("--recursive", "-r", help="Read subfolders too, and keep the tree."),
]
Name = Annotated[
    str | None,
    typer.Option(
        help="What outputs in a folder are called: such as '{stem}_{method}.ome.tif'.",
        metavar="PATTERN",
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        "--skip-existing",
        help="Do what is missing: keep outputs that say that they are this very "
        "result, and replace all others.",
    ),
]
ShardOf = Annotated[
    str | None,
    typer.Option(help="Do one of N parts of the files, counted from 1.", metavar="I/N"),
]
Jobs = Annotated[
    int, typer.Option("--jobs", "-j", help="Files at a time, each in a process.", min=1)
]
Dask = Annotated[
    str | None,
    typer.Option(
        help="Give files, or parts of one OME-Zarr, to the workers of a dask cluster: "
        "local:N for N of this machine, or the address of a scheduler.",
        metavar="WHERE",
    ),
]
Output = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        help="A file for one input, a folder for several, or - for standard output.",
        metavar="OUT",
    ),
]
Method = Annotated[
    str,
    typer.Option(
        help="A method, or several joined by '+'; `w2s methods` lists them. Without, "
        "jdsr, or what the weights are for.",
        metavar="NAME",
        autocompletion=completion.chain,
    ),
]
Weights = Annotated[
    list[Path] | None,
    typer.Option(
        help="Weights for the networks of the method, in their order.", metavar="FILE"
    ),
]
Options = Annotated[
    list[str] | None,
    typer.Option(
        "-O",
        help="An option of a method; `w2s methods NAME` lists them.",
        metavar="KEY=VALUE",
        autocompletion=completion.option_keys,
    ),
]
TrainOn = Annotated[
    list[Path] | None,
    typer.Option(
        help="Learn once from these files or folders, not from each input: for methods "
        "such as n2sr.",
        metavar="INPUT",
    ),
]
SaveWeights = Annotated[
    Path | None,
    typer.Option(
        help="Copy what was learned to this file, for --weights.", metavar="FILE"
    ),
]
Axes = Annotated[
    str | None,
    typer.Option(
        help="The axes of the file, such as TCYX, where it doesn't say or is wrong; "
        "with lengths, such as T4C2YX, for planes that are stored in turn."
    ),
]
Channels = Annotated[
    int | None,
    typer.Option(
        help="How many channels are stored in turn: C of --axes, or of TCYX without.",
        min=1,
    ),
]
SeriesName = Annotated[
    str | None,
    typer.Option(
        help="One of several images in a file: its name, or its number, counted from "
        "1 as in Fiji; `w2s info` lists them. Without, the largest.",
        metavar="N|NAME",
    ),
]
SeriesNames = Annotated[
    str | None,
    typer.Option(
        help="One of several images in a file: its name, or its number, counted from "
        "1 as in Fiji, or all of them; `w2s info` lists them. Without, the largest.",
        metavar="N|NAME|all",
    ),
]
ChannelName = Annotated[
    str | None,
    typer.Option(
        help="One channel only: its name, or its number, counted from 1 as in Fiji."
    ),
]
GAIN = typer.Option(help="Camera counts a photon.")
OFFSET = typer.Option(help="Camera counts without light.")
READ_NOISE = typer.Option(help="Noise without light: its sd, in counts.")
Noise = Annotated[
    Path | None,
    typer.Option(help="A JSON file with the noise of the camera.", metavar="FILE"),
]
Defects = Annotated[
    str,
    typer.Option(
        help="Pixels that the camera reads wrongly: auto to find and repair them, "
        "all to even out rows and columns too, keep to leave them, or a map of them, "
        "to repair those as well.",
        metavar="auto|all|keep|MAP.tif",
        autocompletion=completion.defects,
    ),
]
StoredAs = Annotated[
    Literal["auto", "input", "float32", "uint16"],
    typer.Option(
        help="The pixels of the output: auto for those of the input, but float32 where "
        "whole counts would round dim light away; input, float32 or uint16 always."
    ),
]
Compression = Annotated[
    Literal["zstd", "deflate", "lzw", "none"] | None,
    typer.Option(
        help="Of a TIFF: deflate and lzw are read everywhere, zstd is faster; without "
        "this option it is the input's."
    ),
]
Pyramid = Annotated[
    bool,
    typer.Option(
        "--pyramid", help="Write an OME-TIFF in tiles, with smaller sizes for viewers."
    ),
]
Device = Annotated[
    str,
    typer.Option(
        help="Where networks run: auto, cpu, cuda, cuda:N or mps.",
        callback=device_name,
        autocompletion=completion.devices,
    ),
]
Devices = Annotated[
    str,
    typer.Option(
        help="Where networks run: auto, cpu, cuda, cuda:N or mps; of several, such as "
        "cuda:0,cuda:1, each has a process and files of its own.",
        callback=device_names,
        autocompletion=completion.devices,
    ),
]
Precision = Annotated[
    Literal["auto", "fp32", "bf16", "fp16"],
    typer.Option(help="The numbers that networks compute with."),
]
Tile = Annotated[
    int, typer.Option(help="Side of a tile, in input pixels, at most.", min=32)
]
MaxMemory = Annotated[
    str | None,
    typer.Option(
        help="Take at most so much memory, such as 2G or 500M, with all --jobs: the "
        "tiles are made smaller, or it is said before what does not fit.",
        metavar="SIZE",
    ),
]
GpuMemory = Annotated[
    str | None,
    typer.Option(
        help="Take at most so much memory of a GPU for a tile.", metavar="SIZE"
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace outputs that exist.")
]
Preview = Annotated[
    Path | None,
    typer.Option(
        help="Draw input, output and their difference, in units of the noise, of the "
        "middle plane of one file.",
        metavar="FILE.png",
    ),
]
Uncertainty = Annotated[
    bool,
    typer.Option(
        "--uncertainty",
        help="Write the standard error of each pixel, in counts, beside each output, "
        "to NAME_error.tif: the truth lies within 1.645 of them nine times in ten.",
    ),
]
ErrorMap = Annotated[
    Path | None,
    typer.Option(
        help="Where the map of one output goes; --uncertainty is meant.", metavar="FILE"
    ),
]
Check = Annotated[
    bool,
    typer.Option(
        "--check",
        help="Compare each output with its input as it is written, as `w2s check` "
        "does; what does not agree is kept, and told by exit code 8.",
    ),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", "-n", help="Say what would be done, and do nothing."),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print what became of each file as JSON.")
]
AsLines = Annotated[
    bool,
    typer.Option(
        "--json-lines", help="Print a line of JSON of each file as soon as it is done."
    ),
]
JsonText = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Say only what went wrong or needs a look."),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say all that is known.")
]

# Of the commands about blur kernels.
KernelFile = Annotated[
    Path,
    typer.Option(
        "--output", "-o", help="The kernel: a .tif or .npy file.", metavar="OUT"
    ),
]
Plot = Annotated[
    Path | None, typer.Option(help="Draw the radial profile.", metavar="FILE.png")
]
APERTURE = typer.Option(help="Numerical aperture of the objective.")
WAVELENGTH = typer.Option(
    help="Of the emitted light, in micrometres.", callback=micrometres
)
PIXEL_SIZE = typer.Option(
    help="Micrometres a pixel on the grid of the kernel.", callback=micrometres
)
