"""Packs what [package.metadata.deb] of Cargo.toml lists, with dpkg-deb: tests/pack.py BINARY VERSION OUTPUT

It stands in for cargo-deb in tests, on hosts that do not have it: it takes minutes to compile. It knows only the keys that are used,
and refuses others.
"""

import glob
import gzip
import pathlib
import shutil
import subprocess
import sys
import tempfile
import tomllib

KEYS = {
    "maintainer", "section", "depends", "extended-description", "license-file", "conf-files", "maintainer-scripts", "assets",
}
BUILT = "target/release/zenreaper"


def files_of(source, target, binary):
    """The files of an asset, each with its place in the package; below a glob, folders stay as they are."""
    if source == BUILT:
        source = binary
    found = [path for path in glob.glob(source, recursive=True) if pathlib.Path(path).is_file()]
    assert found, f"{source} matches no file"
    base = source.split("*")[0].rpartition("/")[0]
    for path in found:
        inside = pathlib.Path(path).relative_to(base) if "*" in source else pathlib.Path(path).name
        yield path, target + str(inside) if target.endswith("/") else target


def pack(binary, version, output):
    package = tomllib.loads(pathlib.Path("Cargo.toml").read_text())["package"]
    deb = package["metadata"]["deb"]
    assert set(deb) <= KEYS, f"keys that this does not know: {set(deb) - KEYS}"
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        root.chmod(0o755)
        for source, target, mode in deb["assets"]:
            for path, place in files_of(source, target, binary):
                place = root / place
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, place)
                place.chmod(int(mode, 8))
                if "share/man" in str(place):
                    place.with_name(place.name + ".gz").write_bytes(gzip.compress(place.read_bytes()))
                    place.unlink()
        control = root / "DEBIAN"
        control.mkdir()
        for script in pathlib.Path(deb["maintainer-scripts"]).glob("p*"):
            shutil.copy(script, control)
            (control / script.name).chmod(0o755)
        (control / "conffiles").write_text("".join(f"{path}\n" for path in deb["conf-files"]))
        depends = deb["depends"].replace("$auto", "libc6")
        architecture = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()
        (control / "control").write_text(
            f"Package: {package['name']}\nVersion: {version}\nArchitecture: {architecture}\nSection: {deb['section']}\n"
            f"Maintainer: {deb['maintainer']}\nDepends: {depends}\nDescription: {package['description']}\n"
        )
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", root, output], check=True, stdout=subprocess.DEVNULL)


pack(*sys.argv[1:])
