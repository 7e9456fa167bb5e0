"""Endpoints: made, found, changed, disabled, deleted."""

from __future__ import annotations

from playwright.sync_api import expect

from people import Organization, Person


def test_an_endpoint_is_made_by_choosing_from_the_catalogue(
    owner: Person, organization: Organization
) -> None:
    expect(owner.page.get_by_text("No endpoints yet")).to_be_visible()
    owner.link("Add endpoint").first.click()
    owner.field("Name").fill("Billing")
    owner.field("Endpoint URL").fill(organization.inbox().url)
    types = owner.page.get_by_role("group", name="Events")
    owner.field("Search event types").fill("billing")
    expect(types.get_by_role("checkbox", name="environment.started")).to_be_hidden()
    types.get_by_role("checkbox", name="Billing", exact=True).check()
    expect(owner.page.get_by_text("4 of 16")).to_be_visible()
    owner.field("Search event types").fill("")
    types.get_by_role("checkbox", name="member.added").check()
    types.get_by_role("checkbox", name="billing.active").uncheck()
    owner.button("Create endpoint").click()
    owner.page.wait_for_url("**/whe_*")
    expect(owner.page.get_by_text("Endpoint created")).to_be_visible()
    [made] = organization.api.get(organization.managing())["endpoints"]
    assert made["description"] == "Billing"
    expected = ["billing.canceled", "billing.past_due", "billing.trialing", "member.added"]
    assert sorted(made["eventTypes"]) == expected


def test_all_events_and_every_option_come_back_in_the_form(
    owner: Person, organization: Organization
) -> None:
    owner.page.goto(organization.address("/endpoints/new"))
    owner.field("Endpoint URL").fill(organization.inbox().url)
    owner.button("Select all").click()
    expect(owner.page.get_by_text("16 of 16")).to_be_visible()
    owner.field("All events").check()
    expect(owner.page.get_by_role("checkbox", name="member.added")).to_be_disabled()
    owner.page.get_by_text("Options", exact=True).click()
    owner.field("Deliver in order").check()
    owner.field("Custom headers").fill("X-Team: billing\nX-Key: a: b")
    owner.field("Also sign with Ed25519").check()
    owner.field("Also send svix- headers").check()
    owner.field("Rate limit (messages per second)").fill("50")
    owner.field("Filter").fill('{"data": {"reason": [{"prefix": "T"}]}}')
    for example, answer in (
        ("environment.failed", "passes: it would be sent."),
        ("environment.started", "does not pass: it would not be sent. data.reason: there is no"),
    ):
        owner.field("Example to try the filter on").select_option(example)
        owner.button("Try filter").click()
        expect(owner.page.get_by_text(answer)).to_be_visible()
    owner.button("Create endpoint").click()
    owner.page.wait_for_url("**/whe_*")
    expect(owner.page.get_by_role("heading", name="Unnamed Endpoint")).to_be_visible()
    expect(owner.page.get_by_text("X-Key: ••••")).to_be_visible()
    assert "a: b" not in owner.page.content()
    expect(owner.page.get_by_text("whpk_")).to_be_visible()
    expect(owner.page.locator("#code-1")).to_contain_text("svix-signature")
    [made] = organization.api.get(organization.managing())["endpoints"]
    assert made["eventTypes"] == ["*"]
    assert made["headers"] == {"X-Team": "billing", "X-Key": "a: b"}
    assert (made["ordered"], made["rateLimit"], made["svixHeaders"]) == (True, 50, True)
    owner.link("Edit").click()
    expect(owner.field("All events")).to_be_checked()
    expect(owner.field("Custom headers")).to_have_value("X-Team: billing\nX-Key: a: b")
    owner.field("Rate limit (messages per second)").fill("")
    owner.field("Filter").fill("")
    owner.field("Name").fill("Named now")
    owner.button("Save changes").click()
    expect(owner.page.get_by_role("heading", name="Named now")).to_be_visible()
    [changed] = organization.api.get(organization.managing())["endpoints"]
    assert "rateLimit" not in changed and "filter" not in changed
    assert changed["publicKey"] == made["publicKey"]


