"""A classifier for pictures in folders: trained, interrupted, resumed, evaluated and used.

The pictures are scikit-learn's handwritten digits, written out as PNG files. Use a folder of your
own instead, with a folder for each class: python examples/pictures.py FOLDER
"""

import sys
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import resforge as rf
from PIL import Image
from resforge.classify import (
    RunRequest,
    evaluate_run,
    load_run,
    predict_pictures,
    train_run,
)
from sklearn.datasets import load_digits

NETWORK = rf.load("digits_resnet8")  # of one channel; a catalogue network like resnet18 takes three
DIGITS = 500


def write_digits(folder: Path) -> None:
    digits = load_digits()
    for number in range(DIGITS):
        home = folder / f"digit {digits.target[number]}"
        home.mkdir(parents=True, exist_ok=True)
        grey = np.round(digits.images[number] * 255 / 16).astype(np.uint8)
        Image.fromarray(grey).resize((32, 32)).save(home / f"{number:03}.png")


def main(pictures: Path, out: Path) -> None:
    def request(resume: bool = False) -> RunRequest:
        return RunRequest(
            network=NETWORK,
            data=str(pictures),
            out=out,
            epochs=6,
            batch_size=16,
            lr=5e-3,
            size=16,
            normalize="channel",
            augment="crop",
            min_area=0.5,
            resume=resume,
        )

    asked = count()
    left = train_run(request(), stopped=lambda: next(asked) == 20)
    print(f"stopped after step {left.steps}, as if by Ctrl-C")
    done = train_run(request(resume=True))
    assert done.finished
    print(f"resumed to step {done.steps}; the best epoch was {done.best.epoch}")

    run = load_run(out)
    found = evaluate_run(run, str(pictures))
    print(f"accuracy on the {found.count} pictures held out: {100 * found.accuracy:.0f}%")

    some = sorted(pictures.rglob("*.png"))[::120]
    for prediction in predict_pictures(run, some):
        (number, probability), *_ = prediction.top(1)
        name = prediction.path.relative_to(pictures)
        print(f"{name}: {run.spec.classes[number]}, {100 * probability:.0f}%")


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        pictures = Path(sys.argv[1]) if sys.argv[1:] else Path(folder) / "digits"
        if not sys.argv[1:]:
            write_digits(pictures)
        main(pictures, Path(folder) / "run")
