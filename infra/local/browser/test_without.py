"""Without a mouse, and without scripts."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from people import Organization, Person
from stack import Stack


def test_an_endpoint_is_made_disabled_and_deleted_by_keyboard(
    owner: Person, organization: Organization
) -> None:
    keys = owner.page.keyboard
    keys.press("Tab")
    expect(owner.link("Skip to content")).to_be_focused()
    keys.press("Enter")
    reach(owner, "Add endpoint")
    keys.press("Enter")
    owner.page.wait_for_url("**/endpoints/new")
    reach(owner, "Name")
    keys.type("By keyboard")
    keys.press("Tab")
    keys.type(organization.inbox().url)
    keys.press("Tab")
    expect(owner.field("All events")).to_be_focused()
    keys.press("Space")
    reach(owner, "Create endpoint")
    keys.press("Enter")
    owner.page.wait_for_url("**/whe_*")
    owner.page.goto(organization.address("/endpoints"))
    reach(owner, "Actions for By keyboard")
    keys.press("Enter")
    keys.press("Tab")
    expect(owner.button("Disable")).to_be_focused()
    keys.press("Escape")
    expect(owner.button("Disable")).to_be_hidden()
    keys.press("Enter")
    reach(owner, "Delete")
    keys.press("Enter")
    expect(owner.page.get_by_role("dialog")).to_be_visible()
    expect(owner.page.get_by_role("dialog").get_by_role("link", name="Cancel")).to_be_focused()
    keys.press("Tab")
    keys.press("Enter")
    expect(owner.page.get_by_text("Endpoint deleted")).to_be_visible()
    assert organization.api.get(organization.managing())["endpoints"] == []


def reach(owner: Person, name: str) -> None:
    """Go on by Tab until what is called so has the focus."""
    for _ in range(60):
        owner.page.keyboard.press("Tab")
        called = owner.page.evaluate(
            """() => {
                const at = document.activeElement;
                return at.getAttribute("aria-label") || at.labels?.[0]?.innerText || at.innerText;
            }"""
        )
        if (called or "").strip() == name:
            return
    raise AssertionError(f"{name!r} cannot be reached")


def test_everything_works_without_scripts(
    browser: Browser, stack: Stack, organization: Organization
) -> None:
    with Person.at(browser, stack, java_script_enabled=False) as person:
        person.sign_in(organization.console, organization.key("owner"))
        person.page.wait_for_url("**/endpoints")
        person.link("Add endpoint").first.click()
        person.field("Name").fill("Plain")
        person.field("Endpoint URL").fill(organization.inbox().url)
        person.page.get_by_role("checkbox", name="member.added").check()
        person.button("Create endpoint").click()
        person.page.wait_for_url("**/whe_*")
        person.button("Reveal").click()
        expect(person.page.locator("#secret-text")).to_contain_text("whsec_")
        person.choice("Status").select_option("exhausted")
        person.button("Filter").click()
        expect(person.page.get_by_text("No deliveries match these filters")).to_be_visible()
        person.link("Delete").click()
        expect(person.page.get_by_role("heading", name="Delete “Plain”?")).to_be_visible()
        person.button("Delete endpoint").click()
        expect(person.page.get_by_text("Endpoint deleted")).to_be_visible()


def test_keys_are_made_shown_once_and_revoked(owner: Person, organization: Organization) -> None:
    owner.link("API keys").click()
    owner.field("Name").fill("Nightly job")
    owner.field("Role").select_option("member")
    owner.button("Create key").click()
    key = owner.page.locator("#key-text").inner_text()
    assert key.startswith("sk_")
    owner.link("API keys").click()
    assert key not in owner.page.content()
    expect(owner.row("Nightly job")).to_contain_text("Member")
    owner.link("Revoke Nightly job").click()
    owner.page.get_by_role("dialog").get_by_role("button", name="Revoke key").click()
    expect(owner.page.get_by_text("Key revoked")).to_be_visible()
    owner.button("Create link").click()
    link = owner.page.locator("#link-text").inner_text()
    assert "/console#token=pt_" in link
