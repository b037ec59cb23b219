"""Drives an endpoint with the unmodified openai client and checks what it makes of the answers.

usage: openai_client.py BASE_URL MODEL API_KEY [CHECK...]

Without names all checks run that hold for every model; "rate_limit" and "failure" need a server
that is told to refuse or to fail. Prints one line per check; ends with 1 if one failed.
"""

import json
import sys
import traceback
from typing import Literal

import openai
import pydantic

MESSAGES = [
    {"role": "developer", "content": "Answer briefly."},
    {"role": "user", "content": [{"type": "text", "text": "Say hello."}]},
]


def chat(client, model):
    answer = client.chat.completions.create(
        model=model, messages=MESSAGES, max_completion_tokens=8, temperature=0, seed=1, user="u"
    )
    choice = answer.choices[0]
    assert answer.object == "chat.completion" and answer.model == model
    assert choice.message.role == "assistant" and choice.message.content
    assert choice.finish_reason in ("stop", "length"), choice.finish_reason
    usage = answer.usage
    assert 0 < usage.completion_tokens <= 8 and usage.prompt_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert 0 <= usage.prompt_tokens_details.cached_tokens < usage.prompt_tokens


def chat_stream(client, model):
    whole = client.chat.completions.create(
        model=model, messages=MESSAGES, max_tokens=8, temperature=0
    )
    chunks = list(
        client.chat.completions.create(
            model=model,
            messages=MESSAGES,
            max_tokens=8,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert len({(c.id, c.created, c.model, c.object) for c in chunks}) == 1
    assert chunks[0].object == "chat.completion.chunk"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices == [] and chunks[-1].usage == whole.usage
    choices = [c.choices[0] for c in chunks[:-1]]
    assert all(c.index == 0 for c in choices)
    assert [c.finish_reason for c in choices[:-1]] == [None] * (len(choices) - 1)
    assert choices[-1].finish_reason == whole.choices[0].finish_reason
    text = "".join(c.delta.content or "" for c in choices)
    assert text == whole.choices[0].message.content, (text, whole)


def chat_stream_helper(client, model):
    text = ""
    with client.chat.completions.stream(
        model=model, messages=MESSAGES, max_tokens=8, temperature=0
    ) as stream:
        for event in stream:
            if event.type == "content.delta":
                text += event.delta
        try:
            final = stream.get_final_completion()
        except openai.LengthFinishReasonError as cut:  # how the helper tells of a limit
            final = cut.completion
    assert final.choices[0].message.content == text and text
    assert final.choices[0].finish_reason in ("stop", "length")


def chat_logprobs(client, model):
    answer = client.chat.completions.create(
        model=model, messages=MESSAGES, max_tokens=4, temperature=0, logprobs=True, top_logprobs=3
    )
    content = answer.choices[0].logprobs.content
    assert len(content) == answer.usage.completion_tokens
    for token in content:
        assert token.logprob <= 0 and len(token.top_logprobs) == 3
        # Greedy: the chosen token is the likeliest.
        assert token.top_logprobs[0].token == token.token
        assert token.top_logprobs[0].logprob == token.logprob
        assert bytes(token.bytes).decode("utf-8", "replace") == token.token


class Step(pydantic.BaseModel):
    explanation: str = pydantic.Field(max_length=40)
    weight: float = pydantic.Field(ge=0, le=1)


class Plan(pydantic.BaseModel):
    mood: Literal["good", "bad"]
    count: int = pydantic.Field(gt=2, lt=30)
    steps: list[Step] = pydantic.Field(min_length=1, max_length=2)
    note: str | None


def json_object(client, model):
    for limit in (5, 30, 200):
        answer = client.chat.completions.create(
            model=model,
            messages=MESSAGES,
            max_tokens=limit,
            seed=limit,
            response_format={"type": "json_object"},
        )
        assert isinstance(json.loads(answer.choices[0].message.content), dict)
        assert answer.choices[0].finish_reason == "stop"


def json_schema(client, model):
    answer = client.chat.completions.parse(
        model=model, messages=MESSAGES, max_tokens=300, response_format=Plan, logprobs=True
    )
    plan = answer.choices[0].message.parsed
    assert 1 <= len(plan.steps) <= 2 and 2 < plan.count < 30, plan
    text = b"".join(bytes(t.bytes) for t in answer.choices[0].logprobs.content)
    assert text.decode() == answer.choices[0].message.content


def json_schema_stream(client, model):
    with client.chat.completions.stream(
        model=model, messages=MESSAGES, max_tokens=300, response_format=Plan, seed=3
    ) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion().choices[0]
    assert "content.done" in kinds and final.finish_reason == "stop"
    assert isinstance(final.message.parsed, Plan)


class GetRain(pydantic.BaseModel):
    """Rain of a city."""

    city: str = pydantic.Field(max_length=20)
    days: int = pydantic.Field(ge=1, le=7)


class GetTime(pydantic.BaseModel):
    """The time of a zone."""

    zone: Literal["UTC", "CET"]


TOOLS = [openai.pydantic_function_tool(tool) for tool in (GetRain, GetTime)]


def check_call(call):
    assert call.id and call.type == "function"
    {"GetRain": GetRain, "GetTime": GetTime}[call.function.name].model_validate_json(
        call.function.arguments
    )


def tools(client, model):
    def ask(**more):
        return client.chat.completions.create(
            model=model, messages=MESSAGES, tools=TOOLS, max_tokens=200, seed=1, **more
        ).choices[0]

    required = ask(tool_choice="required")
    assert required.finish_reason == "tool_calls" and required.message.content is None
    for call in required.message.tool_calls:
        check_call(call)
    single = ask(tool_choice="required", parallel_tool_calls=False).message.tool_calls
    assert len(single) == 1
    (named,) = ask(
        tool_choice={"type": "function", "function": {"name": "GetTime"}}
    ).message.tool_calls
    assert named.function.name == "GetTime"
    assert ask(tool_choice="none").message.tool_calls is None
    parsed = client.chat.completions.parse(
        model=model, messages=MESSAGES, tools=TOOLS, tool_choice="required", max_tokens=200
    )
    assert isinstance(
        parsed.choices[0].message.tool_calls[0].function.parsed_arguments, (GetRain, GetTime)
    )
    # The call and its result go back as they came.
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": "7"}
        for call in required.message.tool_calls
    ]
    after = client.chat.completions.create(
        model=model,
        messages=[*MESSAGES, required.message, *results],
        tools=TOOLS,
        tool_choice="none",
        max_tokens=8,
    )
    assert after.choices[0].message.content


def tools_stream(client, model):
    with client.chat.completions.stream(
        model=model, messages=MESSAGES, tools=TOOLS, tool_choice="required", max_tokens=200, seed=2
    ) as stream:
        done = [e for e in stream if e.type == "tool_calls.function.arguments.done"]
        final = stream.get_final_completion().choices[0]
    assert final.finish_reason == "tool_calls" and not final.message.content
    assert [e.index for e in done] == list(range(len(final.message.tool_calls)))
    for call in final.message.tool_calls:
        check_call(call)
    auto = client.chat.completions.create(
        model=model, messages=MESSAGES, tools=TOOLS, max_tokens=8, stream=True
    )
    assert [c.choices[0].finish_reason for c in auto][-1] in ("stop", "length", "tool_calls")


def completion(client, model):
    answer = client.completions.create(model=model, prompt="Once upon", max_tokens=5, temperature=0)
    assert answer.object == "text_completion" and answer.choices[0].text
    text = "".join(
        chunk.choices[0].text
        for chunk in client.completions.create(
            model=model, prompt=["Once upon"], max_tokens=5, temperature=0, stream=True
        )
    )
    assert text == answer.choices[0].text, (text, answer)


def completion_logprobs(client, model):
    answer = client.completions.create(
        model=model, prompt="Once upon", max_tokens=5, temperature=0, logprobs=2
    )
    logprobs = answer.choices[0].logprobs
    count = answer.usage.completion_tokens
    assert len(logprobs.tokens) == len(logprobs.token_logprobs) == count
    assert len(logprobs.top_logprobs) == len(logprobs.text_offset) == count
    assert logprobs.text_offset[0] == 0
    assert all(t in top for t, top in zip(logprobs.tokens, logprobs.top_logprobs))


def choices(client, model):
    """Several texts for one prompt, whole and streamed, each as it would be alone."""
    request = {"model": model, "messages": MESSAGES, "max_tokens": 6, "temperature": 1}
    whole = client.chat.completions.create(n=3, seed=4, logprobs=True, **request)
    assert [c.index for c in whole.choices] == [0, 1, 2], whole
    assert whole.usage.completion_tokens == sum(len(c.logprobs.content) for c in whole.choices)
    texts = ["", "", ""]
    ends = []
    for chunk in client.chat.completions.create(n=3, seed=4, stream=True, **request):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
            ends += [choice.index] if choice.finish_reason else []
    assert texts == [c.message.content for c in whole.choices], (texts, whole)
    assert sorted(ends) == [0, 1, 2], ends
    for i, text in enumerate(texts):
        alone = client.chat.completions.create(seed=4 + i, **request)
        assert alone.choices[0].message.content == text, (i, text, alone)
    with client.chat.completions.stream(n=3, seed=4, **request) as stream:
        try:
            final = stream.get_final_completion()
        except openai.LengthFinishReasonError as cut:  # how the helper tells of a limit
            final = cut.completion
    assert [c.message.content for c in final.choices] == texts, (final, texts)


def first_finish(client, model):
    request = {
        "model": model,
        "messages": MESSAGES,
        "max_tokens": 12,
        "n": 3,
        "seed": 4,
        "extra_body": {"first_finish": True, "reasoning": {"max_tokens": 5}},
    }
    (winner,) = client.chat.completions.create(**request).choices
    assert winner.index in (0, 1, 2) and winner.finish_reason in ("stop", "length")
    texts = ["", "", ""]
    ends = []
    for chunk in client.chat.completions.create(stream=True, **request):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
            ends += [(choice.index, choice.finish_reason)] if choice.finish_reason else []
    assert ends[0] == (winner.index, winner.finish_reason), (ends, winner)
    assert [reason for _, reason in ends[1:]] == ["length", "length"], ends
    assert texts[winner.index] == winner.message.content, (texts, winner)


def models(client, model):
    listed = client.models.list().data
    assert [m.id for m in listed] == [model] and listed[0].object == "model"
    assert client.models.retrieve(model) == listed[0]


def expect(error, call):
    try:
        call()
    except error as e:
        assert e.message and e.type, e
        return e
    raise AssertionError(f"no {error.__name__}")


def errors(client, model):
    def ask(**changes):
        request = {"model": model, "messages": MESSAGES, "max_tokens": 1} | changes
        return lambda: client.chat.completions.create(**request)

    assert expect(openai.NotFoundError, ask(model="no-such")).code == "model_not_found"
    expect(openai.NotFoundError, lambda: client.models.retrieve("no/such:model"))
    assert expect(openai.BadRequestError, ask(temperature=9)).param == "temperature"
    assert expect(openai.BadRequestError, ask(n=9)).param == "n"
    bad = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"pattern": "x"}}}
    refused = expect(openai.BadRequestError, ask(response_format=bad))
    assert refused.param == "response_format.json_schema.schema.pattern", refused
    long_prompt = [{"role": "user", "content": "word " * 150_000}]
    too_long = expect(openai.BadRequestError, ask(messages=long_prompt))
    assert too_long.code == "context_length_exceeded", too_long.code
    too_large = [{"role": "user", "content": "word " * 400_000}]
    assert expect(openai.APIStatusError, ask(messages=too_large)).status_code == 413


