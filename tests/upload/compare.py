#!/usr/bin/env python3
"""What commons-fileupload and our component say of the recorded forms.

compare.py PROGRAM CLASSPATH
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
FORMS = HERE.parent / "data/multipart"


def said(lines: str) -> list:
    """Items as they are said; of an error only that there is one, for the words are each side's own."""
    # Not splitlines(): text has line ends of Unicode.
    items = [json.loads(line) for line in lines.split("\n") if line]
    # Nothing is left of a form that fails: the items before it do not count.
    return ["error"] if any("error" in item for item in items) else items


def ours(program: str, form: dict) -> list:
    with (FORMS / f"{form['name']}.bin").open("rb") as body:
        done = subprocess.run([program, form["type"], form["charset"]], stdin=body, capture_output=True, check=True, timeout=60)
    return said(done.stdout.decode())


def theirs(classpath: str, forms: list[dict]) -> list[list]:
    arguments = [argument for form in forms for argument in (str(FORMS / f"{form['name']}.bin"), form["type"], form["charset"])]
    java = ["java", "-cp", classpath, "anser.upload.Items"]
    done = subprocess.run([*java, *arguments], capture_output=True, check=True, timeout=300)
    return [said(block) for block in done.stdout.decode().replace("\r\n", "\n").split("end\n")[:-1]]


def main() -> int:
    program, classpath = sys.argv[1:]
    forms = json.loads((FORMS / "index.json").read_text(encoding="utf-8"))["fixtures"]
    unlisted = {path.stem for path in FORMS.glob("*.bin")} ^ {form["name"] for form in forms}
    differences = tomllib.loads((HERE / "differences.toml").read_text(encoding="utf-8"))
    problems = [f"{name}: only one of index.json and the files has it" for name in sorted(unlisted)]
    problems += [f"{name}: differences.toml has it, index.json not" for name in differences.keys() - {f["name"] for f in forms}]
    for form, their in zip(forms, theirs(classpath, forms), strict=True):
        name, our = form["name"], ours(program, form)
        expected = differences.get(name)
        if expected is None and our != their:
            problems.append(f"{name}: ours says\n    {our}\n  commons-fileupload\n    {their}")
        elif expected is not None and our == their:
            problems.append(f"{name}: differences.toml has it, and both say the same")
    print("\n".join(problems) or f"{len(forms)} forms: the same but for {len(differences)} differences that are written down")
    return 1 if problems else 0


sys.exit(main())
