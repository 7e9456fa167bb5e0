//! Payloads as products send them: ids, times, names, a few numbers and flags, and of any size.

use serde_json::{Value, json};

/// One of so many bytes, at least 900. It compresses as such things do: what is repeated in it never is to the byte.
#[must_use]
pub fn of_bytes(bytes: usize) -> String {
    let mut payload = json!({
        "resource": { "type": "environment", "id": "env_01J9ZK4T6Q0X3V8N5B2M7C1D4F", "name": "payments-staging" },
        "organizationId": "org_01J9Y6B8E2T5K0R7W3G1N4P9VX",
        "region": "eu-central-1",
        "machine": { "class": "medium", "vcpus": 4, "memoryMb": 8192, "diskGb": 40, "image": "ubuntu-24.04-2026-05-12" },
        "network": { "vpc": "vpc-0f1d3a5b7c9e2468a", "subnet": "subnet-0a2c4e6f8b1d3579c", "privateIp": "10.24.7.183" },
        "owner": { "userId": "usr_01J9Y7C3M8Q2W5Z1T4B6N0K9RE", "email": "owner@example.com", "role": "owner" },
        "tags": { "team": "payments", "costCenter": "4711", "ticket": "PAY-2291", "ephemeral": "false" },
        "timing": { "requestedAt": "2026-05-30T14:22:11.482Z", "startedAt": "2026-05-30T14:23:00.105Z", "durationMs": 48623 },
        "previousState": "stopped",
        "state": "started",
        "autoStop": { "enabled": true, "idleMinutes": 30, "lastActivityAt": "2026-05-30T14:23:00.105Z" },
        "links": { "self": "https://api.example.com/v1/environments/env_01J9ZK4T6Q0X3V8N5B2M7C1D4F" },
        "history": [],
        "note": "",
    });
    let mut size = payload.to_string().len();
    let mut history = Vec::new();
    for number in 0.. {
        let entry = step(number);
        let more = entry.to_string().len() + 1;
        if size + more + 100 > bytes {
            break;
        }
        size += more;
        history.push(entry);
    }
    payload["history"] = history.into();
    let missing = bytes.saturating_sub(payload.to_string().len());
    let prose = "Started by the nightly schedule after the database snapshot of the staging cluster had been restored.";
    payload["note"] = prose.chars().cycle().take(missing).collect::<String>().into();
    payload.to_string()
}

/// One entry of a history, like others and yet its own: its numbers come from a hash of its own.
fn step(number: u64) -> Value {
    let hash = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let states = ["created", "starting", "started", "stopping", "stopped", "snapshotting"];
    let state = states[usize::try_from(hash % 6).unwrap()];
    json!({
        "id": format!("stp_{hash:016x}"),
        "state": state,
        "at": format!("2026-05-{:02}T{:02}:{:02}:{:02}.{:03}Z", hash % 28 + 1, hash % 24, hash % 60, hash % 59, hash % 1000),
        "durationMs": hash % 90_000,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_has_the_size_that_was_asked_for() {
        for bytes in [1_000, 5_000, 20_000, 100_000] {
            assert_eq!(of_bytes(bytes).len(), bytes);
        }
    }
}
