"""What .ci/fuzz checks besides schemathesis' own checks."""

import re

import schemathesis

TRACE = re.compile(r"\tat [a-z]|[a-z]\.[A-Z][A-Za-z]*(Exception|Error)\b|Caused by:")


@schemathesis.check
def no_stack_trace(ctx, response, case):
    found = TRACE.search(response.text or "")
    assert not found, "the answer shows the inside of the server: " + found.group()