def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
    owner: Person, organization: Organization
) -> None:
    owner.page.goto(organization.address("/endpoints/new"))
    owner.field("Name").fill("Kept")
    owner.field("Endpoint URL").fill("https://10.0.0.1/")
    owner.page.get_by_text("Options", exact=True).click()
    owner.field("Custom headers").fill("no header")
    owner.field("Filter").fill("{")
    owner.button("Create endpoint").click()
    expect(owner.page.get_by_role("alert")).to_contain_text("Endpoint not created")
    expect(owner.page.get_by_role("alert")).to_be_focused()
    for field in ("Endpoint URL", "Custom headers", "Filter"):
        expect(owner.field(field)).to_have_attribute("aria-invalid", "true")
    expect(owner.field("Name")).to_have_value("Kept")
    expect(owner.field("Custom headers")).to_have_value("no header")
    owner.page.get_by_role("alert").get_by_role("link").first.click()
    expect(owner.field("Endpoint URL")).to_be_focused()
    assert organization.api.get(organization.managing())["endpoints"] == []


def test_the_list_is_searched_by_name_url_and_id(
    owner: Person, organization: Organization
) -> None:
    first, second = organization.endpoint("Billing sync"), organization.endpoint("Audit log")
    owner.page.goto(organization.address("/endpoints"))
    url = organization.get(second)["url"]
    for text, name in [("billing", "Billing sync"), (url, "Audit log"), (first, "Billing sync")]:
        owner.field("Search endpoints").fill(text)
        expect(owner.page.get_by_role("row")).to_have_count(2)
        expect(owner.link(name)).to_be_visible()
    owner.page.reload()
    expect(owner.field("Search endpoints")).to_have_value(first)
    owner.page.go_back()
    expect(owner.link("Audit log")).to_be_visible()
    expect(owner.field("Search endpoints")).to_have_value(url)
    owner.field("Search endpoints").fill("nothing of that kind")
    expect(owner.page.get_by_text("No endpoints match")).to_be_visible()


def test_a_row_disables_and_enables_its_endpoint(
    owner: Person, organization: Organization
) -> None:
    endpoint = organization.endpoint()
    owner.page.goto(organization.address("/endpoints"))
    owner.page.get_by_label("Actions for Billing").click()
    owner.button("Disable").click()
    expect(owner.row("Billing")).to_contain_text("Disabled")
    assert organization.get(endpoint)["status"] == "disabled"
    owner.page.get_by_label("Actions for Billing").click()
    owner.button("Enable").click()
    expect(owner.row("Billing")).to_contain_text("Active")


def test_a_disabled_endpoint_says_why_and_how_to_bring_it_back(
    owner: Person, organization: Organization
) -> None:
    inbox = organization.inbox(410)
    endpoint = organization.endpoint("Gone", inbox)
    organization.send()
    address = organization.address(f"/endpoints/{endpoint}")
    notice = owner.page.locator(".notice.bad")
    expect_after_reloads(owner, address, "410 Gone")
    expect(notice).to_contain_text("make sure the receiver returns 2xx")
    inbox.status = 200
    notice.get_by_role("button", name="Enable").click()
    expect(owner.page.get_by_text("Endpoint enabled")).to_be_visible()
    expect(notice).to_have_count(0)
    assert organization.get(endpoint)["status"] == "enabled"


def expect_after_reloads(owner: Person, address: str, text: str) -> None:
    """Look at a page again and again until it has a text."""
    for _ in range(100):
        owner.page.goto(address)
        if owner.page.locator(".notice.bad").filter(has_text=text).count():
            return
        owner.page.wait_for_timeout(200)
    raise AssertionError(f"{text!r} is not on the page")


def test_deleting_asks_first_and_cancelling_leads_back(
    owner: Person, organization: Organization
) -> None:
    endpoint = organization.endpoint()
    owner.page.goto(organization.address(f"/endpoints/{endpoint}"))
    owner.link("Delete").click()
    dialog = owner.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete “Billing”?")
    dialog.get_by_role("link", name="Cancel").click()
    expect(dialog).to_be_hidden()
    expect(owner.link("Delete")).to_be_focused()
    owner.link("Delete").click()
    expect(dialog).to_be_visible()
    owner.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    owner.link("Delete").click()
    dialog.get_by_role("button", name="Delete endpoint").click()
    deleted = owner.page.get_by_text("Endpoint deleted")
    expect(deleted).to_be_visible()
    assert owner.page.url.endswith("/endpoints")
    owner.page.reload()
    expect(deleted).to_have_count(0)
    assert organization.api.get(organization.managing())["endpoints"] == []
