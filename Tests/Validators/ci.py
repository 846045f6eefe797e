"""Holds what other people's CI runs against its schemas, and plays it as the services would.

usage: ci.py lint ROOT                  every schema and script
       ci.py action ROOT NAME=VALUE...  the steps of action.yml with these inputs, in this folder
       ci.py gitlab ROOT                the script of the GitLab job of Documentation/gates.md
Exit codes of a play are those of its first step that fails.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

TOOLS = pathlib.Path(sys.executable).parent


def yaml(text):
    from ruamel.yaml import YAML

    # As YAML 1.2 has it: "on" is a word.
    return YAML(typ="safe", pure=True).load(text)


def snippets(root):
    """The YAML of gates.md: a GitHub workflow and a GitLab pipeline."""
    text = (root / "Documentation/gates.md").read_text()
    found = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert len(found) == 2, len(found)
    return found


def tool(name, *arguments):
    result = subprocess.run([TOOLS / name, *arguments], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def check_uses(root, workflow):
    """What a workflow gives the action is what the action takes."""
    action = yaml((root / "action.yml").read_text())
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    ours = [step for step in steps if "nestwalk@" in step.get("uses", "")]
    assert len(ours) == 1
    given = set(ours[0]["with"])
    assert given <= set(action["inputs"]), given
    needed = {name for name, row in action["inputs"].items() if row.get("required")}
    assert needed <= given, needed
    for name, row in action["inputs"].items():
        assert row["description"] and ("default" in row) != row["required"], name


def check_expressions(root):
    """Each input is used, and nothing from outside is pasted into a script."""
    action = yaml((root / "action.yml").read_text())
    used = set()
    for step in action["runs"]["steps"]:
        assert "${{" not in step["run"], "scripts take inputs from their environment"
        for value in step.get("env", {}).values():
            used.add(re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", value).group(1))
    assert used == set(action["inputs"]), used


def lint(root):
    workflow, pipeline = snippets(root)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "workflow.yml").write_text(workflow)
        (folder / "gitlab-ci.yml").write_text(pipeline)
        scripts = [root / "Integrations/gate.sh"] + [
            path for path in sorted((root / ".ci").iterdir())
            if path.read_bytes().startswith((b"#!/bin/sh", b"#!/usr/bin/env bash"))
        ]
        for place, step in enumerate(yaml((root / "action.yml").read_text())["runs"]["steps"]):
            script = folder / f"step-{place}.sh"
            script.write_text(f"#!/usr/bin/env {step['shell']}\n{step['run']}")
            scripts.append(script)
        builtin = "--builtin-schema"
        tool("check-jsonschema", builtin, "vendor.github-actions", root / "action.yml")
        tool("check-jsonschema", builtin, "vendor.github-workflows", folder / "workflow.yml")
        tool("check-jsonschema", builtin, "vendor.gitlab-ci", "--data-transform", "gitlab-ci",
             folder / "gitlab-ci.yml")
        tool("shellcheck", "--severity=style", *scripts)
    check_uses(root, yaml(workflow))
    check_expressions(root)
    print("3 schemas", len(scripts), "scripts")


def play(arguments, environment):
    status = subprocess.run(arguments, env={**os.environ, **environment}).returncode
    if status != 0:
        sys.exit(status)


def play_action(root, *given):
    action = yaml((root / "action.yml").read_text())
    given = dict(pair.split("=", 1) for pair in given)
    assert set(given) <= set(action["inputs"]), "inputs that the action does not have"
    inputs = {}
    for name, row in action["inputs"].items():
        assert name in given or not row["required"], f"{name} is required"
        inputs[name] = given.get(name, row.get("default", ""))
    for step in action["runs"]["steps"]:
        assert step["shell"] == "bash"
        environment = {
            name: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: inputs[found[1]], value)
            for name, value in step["env"].items()
        }
        with tempfile.NamedTemporaryFile("w", suffix=".sh") as script:
            script.write(step["run"])
            script.flush()
            # As GitHub's runner calls the shell "bash".
            play(["bash", "--noprofile", "--norc", "-eo", "pipefail", script.name],
                 {**environment, "GITHUB_ACTION_PATH": str(root)})


def play_gitlab(root):
    jobs = yaml(snippets(root)[1])
    (job,) = jobs.values()
    play(["sh", "-e", "-c", "\n".join(job["script"])], {})
    for path in job["artifacts"]["paths"] + [job["artifacts"]["reports"]["junit"]]:
        assert pathlib.Path(path).exists(), path


if __name__ == "__main__":
    verb, root = sys.argv[1], pathlib.Path(sys.argv[2])
    verbs = {"lint": lint, "action": play_action, "gitlab": play_gitlab}
    verbs[verb](root, *sys.argv[3:])
