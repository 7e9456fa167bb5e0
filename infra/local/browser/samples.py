"""Runs code that verifies requests, in each language that the console shows it in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from settings import ROOT, VENV

NODE_MODULES = VENV / "verifiers" / "node_modules"
CARGO_FOLDER = ROOT / "target" / "verify-rust"
GO_CACHE = ROOT / "target" / "verify-go"

# Each reads a list of {module, secret, headers, body}, and writes a list of what that module's code
# said: {event}, or {refused} with its words. What the code does not announce (an exception of
# another kind, a panic) ends the program.
PYTHON = """
import json, os, runpy, sys
from standardwebhooks.webhooks import EmptyWebhookSecretError, WebhookVerificationError

def verdict(module, secret, headers, body):
    os.environ["WEBHOOK_SECRET"] = secret
    try:
        verified = runpy.run_path(f"{module}.py")["verified"]
        return {"event": verified(headers, body.encode())}
    except (EmptyWebhookSecretError, WebhookVerificationError, ValueError) as error:
        return {"refused": repr(error)}

json.dump([verdict(**request) for request in json.load(sys.stdin)], sys.stdout)
"""

JAVASCRIPT = """
import { readFileSync } from "node:fs";

const verdict = async ({ module, secret, headers, body }, index) => {
  process.env.WEBHOOK_SECRET = secret;
  try {
    const { verified } = await import(`./${module}.js?${index}`);
    return { event: verified(headers, body) };
  } catch (error) {
    return { refused: `${error.name}: ${error.message}` };
  }
};

const verdicts = [];
for (const request of JSON.parse(readFileSync(0, "utf8"))) {
  verdicts.push(await verdict(request, verdicts.length));
}
process.stdout.write(JSON.stringify(verdicts));
"""

RUST = """
#![deny(warnings)]
use http::{HeaderMap, HeaderName};
use serde_json::{Value, json};
MODULES
fn verdict(request: &Value) -> Value {
    let text = |name: &str| request[name].as_str().unwrap();
    let headers = request["headers"].as_object().unwrap().iter();
    let headers: HeaderMap = headers
        .map(|(name, value)| {
            (name.parse::<HeaderName>().unwrap(), value.as_str().unwrap().parse().unwrap())
        })
        .collect();
    let verified = match text("module") { CHOICES _ => panic!("no such module") };
    match verified(text("secret"), &headers, text("body").as_bytes()) {
        Ok(event) => json!({ "event": event }),
        Err(error) => json!({ "refused": error.to_string() }),
    }
}

fn main() {
    let requests: Vec<Value> = serde_json::from_reader(std::io::stdin()).unwrap();
    println!("{}", Value::from(requests.iter().map(verdict).collect::<Vec<_>>()));
}
"""

# The lock is the repository's, and it says which 1.x.
CARGO = """
[package]
name = "verify"
edition = "2024"
[dependencies]
http = "1"
serde_json = "1"
standardwebhooks = "1"
[workspace]
"""

GO = """
package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	IMPORTS
)

var verified = map[string]func(string, *http.Request) ([]byte, error){CHOICES}

func main() {
	var requests []struct {
		Module, Secret, Body string
		Headers              map[string]string
	}
	if err := json.NewDecoder(os.Stdin).Decode(&requests); err != nil {
		panic(err)
	}
	verdicts := make([]any, len(requests))
	for i, request := range requests {
		r := httptest.NewRequest("POST", "/", strings.NewReader(request.Body))
		for name, value := range request.Headers {
			r.Header.Set(name, value)
		}
		body, err := verified[request.Module](request.Secret, r)
		if err != nil {
			verdicts[i] = map[string]string{"refused": err.Error()}
		} else {
			verdicts[i] = map[string]any{"event": json.RawMessage(body)}
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(verdicts); err != nil {
		panic(err)
	}
}
"""


def python(code: dict[str, str], requests: str, folder: Path) -> str:
    """What the Python says."""
    write(folder, {"main.py": PYTHON, **{f"{module}.py": text for module, text in code.items()}})
    return said([sys.executable, "main.py"], folder, requests)


def javascript(code: dict[str, str], requests: str, folder: Path) -> str:
    """What the JavaScript says. An import looks beside the module, never in NODE_PATH."""
    (folder / "node_modules").symlink_to(NODE_MODULES)
    modules = {f"{module}.js": text for module, text in code.items()}
    write(folder, {"package.json": '{"type": "module"}', "main.js": JAVASCRIPT, **modules})
    return said([str(VENV / "bin" / "node"), "main.js"], folder, requests)


def rust(code: dict[str, str], requests: str, _: Path) -> str:
    """What the Rust says. It is built where the next run finds what was built."""
    main = RUST.replace("MODULES", "".join(f"mod {module};\n" for module in code))
    main = main.replace("CHOICES", "".join(f'"{module}" => {module}::verified,' for module in code))
    modules = {f"src/{module}.rs": text for module, text in code.items()}
    write(CARGO_FOLDER, {"Cargo.toml": CARGO, "src/main.rs": main, **modules})
    shutil.copyfile(ROOT / "Cargo.lock", CARGO_FOLDER / "Cargo.lock")
    cargo = ["cargo", "run", "--quiet", "--target-dir", str(CARGO_FOLDER / "target")]
    return said(cargo, CARGO_FOLDER, requests)


def go(code: dict[str, str], requests: str, folder: Path) -> str:
    """What the Go says, which `go vet` finds nothing wrong with."""
    main = GO.replace("IMPORTS", "\n\t".join(f'{module} "verify/{module}"' for module in code))
    main = main.replace("CHOICES", ", ".join(f'"{module}": {module}.Verified' for module in code))
    modules = {f"{module}/verify.go": text for module, text in code.items()}
    write(folder, {"go.mod": "module verify\n\ngo 1.19\n", "main.go": main, **modules})
    said(["go", "vet", "./..."], folder)
    return said(["go", "run", "."], folder, requests)


def write(folder: Path, files: dict[str, str]) -> None:
    """Write files of a folder, but none that is so already: it need not be built again."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def said(command: list[str], folder: Path, text: str = "") -> str:
    """What a program writes when it is given a text."""
    ran = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "GOCACHE": str(GO_CACHE)},
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, f"{' '.join(command)}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


RUN = {"Python": python, "JavaScript": javascript, "Rust": rust, "Go": go}

LANGUAGES = list(RUN)
