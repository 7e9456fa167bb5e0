"""What an endpoint has got: secrets, tests, the history, replays."""

from __future__ import annotations

from playwright.sync_api import expect

from people import Organization, Person, wait_until
from stack import Stack


def test_the_secret_is_shown_copied_and_hidden_again(
    owner: Person, organization: Organization
) -> None:
    endpoint = organization.endpoint()
    secret = organization.api.get(organization.managing(f"/{endpoint}/secret"))["secret"]
    owner.page.goto(organization.address(f"/endpoints/{endpoint}"))
    assert secret not in owner.page.content()
    owner.button("Reveal").click()
    expect(owner.page.locator("#secret-text")).to_have_text(secret)
    owner.button("Copy signing secret").click()
    expect(owner.page.get_by_text("Copied").first).to_be_visible()
    assert owner.page.evaluate("navigator.clipboard.readText()") == secret
    owner.button("Hide").click()
    expect(owner.page.locator("#secret-text")).to_have_count(0)
    assert secret not in owner.page.content()


def test_rotating_says_how_long_the_old_secret_signs(
    owner: Person, organization: Organization
) -> None:
    endpoint = organization.endpoint()
    path = organization.managing(f"/{endpoint}/secret")
    secrets = [organization.api.get(path)["secret"]]
    for at_once, said in [(False, "next 24 hours"), (True, "no longer works")]:
        owner.page.goto(organization.address(f"/endpoints/{endpoint}"))
        owner.link("Rotate secret").click()
        dialog = owner.page.get_by_role("dialog")
        expect(dialog).to_contain_text("24 hours")
        dialog.get_by_label("Revoke the old secret immediately").set_checked(at_once)
        dialog.get_by_role("button", name="Rotate secret").click()
        expect(owner.page.locator("#alerts")).to_contain_text(said)
        secrets.append(organization.api.get(path)["secret"])
    assert len(set(secrets)) == 3


def test_a_test_is_sent_and_seen_to_arrive_without_a_reload(
    owner: Person, organization: Organization
) -> None:
    inbox = organization.inbox(answer="thank you")
    endpoint = organization.endpoint("Billing", inbox)
    owner.page.goto(organization.address(f"/endpoints/{endpoint}"))
    owner.button("Send test").click()
    panel = owner.page.locator("#test")
    expect(panel).to_contain_text("Test sent")
    expect(panel).to_contain_text("Delivered", timeout=20_000)
    expect(panel).to_contain_text("The receiver returned 200")
    expect(panel).to_contain_text("thank you")
    expect(panel.get_by_role("heading")).to_be_in_viewport(ratio=1)
    owner.page.reload()
    expect(panel).to_contain_text("The receiver returned 200")
    inbox.status = 503
    owner.button("Send test").click()
    expect(panel).to_contain_text("The receiver returned 503", timeout=20_000)
    panel.get_by_role("link").click()
    expect(owner.page.get_by_role("heading", name="Attempts")).to_be_visible()


def test_without_a_ping_of_its_own_a_catalogue_lends_an_example(
    person: Person, stack: Stack, organization: Organization
) -> None:
    flat = Organization.new(stack, organization.receiver, "daytona")
    endpoint = flat.endpoint()
    person.follow(flat.portal_link())
    person.page.goto(flat.address(f"/endpoints/{endpoint}"))
    person.choice("Event type").first.select_option("volume.created")
    person.button("Send test").click()
    expect(person.page.locator("#test")).to_contain_text("Delivered", timeout=20_000)
    [message] = flat.api.get(flat.sending("/messages"))["messages"]
    assert message["eventType"] == "volume.created"


def test_the_history_is_filtered_searched_and_paged(
    owner: Person, organization: Organization
) -> None:
    endpoint = organization.endpoint()
    messages = [organization.send() for _ in range(60)]
    wait_until(lambda: len(organization.deliveries(endpoint, "delivered")) == 60)
    owner.page.goto(organization.address(f"/endpoints/{endpoint}"))
    rows = owner.page.get_by_role("region", name="Event history").get_by_role("row")
    expect(rows).to_have_count(51)
    owner.link("Older").click()
    expect(rows).to_have_count(11)
    heading = owner.page.get_by_role("heading", name="Event history")
    expect(heading).to_be_in_viewport()
    owner.page.reload()
    expect(rows).to_have_count(11)
    expect(heading).to_be_in_viewport()
    owner.link("Newest").click()
    expect(rows).to_have_count(51)
    owner.field("Search history").fill(messages[7])
    expect(rows).to_have_count(2)
    expect(owner.row(messages[7])).to_contain_text("Delivered")
    owner.page.reload()
    expect(rows).to_have_count(2)
    owner.field("Search history").fill("half an id")
    expect(owner.page.get_by_text("Enter a full ID")).to_be_visible()
    owner.field("Search history").fill("")
    expect(rows).to_have_count(51)
    owner.choice("Status").select_option("exhausted")
    expect(owner.page.get_by_text("No deliveries match these filters")).to_be_visible()
    assert owner.page.url.endswith("?status=exhausted")
    owner.page.go_back()
    expect(rows).to_have_count(51)
    legend = owner.page.locator("ul.legend")
    expect(legend).to_contain_text("Success 60 100%")


