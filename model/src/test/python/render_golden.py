"""Renders the templates of src/test/resources/chat with Python's Jinja, the reference.

    pip install jinja2==3.1.6
    python3 render_golden.py

writes golden.json there: for each template and conversation the text, or the words of
raise_exception, or that it fails. The environment is set up as Hugging Face transformers does it.
"""

import datetime
import json
import pathlib

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

FOLDER = pathlib.Path(__file__).parent.parent / "resources" / "chat"
NOW = datetime.datetime(2026, 1, 2, 3, 4, 5)


class Raised(Exception):
    """What a template said with raise_exception."""


class Generation(Extension):
    """The generation block, which marks the assistant's text and prints its body."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        call = self.call_method("_body")
        return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def raise_exception(message):
    raise Raised(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def environment():
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = NOW.strftime
    return env


def render(env, source, variables):
    try:
        return {"text": env.from_string(source).render(**variables)}
    except Raised as refusal:
        return {"raised": str(refusal)}
    except (jinja2.TemplateError, TypeError, ValueError):
        return {"fails": True}


def main():
    env = environment()
    conversations = json.loads((FOLDER / "conversations.json").read_text("utf-8"))
    golden = {}
    for path in sorted((FOLDER / "templates").glob("*.jinja")):
        source = path.read_bytes().decode("utf-8")
        golden[path.stem] = {
            name: render(env, source, variables) for name, variables in conversations.items()
        }
    text = json.dumps(golden, ensure_ascii=False, indent=1)
    (FOLDER / "golden.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
