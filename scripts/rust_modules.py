"""The modules, imports and functions of one Rust crate, read from its source files."""

import os
import re

from rust_source import tokens

_DEFINITIONS = {"struct", "enum", "union", "trait", "type", "fn", "static", "const"}
_TO_SEMICOLON = {"use", "const", "static", "type", "let"}
_ITEMS = {"fn", "struct", "enum", "union", "trait", "impl", "mod", "macro_rules", "extern"}
_MODIFIERS = {"pub", "async", "unsafe", "default"}
_OPEN, _CLOSE = {"(", "[", "{"}, {")", "]", "}"}
_SKIPPED_CFG = re.compile(r"#!?\[cfg\((test|doc|all\((.*,)?(test|doc)(,.*)?\))\)\]")


class Use:
    """One name that a `use` declaration imports. The name of a glob import is `*`."""

    def __init__(self, path, name, line, visibility):
        self.path, self.name, self.line, self.visibility = path, name, line, visibility


class Function:
    """A function with a body."""

    def __init__(self, name, visibility, start, end, owner):
        self.name, self.visibility, self.start, self.end = name, visibility, start, end
        # The type of the inherent `impl` block, or None.
        self.owner = owner

    def length(self):
        return self.end - self.start + 1


class Module:
    """A module: its definitions, imports and mentions. An inline one shares its parent's file."""

    def __init__(self, path, file):
        self.path, self.file = path, file
        self.children = {}
        self.items = {}
        self.public_items = {}
        self.uses = []
        self.mentions = []

    def name(self):
        return "::".join(("crate",) + self.path)


class SourceError(Exception):
    """A source file cannot be read."""


class Crate:
    """All modules of a crate that are neither for tests nor for documentation."""

    def __init__(self, root):
        self.root = root
        self.modules = {}
        self.functions = {}
        self.lines = {}
        self._read("lib.rs", ())

    def _read(self, file, path):
        full = os.path.join(self.root, file)
        with open(full, encoding="utf-8") as source:
            text = source.read()
        self.lines[file] = text.splitlines()
        self.functions[file] = []
        _Reader(self, file, [t for t in tokens(text) if t.kind != "comment"]).read(path)

    def module(self, path, file):
        return self.modules.setdefault(path, Module(path, file))

    def child_file(self, file, path, name, line):
        """Reads the file of `mod name;`."""
        directory = os.path.dirname(file)
        stem = os.path.splitext(os.path.basename(file))[0]
        if stem not in ("lib", "mod"):
            directory = os.path.join(directory, stem)
        # Inline modules add their names to the folder.
        own = tuple(part for part in directory.split(os.sep) if part)
        directory = os.path.join(directory, *path[len(own):])
        for candidate in (f"{name}.rs", os.path.join(name, "mod.rs")):
            candidate = os.path.join(directory, candidate)
            if os.path.exists(os.path.join(self.root, candidate)):
                self._read(candidate, path + (name,))
                return
        raise SourceError(f"{os.path.join(self.root, file)}:{line}: no file for `mod {name};`")

    def resolve(self, module, path, seen=frozenset()):
        """Returns the module or the file that a path leads to, or None for another crate's."""
        path = list(path)
        here = module
        if path[0] == "crate":
            here = self.modules[()]
            path.pop(0)
        elif path[0] in ("self", "super"):
            while path and path[0] in ("self", "super"):
                if path.pop(0) == "super":
                    here = self.modules[here.path[:-1]]
        else:
            found = self._lookup(here, path[0], len(path) > 1, seen)
            if not isinstance(found, Module):
                return found
            here = found
            path.pop(0)
        while path:
            name = path.pop(0)
            if name == "self":
                continue
            found = self._lookup(here, name, bool(path), seen)
            # A name that no declaration shows comes from a macro of the module.
            if found is None:
                return here.file
            if not isinstance(found, Module):
                return found
            here = found
        return here

    def _lookup(self, module, name, prefer_module, seen):
        child = module.children.get(name)
        item = module.items.get(name)
        if child and (prefer_module or not item):
            return child
        if item:
            return item
        if (module.path, name) in seen:
            return None
        seen = seen | {(module.path, name)}
        for use in module.uses:
            if use.name == name:
                found = self.resolve(module, use.path, seen)
                if found is not None:
                    return found
        for use in module.uses:
            if use.name == "*":
                target = self.resolve(module, use.path, seen)
                if isinstance(target, Module) and target is not module:
                    found = self._lookup(target, name, prefer_module, seen)
                    if found is not None:
                        return found
        return None


