"""Drives an endpoint with the unmodified LangChain and checks what it makes of the answers.

usage: langchain_client.py BASE_URL MODEL API_KEY

Prints one line per check; ends with 1 if one failed.
"""

import sys
import traceback
from typing import Literal

import openai
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI, OpenAI
from pydantic import BaseModel, Field

MESSAGES = [SystemMessage("Answer briefly."), HumanMessage("Say hello.")]


def invoke(chat, settings):
    answer = chat.invoke(MESSAGES)
    assert answer.content and answer.response_metadata["finish_reason"] in ("stop", "length")
    assert 0 < answer.usage_metadata["output_tokens"] <= 8  # its limit arrives by a newer name
    assert answer.response_metadata["model_name"] == settings["model"]


def stream(chat, settings):
    whole = chat.invoke(MESSAGES)
    parts = list(chat.stream(MESSAGES, stream_usage=True))
    assert len(parts) > 2
    joined = parts[0]
    for part in parts[1:]:
        joined += part
    assert joined.content == whole.content, (joined, whole)
    reason = whole.response_metadata["finish_reason"]
    assert joined.response_metadata["finish_reason"] == reason
    assert joined.usage_metadata["output_tokens"] == whole.usage_metadata["output_tokens"]


def chain(chat, settings):
    prompt = ChatPromptTemplate.from_messages([("human", "Say {word}.")])
    assert (prompt | chat | StrOutputParser()).invoke({"word": "hello"})


def batch(chat, settings):
    answers = chat.batch([MESSAGES, MESSAGES], config={"max_concurrency": 2})
    assert answers[0].content == answers[1].content


def logprobs(chat, settings):
    answer = chat.bind(logprobs=True, top_logprobs=2).invoke(MESSAGES)
    assert len(answer.response_metadata["logprobs"]["content"][0]["top_logprobs"]) == 2


class Greeting(BaseModel):
    words: str = Field(max_length=20)
    tone: Literal["warm", "cool"]


def structured_output(chat, settings):
    for method in ("json_schema", "json_mode"):
        patient = ChatOpenAI(**settings, max_tokens=80)
        schema = Greeting if method == "json_schema" else None
        answer = patient.with_structured_output(schema, method=method).invoke(MESSAGES)
        assert isinstance(answer, Greeting if schema else dict), answer


def tools(chat, settings):
    patient = ChatOpenAI(**settings, max_tokens=120)
    bound = patient.bind_tools([Greeting], tool_choice="any")
    answer = bound.invoke(MESSAGES)
    for call in answer.tool_calls:
        Greeting(**call["args"])
    assert answer.tool_calls and not answer.invalid_tool_calls
    joined = None
    for part in bound.stream(MESSAGES):
        joined = part if joined is None else joined + part
    assert [c["args"] for c in joined.tool_calls] == [c["args"] for c in answer.tool_calls]
    assert isinstance(
        patient.with_structured_output(Greeting, method="function_calling").invoke(MESSAGES),
        Greeting,
    )
    results = [ToolMessage("done", tool_call_id=call["id"]) for call in answer.tool_calls]
    assert chat.invoke([*MESSAGES, answer, *results]).content


def completion(chat, settings):
    llm = OpenAI(**settings, max_tokens=5)
    assert llm.invoke("Once upon")
    assert "".join(llm.stream("Once upon")) == llm.invoke("Once upon")


def errors(chat, settings):
    try:
        ChatOpenAI(**(settings | {"model": "no-such"})).invoke(MESSAGES)
    except openai.NotFoundError as e:
        assert e.code == "model_not_found"
        return
    raise AssertionError("another model was served")


def main(base_url, model, api_key):
    settings = {
        "base_url": base_url,
        "model": model,
        "api_key": api_key,
        "temperature": 0,
        "max_retries": 0,
        "timeout": 300,
    }
    chat = ChatOpenAI(**settings, max_tokens=8)
    failed = 0
    for check in (invoke, stream, chain, batch, logprobs, structured_output, tools, completion, errors):
        try:
            check(chat, settings)
            print(f"ok {check.__name__}")
        except Exception:
            failed += 1
            print(f"FAILED {check.__name__}")
            traceback.print_exc(file=sys.stdout)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
