"""``python -m benchmarks.published [SOURCE ...]``: is each published network the catalogue's?

Each is built by its own library, filled with random numbers, and its weights are read into the
network of the catalogue; then both are run. Findings are kept in ``docs/published.json``, a network
whose entry has not changed is not compared again, and ``docs/published.md`` is written from them.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import zip_longest
from math import inf
from pathlib import Path

import torch
from resforge.planner.catalogue import params_of
from resforge.specs.catalogue import entries

from .findings import DATA, Findings
from .page import write_page
from .peers import Peer
from .proof import FAILED, Finding, ask, prove
from .sources import SOURCES


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(1)
    findings = Findings(arguments.data)
    for source, family, name, peer in _peers(arguments.chosen, arguments.only):
        if arguments.page or _params(name, peer) > arguments.most:
            continue
        start = time.process_time()
        if arguments.again or not findings.stand(source, name, peer, retry=arguments.retry):
            found = _proved(name, peer, arguments)
            findings.put(source, family, name, found)
        elif arguments.infer and findings.unasked(source, name):
            found = Finding("asked", inferred=_asked(name, peer, arguments.folder))
            findings.answer(source, name, found.inferred)
        else:
            continue
        gc.collect()
        _print(f"{source} {name} ({time.process_time() - start:.1f} s)", found)
    if arguments.data == DATA:
        write_page(findings)


def _proved(name: str, peer: Peer, arguments: argparse.Namespace) -> Finding:
    try:
        return prove(name, peer, arguments.folder, infer=arguments.infer)
    except Exception as error:  # one network's failure is a row
        return Finding(FAILED, f"{type(error).__name__}: {error}", peer.entry or name)


def _asked(name: str, peer: Peer, folder: Path) -> str:
    try:
        return ask(name, peer, folder)
    except Exception as error:  # one network's failure is a row
        return f"{type(error).__name__}: {error}"


def _params(name: str, peer: Peer) -> int:
    entry = peer.entry or name
    return params_of(entry) if entry in entries() else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.published",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("chosen", nargs="*", metavar="SOURCE", help=f"of {', '.join(SOURCES)}; all")
    add("--only", default="*", metavar="PATTERN", help="names at the source")
    add(
        *("--sources", "-s"),
        dest="folder",
        type=Path,
        default=Path("sources"),
        metavar="DIR",
        help="folder of the repositories without a package; --list names them",
    )
    add("--list", action="store_true", help="print what is needed, and stop")
    add("--infer", action="store_true", help="ask infer_spec, too")
    add("--again", action="store_true", help="compare also what is known")
    add("--most", type=float, default=inf, metavar="N", help="parameters of the largest")
    add("--retry", action="store_true", help="compare again what is not exact")
    add("--data", type=Path, default=DATA, metavar="FILE", help="file of the findings")
    add("--page", action="store_true", help="only write the page")
    arguments = parser.parse_args()
    if unknown := set(arguments.chosen) - set(SOURCES):
        parser.error(f"no source {', '.join(sorted(unknown))}; choose from {', '.join(SOURCES)}")
    arguments.chosen = arguments.chosen or list(SOURCES)
    if arguments.list:
        _list(arguments.chosen)
        parser.exit()
    return arguments


def _print(what: str, found: Finding) -> None:
    print(f"{found.status:16} {what} {found.why[:300]}", flush=True)
    for key in ("written_back", "inferred"):
        if (text := getattr(found, key)) not in ("", "yes"):
            print(f"{'':16} {key}: {text[:300]}", flush=True)


def _peers(chosen: list[str], only: str) -> Iterator[tuple[str, str, str, Peer]]:
    """One network of each family, then the next of each, and so on."""
    families = [
        [(source, family, name, peer) for name, peer in peers.items() if fnmatchcase(name, only)]
        for source in chosen
        for family, peers in SOURCES[source].FAMILIES.items()
    ]
    for turn in zip_longest(*families):
        yield from (found for found in turn if found is not None)


def _list(chosen: list[str]) -> None:
    for source in chosen:
        module = SOURCES[source]
        for package in getattr(module, "PACKAGES", ()):
            print(f"{source}: package {package}")
        for name, repository in getattr(module, "REPOSITORIES", {}).items():
            print(f"{source}: DIR/{name} is {repository.url} at {repository.commit}")


if __name__ == "__main__":
    main()
