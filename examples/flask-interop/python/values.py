"""Session values of every type that Flask stores: their descriptions and random values.

A description is JSON that names each type, such as ["int", "3"] or ["tuple", [["none"]]]. Two
values are equal exactly if their descriptions are equal. The Rust side writes the same descriptions.
"""

import math
import struct
import uuid
from datetime import datetime, timedelta, timezone

from markupsafe import Markup


def describe(value):
    if value is None:
        return ["none"]
    if isinstance(value, Markup):
        return ["markup", str(value)]
    if isinstance(value, str):
        return ["str", value]
    if isinstance(value, bool):
        return ["bool", value]
    if isinstance(value, int):
        return ["int", str(value)]
    if isinstance(value, float):
        return ["float", struct.pack(">d", value).hex()]
    if isinstance(value, tuple):
        return ["tuple", [describe(item) for item in value]]
    if isinstance(value, list):
        return ["list", [describe(item) for item in value]]
    if isinstance(value, dict):
        return ["dict", {key: describe(item) for key, item in value.items()}]
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    if isinstance(value, uuid.UUID):
        return ["uuid", value.hex]
    if isinstance(value, datetime):
        return ["datetime", int(value.timestamp())]
    raise TypeError(f"Flask stores no {type(value).__name__}")


def build(description):
    kind, *content = description
    makers = {
        "none": lambda: None,
        "markup": Markup,
        "str": str,
        "bool": bool,
        "int": int,
        "float": lambda bits: struct.unpack(">d", bytes.fromhex(bits))[0],
        "tuple": lambda items: tuple(map(build, items)),
        "list": lambda items: list(map(build, items)),
        "dict": lambda items: {key: build(item) for key, item in items.items()},
        "bytes": bytes.fromhex,
        "uuid": uuid.UUID,
        "datetime": lambda seconds: datetime.fromtimestamp(seconds, timezone.utc),
    }
    return makers[kind](*content)


def fits_json(value):
    """Returns whether JSON and 64-bit floats support every string and number in a value."""
    if isinstance(value, str):
        return not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return abs(value) < 2**1023
    if isinstance(value, (tuple, list)):
        return all(map(fits_json, value))
    if isinstance(value, dict):
        return all(fits_json(key) and fits_json(item) for key, item in value.items())
    return True


ALPHABETS = ["abcxyz", "AZ09 _-.", "\"\\/<&'>", "\0\n\r\t\b\f\x1f\x7f", "äßéñ", "日本語", "\u2028\u2029\ufeff", "😀🦀"]
LOOK_ALIKES = [" t", " b", " m", " u", " d", " di", " t__", "$session::bytes", "$session::tuple"]


def random_text(random):
    text = "".join(random.choice(random.choice(ALPHABETS)) for _ in range(random.randrange(12)))
    if random.random() < 0.01:
        # Python joins two adjacent surrogate halves, so there is at most one.
        text += random.choice(["\ud800", "\udbff", "\udc00", "\udfff"])
    return text


def random_int(random):
    bits = random.choice([3, 8, 31, 32, 53, 63, 64, 65, 200])
    edge = random.choice([0, 2**53, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**400 if random.random() < 0.1 else 1])
    return random.choice([1, -1]) * random.choice([random.getrandbits(bits), edge])


def random_float(random):
    bits = struct.unpack(">d", random.randbytes(8))[0]
    edge = random.choice([0.0, -0.0, 0.1, 1e16, 5e-324, 1.7976931348623157e308])
    odd = random.choice([math.nan, math.inf, -math.inf]) if random.random() < 0.1 else 1.5
    finite = bits if math.isfinite(bits) else 2.5
    return random.choice([finite, edge, odd, round(random.uniform(-1000, 1000), 2)])


def random_datetime(random):
    zone = timezone(timedelta(minutes=random.randrange(-14 * 60, 14 * 60)))
    return datetime.fromtimestamp(random.randrange(-2_000_000_000, 250_000_000_000), zone)


def random_items(random, depth):
    return [random_value(random, depth - 1) for _ in range(random.randrange(4))]


def random_look_alike(random, depth):
    return {random.choice(LOOK_ALIKES): random_value(random, depth - 1)}


def random_dict(random, depth):
    return {random_text(random): item for item in random_items(random, depth)}


LEAVES = [
    lambda random: None,
    lambda random: random.random() < 0.5,
    random_int,
    random_float,
    random_text,
    lambda random: random.randbytes(random.randrange(40)),
    lambda random: Markup(random_text(random)),
    lambda random: uuid.UUID(bytes=random.randbytes(16)),
    random_datetime,
]
BRANCHES = [
    random_items,
    lambda random, depth: tuple(random_items(random, depth)),
    random_dict,
    random_look_alike,
]


def random_value(random, depth):
    if depth > 0 and random.random() < 0.4:
        return random.choice(BRANCHES)(random, depth)
    return random.choice(LEAVES)(random)


def random_session(random):
    """Returns one to eight keys. A key that looks like a tag is never alone."""
    session = {f"key {random_text(random)}": random_value(random, 4) for _ in range(random.randint(1, 7))}
    if random.random() < 0.2:
        session[random.choice([*LOOK_ALIKES, ""])] = random_value(random, 2)
    if random.random() < 0.2:
        session["_permanent"] = True
    if random.random() < 0.2:
        session["_flashes"] = [("message", random_text(random)), ("error", Markup(random_text(random)))]
    return session
