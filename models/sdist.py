"""A child program that fetches one sdist with pip's settings and runs nothing of the package.

`pip download` prepares metadata, and for an sdist that means running its build. This command
stops where pip has chosen the archive, and stores its bytes. It uses pip's internals, which may
change: it runs as a program of its own, so that this would end in one line and no more.

    python sdist.py --no-deps --no-binary=:all: --dest FOLDER DIST==VERSION
"""

import shutil
import sys
from optparse import Values
from pathlib import Path

from pip._internal.cli.status_codes import SUCCESS
from pip._internal.commands.download import DownloadCommand
from pip._internal.exceptions import DistributionNotFound
from pip._internal.models.link import Link
from pip._internal.network.session import PipSession
from pip._vendor.packaging.specifiers import SpecifierSet


class FetchSdist(DownloadCommand):
    """`pip download` up to the archive."""

    def run(self, options: Values, args: list[str]) -> int:
        """Store the archive of the one requirement in `--dest`."""
        (requirement,) = args
        dist, _, version = requirement.partition("==")
        session = self.get_default_session(options)
        finder = self._build_package_finder(
            options=options, session=session, ignore_requires_python=True
        )
        best = finder.find_best_candidate(dist, specifier=SpecifierSet(f"=={version}"))
        if best.best_candidate is None:
            raise DistributionNotFound(f"No sdist found for {requirement}")
        link = best.best_candidate.link
        store(link, session, Path(options.download_dir) / link.filename)
        return SUCCESS


def store(link: Link, session: PipSession, target: Path) -> None:
    """Write the bytes behind the link to `target`."""
    if link.is_file:
        shutil.copyfile(link.file_path, target)
        return
    # as they are: a server that sets Content-Encoding for .tar.gz must not have it unpacked
    headers = {"Accept-Encoding": "identity"}
    answer = session.get(link.url_without_fragment, headers=headers, stream=True)
    answer.raise_for_status()
    with target.open("wb") as file:
        shutil.copyfileobj(answer.raw, file)


if __name__ == "__main__":
    sys.exit(FetchSdist("fetch", "Fetch one sdist.").main(sys.argv[1:]))
