"""Messages: listed, found, shown with all that came of them."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from catalogue import event_types
from people import Organization, Person

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def test_messages_are_found_by_id_by_event_id_and_by_type(
    owner: Person, organization: Organization
) -> None:
    expect(owner.link("Messages")).to_be_visible()
    first = organization.send()
    second = organization.send(event_id="order-7.paid")
    address = organization.address("/messages")
    rows = owner.page.get_by_role("region", name="Messages").get_by_role("row")
    for _ in range(100):
        owner.page.goto(address)
        if rows.count() == 3:
            break
    expect(rows).to_have_count(3)
    for text, message in [(first, first), ("order-7.paid", second)]:
        owner.field("Search messages").fill(text)
        expect(rows).to_have_count(2)
        expect(owner.link(message)).to_be_visible()
    owner.field("Search messages").fill("order-8.paid")
    expect(owner.page.get_by_text("No message found")).to_be_visible()
    owner.field("Search messages").fill("")
    expect(rows).to_have_count(3)
    name = event_types(organization.profile)[0].name
    owner.choice("Event type").select_option(name)
    expect(rows).to_have_count(3)
    owner.choice("Event type").select_option("member.added")
    expect(owner.page.get_by_text("No messages match these filters")).to_be_visible()
    owner.page.go_back()
    expect(rows).to_have_count(3)


def test_a_message_shows_its_payload_and_every_attempt(
    owner: Person, organization: Organization
) -> None:
    inbox = organization.inbox(200, answer='{"got": "it"}')
    endpoint = organization.endpoint("Billing", inbox)
    message = organization.send()
    owner.page.goto(organization.address(f"/messages/{message}"))
    if owner.page.get_by_text("Not found").count():
        # It is there for its readers a moment after it was accepted.
        expect_there(owner, organization.address(f"/messages/{message}"))
    expect(owner.page.get_by_role("heading", name=message)).to_be_visible()
    expect(owner.row("Success")).to_be_visible(timeout=20_000)
    example = event_types(organization.profile)[0].example
    owner.button("Copy payload").click()
    expect(owner.page.get_by_text("Copied").first).to_be_visible()
    # What was sent, and not what is shown of it.
    expect(owner.page.locator("#payload-text")).to_contain_text('": ')
    copied = owner.page.evaluate("navigator.clipboard.readText()")
    assert copied == json.dumps(example, separators=(",", ":"))
    owner.page.get_by_text("Details", exact=True).last.click()
    details = owner.page.locator("td.more dl")
    for text in ("200", "Scheduled", endpoint, '{"got": "it"}'):
        expect(details).to_contain_text(text)
    details.get_by_role("link", name="Deliveries of this message").click()
    expect(owner.button(f"Redeliver {message}")).to_be_in_viewport()


def expect_there(owner: Person, address: str) -> None:
    """Look at a page again and again until it is there."""
    for _ in range(100):
        owner.page.goto(address)
        if not owner.page.get_by_text("Not found").count():
            return
        owner.page.wait_for_timeout(100)
    raise AssertionError(f"{address} is not there")


def test_what_others_write_stays_text(owner: Person, organization: Organization) -> None:
    inbox = organization.inbox(500, answer=HOSTILE)
    endpoint = organization.endpoint(HOSTILE, inbox, headers={"X-Hostile": HOSTILE})
    resource = {"type": "environment", "id": HOSTILE, "name": HOSTILE}
    message = organization.send({"resource": resource})
    expect_there(owner, organization.address(f"/messages/{message}"))
    expect(owner.row("Failed").first).to_be_visible(timeout=20_000)
    owner.page.get_by_text("Details", exact=True).last.click()
    expect(owner.page.locator("pre.body").last).to_have_text(HOSTILE)
    expect(owner.page.locator("#payload-text")).to_contain_text(HOSTILE)
    for rest in (
        "/endpoints",
        f"/endpoints?q={HOSTILE}",
        f"/endpoints/{endpoint}",
        f"/endpoints/{endpoint}?q={HOSTILE}&eventType={HOSTILE}",
        f"/endpoints/{endpoint}/edit",
        f"/endpoints/{endpoint}/delete",
        f"/messages?q={HOSTILE}",
        f"/messages/{HOSTILE}",
    ):
        owner.page.goto(organization.address(rest))
        assert owner.page.locator("main script, main img").count() == 0, rest
