"""The configuration: axej.yaml and customers.yaml become checked, frozen models.

place: where the file is; tree: YAML with line numbers; models (with sources, tiers, customers, passwords, commands,
values, base): what may be written; faults: what is wrong, with file and line; sentences: pydantic's errors as such;
load: all of that in one call; checks, excludes, exclude_checks: what `axej config check` looks at beyond the file
itself; effective: the configuration as plain values, YAML, JSON Schema; cache: the same for commands that must start
fast; example and template: ready files.

Nothing is imported here: place, units and cache are used without pydantic and yaml.
"""