def test_the_history_is_asked_for_once_by_a_choice_and_once_by_a_text(
    owner: Person, organization: Organization
) -> None:
    endpoint = organization.endpoint()
    owner.page.goto(organization.address(f"/endpoints/{endpoint}"))
    asked: list[str] = []
    owner.page.on(
        "request",
        lambda request: "hx-request" in request.headers and asked.append(request.url),
    )
    owner.choice("Status").select_option("failed")
    expect(owner.page.get_by_text("No deliveries match these filters")).to_be_visible()
    owner.field("Search history").fill("half an id")
    expect(owner.page.get_by_text("Enter a full ID")).to_be_visible()
    owner.field("Search history").blur()
    owner.page.wait_for_timeout(1000)
    assert len(asked) == 2, asked
    owner.field("After (UTC)").fill("2026-05-30T14:23")
    owner.page.wait_for_timeout(1000)
    assert len(asked) == 3, asked
    owner.field("Search history").fill("msg_1")
    owner.field("Search history").press("Enter")
    owner.page.wait_for_timeout(1000)
    assert len(asked) == 4, asked
    # It gets the history alone.
    part = owner.page.request.get(asked[0], headers={"hx-request": "true"}).text()
    assert part.startswith('<div id="results">') and "<svg" not in part


def test_a_delivery_is_sent_once_more(owner: Person, organization: Organization) -> None:
    endpoint = organization.endpoint()
    message = organization.send()
    wait_until(lambda: organization.deliveries(endpoint, "delivered"))
    owner.page.goto(organization.address(f"/endpoints/{endpoint}"))
    owner.choice("Status").select_option("delivered")
    owner.page.wait_for_url("**status=delivered**")
    owner.button(f"Redeliver {message}").click()
    expect(owner.page.get_by_text("Redelivery queued")).to_be_in_viewport()
    expect(owner.choice("Status")).to_have_value("delivered")
    wait_until(lambda: len(organization.deliveries(endpoint, "delivered")) == 2)
    owner.page.goto(organization.address(f"/endpoints/{endpoint}"))
    owner.link(message).first.click()
    expect(owner.page.get_by_role("heading", name="Delivery")).to_be_visible()
    expect(owner.page.locator("#body-text")).to_contain_text(message)
    owner.button("Copy body").click()
    expect(owner.page.get_by_text("Copied").first).to_be_visible()
    copied = owner.page.evaluate("navigator.clipboard.readText()")
    assert copied == organization.deliveries(endpoint, "delivered")[0]["payload"]


def test_why_an_attempt_failed_stands_on_the_page_that_the_history_leads_to(
    owner: Person, organization: Organization
) -> None:
    endpoint = organization.endpoint("Billing", organization.inbox(500, "The disk is full"))
    message = organization.send()
    wait_until(lambda: organization.deliveries(endpoint, "exhausted"))
    owner.page.goto(organization.address(f"/endpoints/{endpoint}"))
    expect(owner.page.locator(".notice.warn")).to_contain_text("event history")
    owner.link(message).click()
    rows = owner.page.get_by_role("region", name="Attempts").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("Failed 500")
    expect(rows.nth(1).get_by_text("The disk is full")).to_be_visible()
    expect(rows.nth(2).get_by_text("The disk is full")).to_be_hidden()


def test_a_replay_is_seen_to_finish(owner: Person, organization: Organization) -> None:
    endpoint = organization.endpoint()
    for _ in range(5):
        organization.send()
    wait_until(lambda: len(organization.deliveries(endpoint, "delivered")) == 5)
    owner.page.goto(organization.address(f"/endpoints/{endpoint}"))
    owner.link("Replay").click()
    owner.choice("Status").select_option("delivered")
    owner.button("Start replay").click()
    row = owner.page.get_by_role("region", name="Replays").get_by_role("row").nth(1)
    expect(row).to_contain_text("Finished", timeout=20_000)
    expect(row).to_contain_text("5 resent")
    owner.field("From").fill("2099-01-01T00:00")
    owner.button("Start replay").click()
    expect(owner.page.get_by_role("alert")).to_contain_text("Must be in the past")
    expect(owner.field("From")).to_have_value("2099-01-01T00:00")


def test_what_a_disabled_endpoint_has_missed_is_replayed(
    owner: Person, organization: Organization
) -> None:
    endpoint = organization.endpoint()
    owner.page.goto(organization.address(f"/endpoints/{endpoint}"))
    owner.button("Disable").click()
    expect(owner.page.get_by_text("No messages will be sent to it")).to_be_visible()
    message = organization.send()
    wait_until(lambda: organization.deliveries(endpoint, "exhausted"))
    owner.page.goto(organization.address(f"/messages/{message}"))
    expect(owner.row("Skipped")).to_contain_text(organization.get(endpoint)["url"])
    owner.row("Skipped").get_by_role("link", name="Delivery").click()
    expect(owner.button("Redeliver")).to_be_disabled()
    owner.page.goto(organization.address(f"/endpoints/{endpoint}"))
    expect(owner.row(message)).to_contain_text("Skipped")
    owner.button("Enable").click()
    expect(owner.page.get_by_text("Endpoint enabled")).to_be_visible()
    owner.button("Send test").click()
    expect(owner.page.locator("#test")).to_contain_text("Delivered")
    owner.link("Replay missed messages").click()
    expect(owner.choice("Status")).to_have_value("exhausted")
    owner.button("Start replay").click()
    row = owner.page.get_by_role("region", name="Replays").get_by_role("row").nth(1)
    expect(row).to_contain_text("1 resent", timeout=20_000)
