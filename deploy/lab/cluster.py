"""A KithLM cluster in the nodes of a lab, for `uneven`, `chaos`, `tails`, `sums` and `peers`. Python 3 standard library only."""
import glob, http.client, json, os, re, shutil, subprocess, time

HERE = os.path.dirname(os.path.realpath(__file__))
KEY = "lab"
PORT = 11500


class Lab:
    """A lab by its name, and a folder for the logs of its nodes."""

    def __init__(self, name, folder):
        self.name, self.folder = name, os.path.abspath(folder)

    def lab(self, *args):
        done = subprocess.run([HERE + "/lab", args[0], "--name", self.name, *map(str, args[1:])], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError("lab %s: %s" % (" ".join(map(str, args)), done.stderr.strip()))
        return done.stdout

    def address(self, node, variable="LAB_IP"):
        return self.lab("exec", node, "--", "printenv", variable).strip()

    def log(self, node):
        return "%s/node-%d.log" % (self.folder, node)

    def launch(self, node, *command):
        """Starts a command in a node, with its output to the node's log; its process id."""
        os.makedirs(self.folder, exist_ok=True)
        return int(self.lab("exec", "-d", self.log(node), node, "--", *command))

    def usage(self):
        """Of each node: CPU seconds, and seconds in which its quota stopped it."""
        return [(node["cpu_s"], node["throttled_s"]) for node in json.loads(self.lab("status", "--json"))["nodes"]]


class Cluster(Lab):
    """`kith up` in node 1 and `kith join` in others; each has a home of its own below a folder."""

    def __init__(self, name, kith, folder, model):
        super().__init__(name, folder)
        self.kith, self.model = kith, model
        self.token = None
        self.measures = True  # its nodes' speeds
        self.environment = []  # NAME=VALUE for all its processes

    def home(self, node):
        return "%s/home-%d" % (self.folder, node)

    def command(self, node, *args):
        return ["env", "KITH_HOME=" + self.home(node), "KITH_API_KEY=" + KEY, *os.environ.get("LAB_ENV", "").split(), *self.environment, self.kith, *args]

    def start(self, node, *args):
        os.makedirs(self.home(node), exist_ok=True)
        return self.launch(node, *self.command(node, *args))

    def build_native(self, nodes):
        """Has the homes of all nodes hold native kernels."""
        os.makedirs(self.home(1), exist_ok=True)
        subprocess.run(self.command(1, "doctor", "--build-native"), check=True, capture_output=True)
        for node in range(2, nodes + 1):
            shutil.copytree(self.home(1) + "/native", self.home(node) + "/native", dirs_exist_ok=True)

    def up(self, *args):
        """Starts the coordinator and waits for its join line."""
        self.host = self.address(1, "LAB_MGMT_IP")
        self.measures = "--even-shares" not in args
        for log in glob.glob(self.folder + "/node-*.log"):
            os.remove(log)
        for identity in glob.glob(self.folder + "/home-*/node/identity.json"):
            os.remove(identity)  # it names the coordinator's address, which may be another one in this lab
        process = self.start(1, "up", self.model, "--host", self.address(1), "--listen", self.host, "--port", str(PORT), *args)
        self.token = self.await_log(1, process, r"kith join (\S+)", 600)

    def join(self, node):
        """Starts a node; after the first time it comes back without a token."""
        known = os.path.exists(self.home(node) + "/node/identity.json")
        return self.start(node, "join", "--name", "node-%d" % node, *([] if known else [self.token]))

    def join_measured(self, node):
        """The same; waits until it has measured its speed, which others that start would disturb: they share our cores."""
        self.join(node)
        end = time.monotonic() + 120
        while self.measures and time.monotonic() < end and not os.path.exists(self.home(node) + "/node/speed.json"):
            time.sleep(0.2)

    def run(self, *args):
        """A command beside the coordinator; its answer, or an error."""
        done = subprocess.run([HERE + "/lab", "exec", "--name", self.name, "1", "--", *self.command(1, *args)], capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def await_log(self, node, process, pattern, seconds):
        """The first group of the pattern in what a process writes."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            lives = os.path.exists("/proc/%d" % process)
            if os.path.exists(self.log(node)):
                with open(self.log(node), errors="replace") as f:
                    text = f.read()
                found = re.search(pattern, text)
                if found:
                    return found.group(1)
                if not lives:
                    raise RuntimeError("kith has ended in node %d: %s" % (node, text.strip()))
            time.sleep(0.2)
        raise RuntimeError("no '%s' in %s within %d s" % (pattern, self.log(node), seconds))

    def state(self):
        """What the page shows, or None where nobody answers."""
        try:
            connection = http.client.HTTPConnection(self.host, PORT, timeout=5)
            connection.request("GET", "/api/kith/cluster", headers={"Authorization": "Bearer " + KEY})
            answer = connection.getresponse()
            return json.loads(answer.read()) if answer.status == 200 else None
        except OSError:
            return None

    def await_ready(self, ranks, seconds):
        end = time.monotonic() + seconds
        state = None
        while time.monotonic() < end:
            state = self.state()
            if state and state["phase"] == "ready" and sum(n["rank"] >= 0 for n in state["nodes"]) == ranks:
                return state
            time.sleep(0.3)
        raise RuntimeError("not ready with %d ranks within %d s: %s" % (ranks, seconds, state))

    def generate(self, prompt, tokens, limit=120):
        """Streams a greedy answer; the result is that of `stream`."""
        body = {"model": self.model_name(), "prompt": prompt, "max_tokens": tokens, "temperature": 0}
        return stream(self.host, "/v1/completions", body, limit)

    def model_name(self):
        return self.state()["model"]


def stream(host, path, body, limit):
    """
    Streams an answer. The result: its text, the times of its pieces (monotonic seconds), and how it ended:
    "stop" or "length" as the contract has it, "error: ..." for its error event, "refused ..." before any stream, or
    "CUT" and "HANG" for what must not be.
    """
    connection = http.client.HTTPConnection(host, PORT, timeout=limit)
    text, times, end = "", [], "CUT"
    try:
        connection.request("POST", path, json.dumps({**body, "stream": True}), {"Content-Type": "application/json", "Authorization": "Bearer " + KEY})
        answer = connection.getresponse()
        if answer.status != 200:
            return "", [], "refused %d %s" % (answer.status, answer.read().decode(errors="replace")[:200])
        for line in answer:
            if not line.startswith(b"data: "):
                continue
            if line.strip() == b"data: [DONE]":
                return text, times, end
            event = json.loads(line[6:])
            if "error" in event:
                return text, times, "error: %s" % event["error"].get("message")
            for choice in event.get("choices", []):
                piece = choice.get("text") or choice.get("delta", {}).get("content")
                if piece:
                    times.append(time.monotonic())
                    text += piece
                if choice.get("finish_reason"):
                    end = choice["finish_reason"]
    except TimeoutError:
        return text, times, "HANG"
    except (OSError, http.client.HTTPException) as e:
        return text, times, "CUT %r" % e
    finally:
        connection.close()
    return text, times, "CUT"
