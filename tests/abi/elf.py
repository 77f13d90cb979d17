"""What nm and readelf say about a shared object."""
import re
import subprocess


def tool(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def exports(path):
    """The defined dynamic symbols of `path`: {name: set of version nodes}; an unversioned one has the node ""."""
    found = {}
    for line in tool("nm", "-D", "--defined-only", "--with-symbol-versions", path).splitlines():
        kind, symbol = line.split()[-2:]
        name, _, node = symbol.partition("@")
        if kind in "TWiVBDR":
            found.setdefault(name, set()).add(node.lstrip("@"))
    return found


def nodes(path):
    """The version nodes that `path` defines."""
    text = tool("readelf", "-W", "--version-info", path)
    section = re.search(r"Version definition section.*?(?=\n\n|Version needs|\Z)", text, re.S)
    return set(re.findall(r"Name: (\S+)", section[0])) if section else set()


class Report:
    """Collect what is wrong, show the first lines of it, and become the exit status."""

    def __init__(self):
        self.wrong = []

    def check(self, ok, text):
        if not ok:
            self.wrong.append(text)

    def status(self):
        for text in self.wrong[:40]:
            print(text)
        if self.wrong:
            print(len(self.wrong), "differences")
        return 1 if self.wrong else 0
