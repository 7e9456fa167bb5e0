"""Signing in and out."""

from __future__ import annotations

from playwright.sync_api import Route, expect

from people import Organization, Person
from stack import Stack


def test_a_portal_link_signs_in_and_its_token_stays_in_no_address(
    person: Person, organization: Organization
) -> None:
    link = organization.portal_link()
    token = link.split("#token=")[1]
    person.follow(link)
    expect(person.page.get_by_role("heading", name="Endpoints")).to_be_visible()
    person.page.go_back()
    person.page.wait_for_load_state()
    assert token not in person.page.url
    assert all(token not in response.url for response in person.responses)


def test_a_portal_link_takes_nobody_out_of_another_organization_unasked(
    owner: Person, stack: Stack, organization: Organization
) -> None:
    other = Organization.new(stack, organization.receiver, "daytona")
    owner.page.goto(other.portal_link())
    expect(owner.page.get_by_role("heading", name="Switch organization?")).to_be_visible()
    owner.link("Stay here").click()
    owner.page.wait_for_url(f"**/organizations/{organization.id}/endpoints")
    owner.page.goto(other.portal_link())
    owner.button(f"Open {other.id}").click()
    owner.page.wait_for_url(f"**/organizations/{other.id}/endpoints")


def test_a_key_signs_in_and_a_wrong_one_is_told_so(
    person: Person, organization: Organization
) -> None:
    wrong = "sk_" + "x" * 32
    person.sign_in(organization.console, wrong)
    expect(person.page.get_by_role("alert")).to_contain_text("That key or link isn't valid")
    assert wrong not in person.page.content()
    person.field("API key").fill(organization.key("owner"))
    person.button("Sign in").click()
    person.page.wait_for_url(f"**/organizations/{organization.id}/endpoints")


def test_signing_out_ends_it(owner: Person, organization: Organization) -> None:
    owner.button("Sign out").click()
    owner.page.wait_for_url("**/sign-in")
    owner.page.goto(organization.address("/messages"))
    expect(owner.page.get_by_role("heading", name="Sign in")).to_be_visible()
    owner.field("API key").fill(organization.key("member"))
    owner.button("Sign in").click()
    owner.page.wait_for_url("**/messages")


def test_the_session_is_a_cookie_that_no_script_and_no_other_site_gets(owner: Person) -> None:
    [cookie] = owner.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert owner.page.evaluate("document.cookie") == ""


def test_a_link_on_another_site_leads_back_in(owner: Person, organization: Organization) -> None:
    elsewhere = owner.context.new_page()
    address = organization.address("/messages?q=&eventType=billing.active")
    page = f'<a href="{address.replace("&", "&amp;")}">look</a>'
    elsewhere.route("http://elsewhere.example/", lambda route: html(route, page))
    elsewhere.goto("http://elsewhere.example/")
    elsewhere.get_by_role("link").click()
    expect(elsewhere.get_by_role("heading", name="Messages")).to_be_visible()
    # The order of parameters says nothing.
    assert sorted(elsewhere.url.split("?")[1].split("&")) == ["eventType=billing.active", "q="]


def test_a_form_on_another_site_changes_nothing(owner: Person, organization: Organization) -> None:
    endpoint = organization.endpoint()
    elsewhere = owner.context.new_page()
    address = organization.address(f"/endpoints/{endpoint}/status")
    field = '<input name="status" value="disabled">'
    page = f'<form method="post" action="{address}">{field}<button>Win</button></form>'
    elsewhere.route("http://elsewhere.example/", lambda route: html(route, page))
    elsewhere.goto("http://elsewhere.example/")
    elsewhere.get_by_role("button").click()
    expect(elsewhere.get_by_text("didn't come from the console")).to_be_visible()
    assert organization.get(endpoint)["status"] == "enabled"


