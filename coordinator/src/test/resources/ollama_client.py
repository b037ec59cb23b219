"""Drives an endpoint with the unmodified ollama client and checks what it makes of the answers.

usage: ollama_client.py BASE_URL MODEL API_KEY [CHECK...]

Without names all checks run that hold for every model. Prints one line per check; ends with 1 if
one failed.
"""

import json
import sys
import traceback

import ollama

MESSAGES = [
    {"role": "system", "content": "Answer briefly."},
    {"role": "user", "content": "Say hello."},
]
OPTIONS = {"temperature": 0, "num_predict": 8, "seed": 1}


def chat(client, model):
    answer = client.chat(model=model, messages=MESSAGES, options=OPTIONS)
    assert answer.model == model and answer.done
    assert answer.message.role == "assistant" and answer.message.content
    assert answer.done_reason in ("stop", "length"), answer.done_reason
    assert 0 < answer.eval_count <= 8 and answer.prompt_eval_count > 0
    assert answer.total_duration > 0 and answer.prompt_eval_duration > 0


def chat_stream(client, model):
    whole = client.chat(model=model, messages=MESSAGES, options=OPTIONS)
    parts = list(client.chat(model=model, messages=MESSAGES, options=OPTIONS, stream=True))
    assert [p.done for p in parts] == [False] * (len(parts) - 1) + [True]
    assert "".join(p.message.content for p in parts) == whole.message.content
    assert parts[-1].done_reason == whole.done_reason
    assert parts[-1].eval_count == whole.eval_count


def json_format(client, model):
    schema = {
        "type": "object",
        "properties": {"age": {"type": "integer", "minimum": 0, "maximum": 120}},
        "required": ["age"],
    }
    options = OPTIONS | {"num_predict": 60}
    answer = client.chat(model=model, messages=MESSAGES, format=schema, options=options)
    assert 0 <= json.loads(answer.message.content)["age"] <= 120
    assert answer.done_reason == "stop"
    text = client.generate(model=model, prompt="Hi", format="json", options=options).response
    assert isinstance(json.loads(text), dict)


def get_rain(city: str, days: int) -> str:
    """
    Rain of a city.

    Args:
      city: its name
      days: how many
    """


def tools(client, model):
    # Ollama has no way to ask for a call, so this checks that all of a turn is understood.
    answer = client.chat(model=model, messages=MESSAGES, tools=[get_rain], options=OPTIONS)
    assert answer.message.content or answer.message.tool_calls
    call = {"function": {"name": "get_rain", "arguments": {"city": "Bern", "days": 2}}}
    messages = [
        *MESSAGES,
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_name": "get_rain", "content": "7 mm"},
    ]
    assert client.chat(model=model, messages=messages, options=OPTIONS).message.content


def tool_calls(client, model):
    """Needs a server whose model is told to call."""
    whole = client.chat(model=model, messages=MESSAGES, tools=[get_rain])
    (call,) = whole.message.tool_calls
    assert call.function.name == "get_rain" and call.function.arguments == {"city": "Bern"}
    parts = list(client.chat(model=model, messages=MESSAGES, tools=[get_rain], stream=True))
    (call,) = [c for p in parts for c in p.message.tool_calls or []]
    assert call.function.arguments == {"city": "Bern"}
    assert "".join(p.message.content or "" for p in parts) == whole.message.content == "I look."


def generate(client, model):
    whole = client.generate(model=model, prompt="Say hello.", system="Be brief.", options=OPTIONS)
    assert whole.response and whole.done
    parts = client.generate(
        model=model, prompt="Say hello.", system="Be brief.", options=OPTIONS, stream=True
    )
    assert "".join(p.response for p in parts) == whole.response


def generate_raw(client, model):
    answer = client.generate(model=model, prompt="Once upon", raw=True, options=OPTIONS)
    assert answer.response and answer.prompt_eval_count < 10


def stop_string(client, model):
    text = client.generate(model=model, prompt="Say hello.", options=OPTIONS).response
    cut = text[len(text) // 2]
    options = OPTIONS | {"stop": [cut]}
    answer = client.generate(model=model, prompt="Say hello.", options=options)
    assert answer.response == text[: text.index(cut)], (answer.response, text)
    assert answer.done_reason == "stop"


def loaded(client, model):
    assert client.generate(model=model).done_reason == "load"
    assert client.chat(model=model).done_reason == "load"


def models(client, model):
    (listed,) = client.list().models
    assert listed.model == model and listed.size > 0 and listed.modified_at is not None
    (running,) = client.ps().models
    assert running.model == model and running.digest == listed.digest
    assert running.expires_at is not None
    shown = client.show(model)
    assert shown.details.format == "gguf" and shown.details.family
    assert "completion" in shown.capabilities
    assert shown.modelinfo["general.architecture"] == shown.details.family
    assert shown.modelinfo[shown.details.family + ".context_length"] > 0


def refused(call, status, *words):
    try:
        call()
    except ollama.ResponseError as e:
        assert e.status_code == status, e
        assert all(word in e.error for word in words), e.error
        return
    raise AssertionError("not refused")


def errors(client, model):
    refused(lambda: client.chat(model="no-such", messages=MESSAGES), 404, "no-such", model)
    refused(lambda: client.show("no-such"), 404, "no-such")
    refused(lambda: client.embed(model=model, input="a"), 400, "no embeddings")
    refused(lambda: client.embeddings(model=model, prompt="a"), 400, "no embeddings")
    refused(lambda: client.pull("other"), 400, "not supported", "kith pull")
    refused(lambda: list(client.pull("other", stream=True)), 400, "not supported")
    refused(lambda: client.delete(model), 400, "not supported")
    refused(lambda: client.copy(model, "other"), 400, "not supported")
    refused(lambda: client.create("other", from_=model), 400, "not supported")
    refused(lambda: client.push(model), 400, "not supported")
    hot = {"temperature": "hot"}
    refused(lambda: client.generate(model=model, prompt="a", options=hot), 400, "temperature")
    refused(lambda: client.generate(model=model, prompt="word " * 150_000), 400, "context")


def authentication(client, model):
    stranger = ollama.Client(host=str(client._client.base_url), headers={"Authorization": "x"})
    refused(stranger.list, 401, "API key")


def failure(client, model):
    refused(lambda: client.chat(model=model, messages=MESSAGES), 500, "rank 1 is lost")
    parts = []
    try:
        for part in client.chat(model=model, messages=MESSAGES, stream=True):
            parts.append(part)
    except ollama.ResponseError as e:
        assert "rank 1 is lost" in e.error
        assert [p.message.content for p in parts] == ["H", "e"]
        return
    raise AssertionError("the stream ended well")


EVERY_MODEL = [
    chat,
    chat_stream,
    json_format,
    tools,
    generate,
    generate_raw,
    stop_string,
    loaded,
    models,
    errors,
    authentication,
]


def main(base_url, model, api_key, *names):
    headers = {"Authorization": "Bearer " + api_key}
    client = ollama.Client(host=base_url, headers=headers, timeout=300)
    checks = [globals()[name] for name in names] or EVERY_MODEL
    failed = 0
    for check in checks:
        try:
            check(client, model)
            print(f"ok {check.__name__}")
        except Exception:
            failed += 1
            print(f"FAILED {check.__name__}")
            traceback.print_exc(file=sys.stdout)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
