"""Reads reports as other programs do, and ends with a message where one cannot be read.

usage: formats.py json SCHEMA FILE | schema SCHEMA FILE | csv FILE | junit FILE | perfetto FILE
Prints what was found, for the tests to compare.
"""

import csv
import json
import sys


def check_json(schema, path):
    import jsonschema

    with open(schema) as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    with open(path) as file:
        document = json.load(file)
    jsonschema.Draft202012Validator(schema).validate(document)
    results = document if isinstance(document, list) else [document]
    for result in results:
        for line in result.get("timeLines", []):
            assert line["ends"] == sorted(set(line["ends"])), "ends ascend"
            for name, values in line["series"].items():
                assert len(values) == len(line["ends"]), name
                assert sum(values) == result["counters"][name], f"{name} adds up"
        for table in result.get("tables", []):
            assert all(len(row) == len(table["columns"]) for row in table["rows"]), table["name"]
        if "walk.count" in result["counters"] and "walk.references" in result["histograms"]:
            bars = result["histograms"]["walk.references"]
            assert sum(count for _, count in bars) == result["counters"]["walk.count"]
    print(len(results), "results")


def check_schema(schema, path):
    import jsonschema

    with open(schema) as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    with open(path) as file:
        jsonschema.Draft202012Validator(schema).validate(json.load(file))
    print("valid")


def check_csv(path):
    import duckdb

    with open(path, newline="", encoding="utf-8") as file:
        text = file.read()
    assert "\r" not in text, "lines end in LF"
    rows = list(csv.reader(text.splitlines(keepends=True), strict=True))
    assert rows[0] == ["trace", "machine", "metric", "bucket", "value"], rows[0]
    assert all(len(row) == 5 for row in rows), "five fields in each row"
    count, metrics = duckdb.sql(
        f"SELECT count(*), count(DISTINCT metric) FROM read_csv('{path}', header=true, "
        "all_varchar=true, delim=',', quote='\"', escape='\"')").fetchall()[0]
    assert count == len(rows) - 1, (count, len(rows) - 1)
    walks = duckdb.sql(
        f"SELECT sum(CAST(value AS BIGINT)) FROM read_csv('{path}', header=true, "
        "all_varchar=true, delim=',', quote='\"', escape='\"') WHERE metric = 'walk.count'"
    ).fetchall()[0][0]
    print(count, "rows", metrics, "metrics", walks, "walks")


def check_junit(path):
    import junitparser

    suites = junitparser.JUnitXml.fromfile(path)
    cases = failures = skipped = 0
    for suite in suites:
        for case in suite:
            cases += 1
            kinds = [type(result).__name__ for result in case.result]
            failures += "Failure" in kinds
            skipped += "Skipped" in kinds
    assert (suites.tests, suites.failures) == (cases, failures)
    print(cases, "cases", failures, "failures", skipped, "skipped")


def check_perfetto(path):
    from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as protos

    trace = protos.Trace()
    with open(path, "rb") as file:
        trace.ParseFromString(file.read())
    tracks = {}
    sums = {}
    last = {}
    instants = 0
    for packet in trace.packet:
        assert packet.trusted_packet_sequence_id > 0
        if packet.HasField("track_descriptor"):
            track = packet.track_descriptor
            assert track.uuid not in tracks, "tracks are told apart"
            tracks[track.uuid] = track
            if track.parent_uuid:
                assert track.parent_uuid in tracks
        elif packet.HasField("track_event"):
            event = packet.track_event
            assert event.track_uuid in tracks
            assert packet.timestamp >= last.get(event.track_uuid, 0), "times ascend"
            last[event.track_uuid] = packet.timestamp
            if event.type == protos.TrackEvent.TYPE_COUNTER:
                assert tracks[event.track_uuid].HasField("counter")
                name = tracks[event.track_uuid].name
                sums[name] = sums.get(name, 0) + event.counter_value
            else:
                assert event.type == protos.TrackEvent.TYPE_INSTANT
                assert event.name
                instants += 1
    print(instants, "instants", max(last.values(), default=0), "last",
          " ".join(f"{name}={value}" for name, value in sorted(sums.items())))


if __name__ == "__main__":
    checks = {
        "json": check_json, "schema": check_schema, "csv": check_csv, "junit": check_junit,
        "perfetto": check_perfetto,
    }
    checks[sys.argv[1]](*sys.argv[2:])