class _Reader:
    """Reads the tokens of one file into the modules of the crate."""

    def __init__(self, crate, file, found):
        self.crate, self.file, self.tokens = crate, file, found

    def text(self, index):
        return self.tokens[index].text if 0 <= index < len(self.tokens) else ""

    def kind(self, index):
        return self.tokens[index].kind if 0 <= index < len(self.tokens) else ""

    def read(self, path):
        self.block(0, len(self.tokens), self.crate.module(path, self.file), True, None)

    def block(self, index, end, module, is_module, owner):
        """Reads the tokens of one block. Only a module's block defines names of the module."""
        exported = False
        while index < end:
            text, kind = self.text(index), self.kind(index)
            if text == "#" and (self.text(index + 1) == "[" or self.text(index + 1) == "!"):
                index, skipped, attribute = self.attribute(index)
                exported = exported or "macro_export" in attribute
                if skipped:
                    if attribute.startswith("#!"):
                        return
                    index = self.skip_item(index)
                continue
            if kind != "ident" or self.text(index - 1) == ".":
                if text == "{":
                    close = self.matching(index)
                    self.block(index + 1, close, module, False, None)
                    index = close
                index += 1
                continue
            index = self.word(index, module, is_module, owner, exported)
            if text not in _MODIFIERS:
                exported = False

    def word(self, index, module, is_module, owner, exported):
        """Reads what begins with an identifier and returns the index behind it."""
        text, following = self.text(index), self.text(index + 1)
        if text == "use" and self.is_item_start(index):
            return self.use(index, module)
        if text == "impl" and self.is_item_start(index):
            return self.impl(index, module)
        if text == "mod" and is_module and self.kind(index + 1) == "ident":
            return self.child(index, module)
        if text == "fn" and self.kind(index + 1) == "ident":
            return self.function(index, module, is_module, owner)
        if text == "macro_rules" and following == "!":
            target = self.crate.modules[()] if exported else module
            target.items[self.text(index + 2)] = self.file
            return index + 3
        if is_module and text in _DEFINITIONS and self.kind(index + 1) == "ident":
            name = self.text(index + 1)
            if name not in _DEFINITIONS | _MODIFIERS | {"mut"}:
                self.define(index, name, module)
                return index + 2
            return index + 1
        return self.path(index, module)

    def define(self, index, name, module):
        module.items[name] = self.file
        if self.visibility(index) == "pub":
            module.public_items[name] = self.tokens[index].line

    def is_item_start(self, index):
        before = self.text(index - 1)
        return before in ("", ";", "{", "}", "]", ")", "pub", "unsafe", "default", ">")

    def visibility(self, index):
        """Returns `pub`, `pub(…)` or an empty text for the item whose keyword is at the index."""
        index -= 1
        while self.text(index) in ("async", "unsafe", "const", "extern", "default") or (
            self.kind(index) == "string" and self.text(index - 1) == "extern"
        ):
            index -= 1
        if self.text(index) == "pub":
            return "pub"
        if self.text(index) == ")":
            while index > 0 and self.text(index) != "(":
                index -= 1
            if self.text(index - 1) == "pub":
                return "pub(…)"
        return ""

    def attribute(self, index):
        start = index
        while self.text(index) != "[":
            index += 1
        end = self.matching(index) + 1
        text = "".join(token.text for token in self.tokens[start:end])
        return end, bool(_SKIPPED_CFG.fullmatch(text)), text

    def skip_item(self, index):
        """Returns the index behind the item, statement or field at the index."""
        while self.text(index) == "#":
            index = self.attribute(index)[0]
        word = index
        while self.text(word) in _MODIFIERS:
            word = self.matching(word + 1) + 1 if self.text(word + 1) == "(" else word + 1
        is_function = self.text(word) == "const" and self.text(word + 1) in ("fn", "unsafe")
        to_semicolon = self.text(word) in _TO_SEMICOLON and not is_function
        is_item = to_semicolon or is_function or self.text(word) in _ITEMS
        index = word
        while index < len(self.tokens):
            text = self.text(index)
            if text == ";" or (text == "," and not is_item):
                return index + 1
            if text in _CLOSE:
                return index
            if text in _OPEN:
                index = self.matching(index)
                if text == "{" and not to_semicolon:
                    return index + 1
            index += 1
        return index

    def matching(self, index):
        depth = 0
        for position in range(index, len(self.tokens)):
            token = self.tokens[position]
            if token.kind == "punct":
                depth += (token.text in _OPEN) - (token.text in _CLOSE)
                if depth == 0:
                    return position
        return len(self.tokens)

    def use(self, index, module):
        visibility = self.visibility(index)
        index += 1
        absolute = self.text(index) == "::"
        leaves, index = self.use_tree(index + absolute, ())
        if not absolute:
            module.uses += [Use(p, name, line, visibility) for p, name, line in leaves]
        return index + 1

    def use_tree(self, index, prefix):
        leaves = []
        while True:
            token = self.tokens[index]
            if token.text == "{":
                index += 1
                while self.text(index) != "}":
                    inner, index = self.use_tree(index, prefix)
                    leaves += inner
                    index += self.text(index) == ","
                return leaves, index + 1
            index += 1
            if token.text == "*":
                return [(prefix, "*", token.line)], index
            if self.text(index) == "::":
                prefix += (token.text,)
                index += 1
                continue
            is_self = token.text == "self" and prefix
            path = prefix if is_self else prefix + (token.text,)
            name = path[-1]
            if self.text(index) == "as":
                name = self.text(index + 1)
                index += 2
            return [(path, name, token.line)], index

    def child(self, index, module):
        name, line = self.text(index + 1), self.tokens[index].line
        path = module.path + (name,)
        if self.visibility(index) == "pub":
            module.public_items.pop(name, None)
        if self.text(index + 2) == ";":
            self.crate.child_file(self.file, module.path, name, line)
            module.children[name] = self.crate.modules[path]
            return index + 3
        child = self.crate.module(path, self.file)
        module.children[name] = child
        close = self.matching(index + 2)
        self.block(index + 3, close, child, True, None)
        return close + 1

    def impl(self, index, module):
        """Reads an `impl` block. The owner is the type of an inherent one."""
        depth, start, words, is_trait = 0, index + 1, [], False
        index += 1
        if self.text(index) == "<":
            while True:
                depth += (self.text(index) == "<") - (self.text(index) == ">")
                index += 1
                if depth == 0:
                    break
        while index < len(self.tokens) and self.text(index) not in ("{", ";"):
            text = self.text(index)
            depth += (text == "<") - (text == ">")
            is_trait = is_trait or (depth == 0 and text == "for")
            if depth == 0 and self.kind(index) == "ident" and "where" not in words:
                words.append(text)
            index += 1
        self.block(start, index, module, False, None)
        if self.text(index) != "{":
            return index
        words = words[: words.index("where")] if "where" in words else words
        owner = words[-1] if words and not is_trait else None
        close = self.matching(index)
        self.block(index + 1, close, module, False, owner)
        return close + 1

    def function(self, index, module, is_module, owner):
        name, visibility = self.text(index + 1), self.visibility(index)
        if is_module:
            self.define(index, name, module)
        start, first = index + 2, self.tokens[index].line
        index = start
        while index < len(self.tokens) and self.text(index) not in ("{", ";"):
            if self.text(index) in _CLOSE:
                return index
            index = self.matching(index) + 1 if self.text(index) in _OPEN else index + 1
        self.block(start, index, module, False, None)
        if self.text(index) != "{":
            return index
        close = self.matching(index)
        last = self.tokens[min(close, len(self.tokens) - 1)].line
        self.crate.functions[self.file].append(Function(name, visibility, first, last, owner))
        self.block(index + 1, close, module, False, None)
        return close + 1

    def path(self, index, module):
        line, path = self.tokens[index].line, [self.text(index)]
        is_absolute = self.text(index - 1) == "::"
        index += 1
        while self.text(index) == "::" and self.kind(index + 1) == "ident":
            path.append(self.text(index + 1))
            index += 2
        if not is_absolute:
            module.mentions.append((tuple(path), line))
        return index
