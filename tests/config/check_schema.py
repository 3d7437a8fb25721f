"""Holds documents to a JSON Schema: check_schema.py SCHEMA FILE...

A .yaml file is one document, read by the core schema of YAML 1.2 (§10.3); a .jsonl file is one a line. Prints a
line a document: `right`, or `wrong` with the first reason.
"""
import json
import re
import sys

import yaml
from jsonschema import Draft202012Validator


class CoreLoader(yaml.SafeLoader):
    """No dates, no yes and no, no octal by a leading zero: what YAML 1.2 says."""

    yaml_implicit_resolvers = {}


def integer(loader, node):
    text = loader.construct_scalar(node)
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text if base == 10 else text[2:], base)


def real(loader, node):
    return float(loader.construct_scalar(node).lower().replace(".inf", "inf").replace(".nan", "nan"))


CORE = {
    "null": (r"^(?:~|null|Null|NULL|)$", None),
    "bool": (r"^(?:true|True|TRUE|false|False|FALSE)$", None),
    "int": (r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", integer),
    "float": (
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
        real,
    ),
}
for kind, (pattern, construct) in CORE.items():
    CoreLoader.add_implicit_resolver("tag:yaml.org,2002:" + kind, re.compile(pattern), None)
    if construct:
        CoreLoader.add_constructor("tag:yaml.org,2002:" + kind, construct)


def documents(path):
    with open(path, encoding="utf-8") as file:
        if path.endswith(".jsonl"):
            yield from (json.loads(line) for line in file)
        else:
            yield yaml.load(file, Loader=CoreLoader)


def main(schema_path, *paths):
    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for path in paths:
        for document in documents(path):
            error = next(validator.iter_errors(document), None)
            print("right" if error is None else f"wrong {error.json_path}: {error.message[:200]}".replace("\n", " "))


main(*sys.argv[1:])