def test_a_session_that_is_none_leads_to_signing_in(
    owner: Person, organization: Organization
) -> None:
    [cookie] = owner.context.cookies()
    owner.context.add_cookies([{**cookie, "value": cookie["value"][:-1]}])
    owner.page.goto(organization.address("/messages"))
    expect(owner.page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_admin_finds_makes_and_enters_organizations(
    person: Person, stack: Stack, organization: Organization
) -> None:
    person.sign_in(organization.console, stack["adminKey"])
    person.page.wait_for_url("**/organizations")
    person.field("Search organizations").fill(organization.id)
    expect(person.page.get_by_role("row")).to_have_count(2)
    assert organization.id in person.page.url
    person.link(organization.id).click()
    person.page.wait_for_url(f"**/{organization.id}/endpoints")
    person.link("Organizations").click()
    person.field("ID").fill("not an id")
    person.button("Create organization").click()
    expect(person.page.get_by_role("alert")).to_be_visible()
    expect(person.field("ID")).to_have_value("not an id")
    person.field("ID").fill(f"{organization.id}-2")
    person.field("Profile").select_option("daytona")
    person.button("Create organization").click()
    person.page.wait_for_url(f"**/{organization.id}-2/endpoints")


def test_a_member_sees_no_button_that_changes_anything(
    person: Person, organization: Organization
) -> None:
    endpoint = organization.endpoint()
    person.sign_in(organization.console, organization.key("member"))
    person.page.wait_for_url("**/endpoints")
    expect(person.link("Billing")).to_be_visible()
    expect(person.link("Add endpoint")).to_have_count(0)
    person.link("Billing").click()
    expect(person.page.get_by_role("heading", name="Configuration")).to_be_visible()
    for name in ("Disable", "Send test", "Reveal"):
        expect(person.button(name)).to_have_count(0)
    for name in ("Edit", "Delete", "Rotate secret"):
        expect(person.link(name)).to_have_count(0)
    person.page.goto(organization.address(f"/endpoints/{endpoint}/edit"))
    expect(person.page.get_by_role("heading", name="Not allowed")).to_be_visible()


def test_what_was_typed_outlives_the_session(owner: Person, organization: Organization) -> None:
    begin(owner, organization)
    owner.context.clear_cookies()
    owner.button("Create endpoint").click()
    expect(owner.page.locator(".fault")).to_contain_text("session has ended")
    expect(owner.field("Name")).to_have_value("Typed")
    owner.page.context.new_page().goto(organization.portal_link())
    owner.context.pages[-1].wait_for_url("**/endpoints")
    owner.button("Create endpoint").click()
    owner.page.wait_for_url("**/whe_*")
    [made] = organization.api.get(organization.managing())["endpoints"]
    assert made["description"] == "Typed"


def test_what_was_typed_is_there_again_behind_a_page_that_says_it_failed(
    owner: Person, organization: Organization
) -> None:
    begin(owner, organization)
    owner.page.get_by_text("Options", exact=True).click()
    owner.field("Rate limit (messages per second)").fill("7")
    owner.page.route("**/endpoints", lambda route: route.fulfill(status=429, body="Later"))
    owner.button("Create endpoint").click()
    owner.page.wait_for_url("**/endpoints")
    owner.page.unroute_all()
    owner.page.go_back()
    expect(owner.field("Name")).to_have_value("Typed")
    expect(owner.field("Rate limit (messages per second)")).to_have_value("7")
    expect(owner.page.get_by_role("checkbox", name="member.added")).to_be_checked()


def begin(owner: Person, organization: Organization) -> None:
    """Type some of a new endpoint."""
    owner.page.goto(organization.address("/endpoints/new"))
    owner.field("Name").fill("Typed")
    owner.field("Endpoint URL").fill(organization.inbox().url)
    owner.page.get_by_role("checkbox", name="member.added").check()


def html(route: Route, page: str) -> None:
    """Answer with a page."""
    route.fulfill(body=page, content_type="text/html")
