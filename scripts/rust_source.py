"""Tokens of Rust source text, for the checks in this folder."""

import re

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>//[^\n]*)
  | (?P<block>/\*)
  | (?P<raw>b?c?r(?P<hashes>\#*)"(?s:.*?)"(?P=hashes))
  | (?P<string>[bc]?"(?:\\.|[^"\\])*")
  | (?P<char>b?'(?:\\(?:u\{[^}]*\}|x..|.)|[^'\\\n])')
  | (?P<lifetime>'[A-Za-z_]\w*)
  | (?P<ident>r\#[A-Za-z_]\w*|[A-Za-z_]\w*)
  | (?P<number>\d[\w]*(?:\.\d[\w]*)?)
  | (?P<punct>::|->|=>|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")


class Token:
    """One token: its kind, its text and the line on which it begins."""

    __slots__ = ("kind", "text", "line")

    def __init__(self, kind, text, line):
        self.kind = kind
        self.text = text
        self.line = line

    def __repr__(self):
        return f"{self.kind}({self.text!r})@{self.line}"


def tokens(text):
    """Yields every token of the text except white space. Block comments nest."""
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        kind, end = match.lastgroup, match.end()
        if kind == "hashes":
            kind = "raw"
        if kind == "block":
            kind, end = "comment", _block_end(text, end)
        piece = text[position:end]
        if kind != "space":
            if kind == "raw":
                kind = "string"
            elif kind == "ident" and piece.startswith("r#"):
                piece = piece[2:]
            yield Token(kind, piece, line)
        line += piece.count("\n")
        position = end


def _block_end(text, position):
    depth = 1
    while depth:
        edge = _BLOCK_EDGE.search(text, position)
        if edge is None:
            return len(text)
        depth += 1 if edge.group() == "/*" else -1
        position = edge.end()
    return position
