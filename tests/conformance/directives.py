"""The `{ dg-... }` lines of GCC's tests: how they are split into words and what their conditions mean."""
import fnmatch
import re

START = re.compile(r'\{\s+(dg-[a-z-]+)\s')
ESCAPES = {'n': '\n', 'r': '\r', 't': '\t'}


class Unknown(Exception):
    """A directive or condition nobody has decided about: better no answer than a test left out in silence."""


def directives(text):
    """(name, words) of each directive in `text`, in order; a word in braces stays as written."""
    for line in text.splitlines():
        start = START.search(line)
        if start:
            yield start[1], words(line, start.end())


def words(text, at=0):
    """The words of a Tcl list, up to its end or to a brace that closes what was open before `at`."""
    found = []
    while at < len(text):
        if text[at].isspace():
            at += 1
        elif text[at] == '}':
            break
        else:
            word, at = READERS.get(text[at], read_bare)(text, at)
            found.append(word)
    return found


def read_bare(text, at):
    end = at
    while end < len(text) and not text[end].isspace() and text[end] != '}':
        end += 1
    return text[at:end], end


def read_braced(text, at):
    depth = 0
    for end in range(at, len(text)):
        depth += {'{': 1, '}': -1}.get(text[end], 0)
        if depth == 0:
            return text[at + 1:end], end + 1
    raise Unknown(f'no closing brace: {text}')


def read_quoted(text, at):
    word = ''
    end = at + 1
    while text[end] != '"':
        if text[end] == '\\':
            end += 1
            word += ESCAPES.get(text[end], text[end])
        else:
            word += text[end]
        end += 1
    return word, end + 1


READERS = {'{': read_braced, '"': read_quoted}


def holds(condition, known):
    """Whether a condition such as `{ a && { ! b } }` is met. `known` maps effective targets to truth; what has a
    hyphen and a star is compared with the name of the machine, `known['triplet']`."""
    parts = words(condition)
    if len(parts) == 1 and parts[0] != condition.strip():
        return holds(parts[0], known)
    if len(parts) == 2 and parts[0] == '!':
        return not holds(parts[1], known)
    if len(parts) == 3 and parts[1] in ('&&', '||'):
        left, right = holds(parts[0], known), holds(parts[2], known)
        return (left and right) if parts[1] == '&&' else (left or right)
    if len(parts) == 1:
        return is_target(parts[0], known)
    return any(holds(part, known) for part in parts)


def is_target(name, known):
    if '*' in name:
        return fnmatch.fnmatch(known['triplet'], name)
    if name not in known:
        raise Unknown(f'effective target {name}')
    return known[name]
