"""Keeps an install from the checkout out of it: scratch files go to a folder that is removed.

All metadata is in pyproject.toml. Where the package is the root of the repository, setuptools
would copy it into ``build/`` beside itself. An sdist and an editable install are as usual.
"""

# mypy: ignore-errors
# setuptools ships no types, and the installed package lacks this file.

import atexit
import shutil
import sys
import tempfile

from setuptools import setup
from setuptools.command.build import build
from setuptools.command.build_py import build_py
from setuptools.command.egg_info import egg_info

SCRATCH = tempfile.mkdtemp(prefix="resforge-build-")
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)


class Build(build):
    def initialize_options(self) -> None:
        super().initialize_options()
        self.build_base = SCRATCH


class BuildPy(build_py):
    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        # This file lies in the package's folder, and is no part of it.
        found = super().find_package_modules(package, package_dir)
        return [module for module in found if module[1] != "setup"]


class EggInfo(egg_info):
    def initialize_options(self) -> None:
        super().initialize_options()
        self.egg_base = SCRATCH


wheel = not {"sdist", "editable_wheel", "develop"} & {*sys.argv}
own = {"build": Build, "egg_info": EggInfo} if wheel else {}
setup(cmdclass={"build_py": BuildPy, **own})