def authentication(client, model):
    stranger = client.with_options(api_key="wrong")
    assert expect(openai.AuthenticationError, stranger.models.list).code == "invalid_api_key"


def rate_limit(client, model):
    refused = expect(
        openai.RateLimitError,
        lambda: client.chat.completions.create(model=model, messages=MESSAGES),
    )
    assert refused.code == "queue_full" and int(refused.response.headers["retry-after"]) > 0


def failure(client, model):
    # With retries allowed: x-should-retry must keep the client from repeating the prefill.
    patient = client.with_options(max_retries=2)
    expect(
        openai.InternalServerError,
        lambda: patient.chat.completions.create(model=model, messages=MESSAGES),
    )
    stream = patient.chat.completions.create(model=model, messages=MESSAGES, stream=True)
    expect(openai.APIError, lambda: list(stream))


EVERY_MODEL = [
    chat,
    chat_stream,
    chat_stream_helper,
    chat_logprobs,
    json_object,
    json_schema,
    json_schema_stream,
    tools,
    tools_stream,
    completion,
    completion_logprobs,
    choices,
    first_finish,
    models,
    errors,
    authentication,
]


def main(base_url, model, api_key, *names):
    client = openai.OpenAI(base_url=base_url, api_key=api_key, max_retries=0, timeout=300)
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
