"""The options that commands share, and those of `w2s restore`, in the order of help."""

from pathlib import Path
from typing import Annotated, Literal

from w2s_cli.cli import completion
from w2s_cli.cli.arguments import device_name, device_names, micrometres
from w2s_cli.cli.typer_options import arg, opt

Inputs = Annotated[
    list[Path],
    arg(
        "Image files, folders of image files, or - for standard input.", metavar="INPUT"
    ),
]
Files = Annotated[
    Path | None,
    opt(
        "A file with more inputs, a path a line, or - for standard input.",
        "--files",
        metavar="LIST",
    ),
]
Recursive = Annotated[
    bool, opt("Read subfolders too, and keep the tree.", "--recursive", "-r")
]
Name = Annotated[
    str | None,
    opt(
        "What outputs in a folder are called: such as '{stem}_{method}.ome.tif'.",
        metavar="PATTERN",
    ),
]
Resume = Annotated[
    bool,
    opt(
        "Do what is missing: keep outputs that say that they are this very "
        "result, and replace all others.",
        "--resume",
        "--skip-existing",
    ),
]
ShardOf = Annotated[
    str | None, opt("Do one of N parts of the files, counted from 1.", metavar="I/N")
]
Jobs = Annotated[int, opt("Files at a time, each in a process.", "--jobs", "-j", min=1)]
Dask = Annotated[
    str | None,
    opt(
        "Give files, or parts of one OME-Zarr, to the workers of a dask cluster: "
        "local:N for N of this machine, or the address of a scheduler.",
        metavar="WHERE",
    ),
]
Output = Annotated[
    str,
    opt(
        "A file for one input, a folder for several, or - for standard output.",
        "--output",
        "-o",
        metavar="OUT",
    ),
]
Method = Annotated[
    str,
    opt(
        "A method, or several joined by '+'; `w2s methods` lists them. Without, "
        "jdsr, or what the weights are for.",
        metavar="NAME",
        complete=completion.chain,
    ),
]
Weights = Annotated[
    list[Path] | None,
    opt("Weights for the networks of the method, in their order.", metavar="FILE"),
]
Options = Annotated[
    list[str] | None,
    opt(
        "An option of a method; `w2s methods NAME` lists them.",
        "-O",
        metavar="KEY=VALUE",
        complete=completion.option_keys,
    ),
]
TrainOn = Annotated[
    list[Path] | None,
    opt(
        "Learn once from these files or folders, not from each input: for methods "
        "such as n2sr.",
        metavar="INPUT",
    ),
]
SaveWeights = Annotated[
    Path | None,
    opt("Copy what was learned to this file, for --weights.", metavar="FILE"),
]
Axes = Annotated[
    str | None,
    opt(
        "The axes of the file, such as TCYX, where it doesn't say or is wrong; "
        "with lengths, such as T4C2YX, for planes that are stored in turn."
    ),
]
Channels = Annotated[
    int | None,
    opt(
        "How many channels are stored in turn: C of --axes, or of TCYX without.", min=1
    ),
]
SeriesName = Annotated[
    str | None,
    opt(
        "One of several images in a file: its name, or its number, counted from "
        "1 as in Fiji; `w2s info` lists them. Without, the largest.",
        metavar="N|NAME",
    ),
]
SeriesNames = Annotated[
    str | None,
    opt(
        "One of several images in a file: its name, or its number, counted from "
        "1 as in Fiji, or all of them; `w2s info` lists them. Without, the largest.",
        metavar="N|NAME|all",
    ),
]
ChannelName = Annotated[
    str | None,
    opt("One channel only: its name, or its number, counted from 1 as in Fiji."),
]
GAIN = opt("Camera counts a photon.")
OFFSET = opt("Camera counts without light.")
READ_NOISE = opt("Noise without light: its sd, in counts.")
Noise = Annotated[
    Path | None, opt("A JSON file with the noise of the camera.", metavar="FILE")
]
Defects = Annotated[
    str,
    opt(
        "Pixels that the camera reads wrongly: auto to find and repair them, "
        "all to even out rows and columns too, keep to leave them, or a map of them, "
        "to repair those as well.",
        metavar="auto|all|keep|MAP.tif",
        complete=completion.defects,
    ),
]
StoredAs = Annotated[
    Literal["auto", "input", "float32", "uint16"],
    opt(
        "The pixels of the output: auto for those of the input, but float32 where "
        "whole counts would round dim light away; input, float32 or uint16 always."
    ),
]
Compression = Annotated[
    Literal["zstd", "deflate", "lzw", "none"] | None,
    opt(
        "Of a TIFF: deflate and lzw are read everywhere, zstd is faster; without "
        "this option it is the input's."
    ),
]
Pyramid = Annotated[
    bool,
    opt("Write an OME-TIFF in tiles, with smaller sizes for viewers.", "--pyramid"),
]
Device = Annotated[
    str,
    opt(
        "Where networks run: auto, cpu, cuda, cuda:N or mps.",
        callback=device_name,
        complete=completion.devices,
    ),
]
Devices = Annotated[
    str,
    opt(
        "Where networks run: auto, cpu, cuda, cuda:N or mps; of several, such as "
        "cuda:0,cuda:1, each has a process and files of its own.",
        callback=device_names,
        complete=completion.devices,
    ),
]
Precision = Annotated[
    Literal["auto", "fp32", "bf16", "fp16"],
    opt("The numbers that networks compute with."),
]
Tile = Annotated[int, opt("Side of a tile, in input pixels, at most.", min=32)]
MaxMemory = Annotated[
    str | None,
    opt(
        "Take at most so much memory, such as 2G or 500M, with all --jobs: the "
        "tiles are made smaller, or it is said before what does not fit.",
        metavar="SIZE",
    ),
]
GpuMemory = Annotated[
    str | None, opt("Take at most so much memory of a GPU for a tile.", metavar="SIZE")
]
Overwrite = Annotated[bool, opt("Replace outputs that exist.", "--overwrite")]
Preview = Annotated[
    Path | None,
    opt(
        "Draw input, output and their difference, in units of the noise, of the "
        "middle plane of one file; with --uncertainty the standard errors as well.",
        metavar="FILE.png",
    ),
]
Uncertainty = Annotated[
    bool,
    opt(
        "Write the standard error of each pixel, in counts, beside each output, "
        "to NAME_error.tif: the truth lies within 1.645 of them nine times in ten.",
        "--uncertainty",
    ),
]
ErrorMap = Annotated[
    Path | None,
    opt("Where the map of one output goes; --uncertainty is meant.", metavar="FILE"),
]
Check = Annotated[
    bool,
    opt(
        "Compare each output with its input as it is written, as `w2s check` "
        "does; what does not agree is kept, and told by exit code 8.",
        "--check",
    ),
]
DryRun = Annotated[
    bool, opt("Say what would be done, and do nothing.", "--dry-run", "-n")
]
AsJson = Annotated[bool, opt("Print what became of each file as JSON.", "--json")]
AsLines = Annotated[
    bool,
    opt("Print a line of JSON of each file as soon as it is done.", "--json-lines"),
]
JsonText = Annotated[bool, opt("Print JSON instead of text.", "--json")]
Quiet = Annotated[
    bool, opt("Say only what went wrong or needs a look.", "--quiet", "-q")
]
Verbose = Annotated[bool, opt("Say all that is known.", "--verbose", "-v")]

# Of the commands about blur kernels.
KernelFile = Annotated[
    Path, opt("The kernel: a .tif or .npy file.", "--output", "-o", metavar="OUT")
]
Plot = Annotated[Path | None, opt("Draw the radial profile.", metavar="FILE.png")]
APERTURE = opt("Numerical aperture of the objective.")
WAVELENGTH = opt("Of the emitted light, in micrometres.", callback=micrometres)
PIXEL_SIZE = opt("Micrometres a pixel on the grid of the kernel.", callback=micrometres)
