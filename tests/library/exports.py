#!/usr/bin/env python3
"""What libanser.so shows: all that the public headers mark with ANSER_API, and nothing else but one variable of Asio's.

exports.py LIBRARY INCLUDE
"""

import re
import subprocess
import sys
from pathlib import Path

NAME = r"[A-Za-z_]\w*"
# Where a thread remembers whose io_context it runs: the application's is run there and asked here.
SHARED = (
    "boost::asio::detail::keyword_tss_ptr<boost::asio::detail::call_stack<boost::asio::detail::thread_context, "
    "boost::asio::detail::thread_info_base>::context>::value_"
)


def promised(include: Path) -> set[str]:
    """Classes and functions behind ANSER_API, without anser::sdk."""
    names = set()
    for header in sorted(include.glob("anser/*.h")):
        text = re.sub(r"//.*", "", header.read_text(encoding="utf-8"))
        names |= set(re.findall(rf"class ANSER_API ({NAME})", text))
        space = "filter::" if "namespace filter {" in text else ""
        for function in re.findall(rf"^ *(?:friend )?ANSER_API [^;(]*?({NAME}|operator==)\(", text, re.MULTILINE):
            names.add(function if function == "operator==" else space + function)
    return names


def owner(symbol: str) -> str:
    """The class or free function that a demangled symbol belongs to: "Roster" of "anser::sdk::Roster::reload()"."""
    found = re.match(r"(?:(?:vtable|typeinfo|typeinfo name) for )?anser::sdk::([^(\[]*)", symbol)
    if not found:
        return symbol
    parts = found.group(1).split("::")
    if parts[0] == "filter":
        return "::".join(parts)
    return parts[0] if len(parts) <= 2 else found.group(1)  # deeper is something nested


def main() -> int:
    library, include = sys.argv[1], Path(sys.argv[2])
    names = promised(include)
    lines = subprocess.run(["nm", "-DC", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    symbols = [line.split(" ", 2)[2] for line in lines.splitlines()]
    seen = {owner(symbol) for symbol in symbols}
    wrong = [symbol for symbol in symbols if owner(symbol) not in names and symbol != SHARED]
    missing = sorted(names - seen) + ([] if SHARED in symbols else [SHARED])
    for symbol in wrong:
        print(f"shown, and not promised: {symbol}")
    for name in missing:
        print(f"promised, and not shown: {name}")
    print(f"{len(symbols)} symbols of {len(names)} promised names")
    return 1 if wrong or missing else 0


sys.exit(main())
