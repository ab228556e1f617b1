"""The configuration: axej.yaml and customers.yaml become checked, frozen models.

place: where the file is; tree: YAML with line numbers; models (with sources, tiers, customers, passwords, commands,
values, base): what may be written; faults: what is wrong, as a sentence with file and line; load: all of that in one
call; checks and excludes: what `axej config check` looks at beyond the file itself; effective: the configuration as
plain values, YAML, JSON Schema; cache: the same for commands that must start fast; example and template: ready files.

Nothing is imported here: place, units and cache are used without pydantic and yaml.
"""
