"""Makes the calls that Open WebUI makes of its two kinds of connections, and checks the answers.

usage: open_webui_calls.py BASE_URL MODEL API_KEY

BASE_URL is without /v1. Paths, bodies and headers are those of Open WebUI 0.6: a chat with an
OpenAI connection and with an Ollama one, and what it asks in the background for a chat's title,
tags and questions to follow. Prints one line per check; ends with 1 if one failed.
"""

import datetime
import json
import sys
import traceback
import urllib.error
import urllib.request

USER = {
    "X-OpenWebUI-User-Name": "Ada%20L",
    "X-OpenWebUI-User-Id": "0f8c",
    "X-OpenWebUI-User-Email": "ada@example.org",
    "X-OpenWebUI-User-Role": "admin",
}
MESSAGES = [{"role": "user", "content": "Say hello."}]


class Server:
    def __init__(self, base_url, model, api_key):
        self.base_url, self.model, self.api_key = base_url, model, api_key

    def call(self, path, body=None):
        headers = {"Authorization": "Bearer " + self.api_key, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base_url + path, data, headers | USER)
        return urllib.request.urlopen(request, timeout=300)

    def json(self, path, body=None):
        with self.call(path, body) as answer:
            assert answer.headers["Content-Type"].startswith("application/json")
            return json.load(answer)


def openai_models(server):
    assert [m["id"] for m in server.json("/v1/models")["data"]] == [server.model]


def openai_chat(server):
    body = {
        "stream": True,
        "model": server.model,
        "messages": MESSAGES,
        "stream_options": {"include_usage": True},
        "max_tokens": 8,
        "temperature": 0,
    }
    text, usage, done = "", None, False
    with server.call("/v1/chat/completions", body) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        for line in answer:
            line = line.decode().strip()
            if not line.startswith("data: "):
                assert line == "" or line.startswith(":"), line
            elif line == "data: [DONE]":
                done = True
            else:
                event = json.loads(line[6:])
                usage = event.get("usage") or usage
                for choice in event["choices"]:
                    text += choice["delta"].get("content") or ""
    assert text and done and usage["completion_tokens"] > 0


def task(what):
    """What it asks of a chat has this form; the words are others."""
    return (
        "### Task:\nMake " + what + " for the chat.\n### Output:\nJSON\n### Chat History:\n"
        "<chat_history>\nUSER: Say hello.\nASSISTANT: Hello!\n</chat_history>"
    )


def next_turn(server, between):
    """Tokens of a chat's second turn that were known from its first, and those of the first."""
    body = {"model": server.model, "messages": MESSAGES, "max_tokens": 8, "temperature": 0}
    first = server.json("/v1/chat/completions", body)
    between()
    answer = first["choices"][0]["message"]["content"]
    body["messages"] = [
        *MESSAGES,
        {"role": "assistant", "content": answer},
        {"role": "user", "content": "And again."},
    ]
    usage = server.json("/v1/chat/completions", body)["usage"]
    return usage["prompt_tokens_details"]["cached_tokens"], first["usage"]["prompt_tokens"]


def cache(server):
    cached, first = next_turn(server, lambda: title(server))
    assert cached >= first, (cached, first)
    in_its_place = {"max_tokens": 16, "service_tier": "default"}
    cached, first = next_turn(server, lambda: background(server, "a title", **in_its_place))
    assert cached < first, (cached, first)


def background(server, what, **limit):
    answer = server.json(
        "/v1/chat/completions",
        {
            "model": server.model,
            "messages": [{"role": "user", "content": task(what)}],
            "stream": False,
            **limit,
        },
    )
    assert answer["choices"][0]["message"]["content"]


def title(server):
    background(server, "a concise title", max_completion_tokens=16)


def tags(server):
    background(server, "1-3 tags", max_tokens=16)


def follow_ups(server):
    background(server, "3 questions to follow", max_tokens=16)


def ollama_title(server):
    body = {
        "model": server.model,
        "messages": [{"role": "user", "content": task("a concise title")}],
        "options": {"num_predict": 16},
        "stream": False,
    }
    answer = server.json("/api/chat", body)
    assert answer["done"] and answer["message"]["content"]


def ollama_connection(server):
    assert "version" in server.json("/api/version")
    (model,) = server.json("/api/tags")["models"]
    assert model["model"] == model["name"] == server.model
    (running,) = server.json("/api/ps")["models"]
    expires = datetime.datetime.fromisoformat(running["expires_at"].replace("Z", "+00:00"))
    assert expires.timestamp() > 0
    assert server.json("/api/show", {"model": server.model})["details"]["format"] == "gguf"


def ollama_chat(server):
    body = {
        "model": server.model,
        "messages": MESSAGES,
        "options": {"temperature": 0, "num_predict": 8, "stop": []},
        "stream": True,
        "keep_alive": "5m",
    }
    with server.call("/api/chat", body) as answer:
        lines = [json.loads(line) for line in answer]
    assert "".join(line["message"]["content"] for line in lines)
    assert lines[-1]["done"] and lines[-1]["eval_count"] > 0


def errors(server):
    for path, error in (
        ("/v1/chat/completions", lambda body: body["error"]["message"]),
        ("/api/chat", lambda body: body["error"]),
    ):
        try:
            server.call(path, {"model": "no-such", "messages": MESSAGES})
        except urllib.error.HTTPError as e:
            assert e.code == 404 and "no-such" in error(json.load(e)), e
        else:
            raise AssertionError("another model was served")


def main(base_url, model, api_key):
    server = Server(base_url, model, api_key)
    failed = 0
    for check in (
        openai_models,
        openai_chat,
        title,
        tags,
        follow_ups,
        cache,
        ollama_connection,
        ollama_chat,
        ollama_title,
        errors,
    ):
        try:
            check(server)
            print(f"ok {check.__name__}")
        except Exception:
            failed += 1
            print(f"FAILED {check.__name__}")
            traceback.print_exc(file=sys.stdout)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
