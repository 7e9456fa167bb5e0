"""`make env`: the lines by which a shell reaches the running stack. For `eval "$(make env)"`."""

from __future__ import annotations

import shlex
import sys

import aws
import stack
from say import explained_failures, line
from settings import LOCAL, ROOT, VENV, for_up


def main() -> None:
    """Print them. What is said of a failure is for a person, and not for the shell."""
    with explained_failures(to=sys.stderr):
        settings = for_up()
        running = stack.read(settings)
        values = {
            "API": running["apiUrl"],
            "KEY": running["adminKey"],
            "HOOKBELL_STACK": str(settings.stack_file),
            "AWS_ENDPOINT_URL": running["awsEndpointUrl"],
            "AWS_DEFAULT_REGION": running["region"],
            **aws.CREDENTIALS,
        }
        # What a person has chosen for a real account would go before it.
        line("unset AWS_PROFILE AWS_SESSION_TOKEN")
        for name, value in values.items():
            line(f"export {name}={shlex.quote(value)}")
        # The aws, sam and python of the tools, and the CLI where it has been built.
        folders = (LOCAL / "bin", VENV / "bin", ROOT / "target" / "tool", ROOT / "target" / "debug")
        line(f'export PATH={shlex.quote(":".join(map(str, folders)))}:"$PATH"')


if __name__ == "__main__":
    main()
