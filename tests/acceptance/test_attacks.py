"""Attacks by somebody who has opened the shop's page, and so has its write key, on somebody whom the shop's server knows.

Each story has a victim and an attacker (Eve), who knows the victim's user id and address; it ends with what is true of
the victim, of whose letters went where, and of what Eve was told. In processes of their own, with a real mail server.
Here: whose mail it is, and who agrees in whose name.
"""

import jwt
import pytest

from tests.acceptance.shop import PURPOSE, SECRET, Pair, Shop, press

ENDLESS = 4_000_000_000


# ---- whose mail it is ------------------------------------------------------------------------------------------------


def test_who_signs_in_as_somebody_has_not_their_mail(site: Shop, pair: Pair) -> None:
    pair.known()
    said = {"email": pair.eves, "phone": "+351912345678"}
    site.page("/v1/identify", userId=pair.user, anonymousId=pair.visitor, traits=said)
    site.page("/v1/track", userId=pair.user, event="Seen", anonymousId=pair.visitor, context={"traits": said})
    if site.mode == "open":
        site.await_tied(f"a:{pair.visitor}", pair.key)
    pair.order()
    pair.site.await_fate(pair.key, "thanks sent")
    profile = site.profile(pair.key)
    assert (profile["traits"]["email"], profile["traits"].get("phone")) == (pair.address, None)
    assert site.is_tied(f"a:{pair.visitor}", pair.key) is (site.mode == "open")
    assert [letter.to for letter in site.letters.to(pair.address, pair.eves)] == [pair.address]
    story = site.look("explain", pair.key)["story"]
    refused = [line["text"] for line in story if "a browser may not" in str(line)]
    assert (len(refused) > 0) is (site.mode == "open")


def test_a_confirmed_address_brought_along_gets_nothing_of_somebody_else(site: Shop, pair: Pair) -> None:
    pair.known()
    pair.eve_confirms()
    pair.eve_signs_in_as_victim()
    pair.order("private matters")
    site.await_fate(pair.key, "thanks sent")
    assert "private matters" in site.await_letter(pair.address).whole
    assert len(site.letters.to(pair.eves)) == 1
    assert "private matters" not in site.letters.to(pair.eves)[0].whole


def test_nor_where_no_server_ever_spoke_of_them(site: Shop, pair: Pair) -> None:
    """The victim signed up at the page, and confirmed their address."""
    token = {"identityToken": jwt.encode({"sub": pair.user, "exp": ENDLESS}, SECRET)} if site.mode == "signed" else {}
    traits = {"email": pair.address, "firstName": "Ada"}
    site.page("/v1/identify", userId=pair.user, traits=traits, context=token)
    site.page("/v1/track", userId=pair.user, event="Newsletter Subscribed", context=token)
    press(site, site.await_letter(pair.address).link("confirm"), "confirm=yes")
    pair.eve_confirms()
    pair.eve_signs_in_as_victim()
    site.page("/v1/track", userId=pair.user, event="Wish Made", properties={"note": "a secret wish"}, context=token)
    assert "a secret wish" in site.await_letter(pair.address, 2).whole
    assert not any("a secret wish" in letter.whole for letter in site.letters.to(pair.eves))


def test_an_alias_takes_nobody_over_in_either_direction(site: Shop, pair: Pair) -> None:
    pair.known()
    own = f"evesuser{pair.user}"
    token = {"identityToken": jwt.encode({"sub": own, "exp": ENDLESS}, SECRET)}
    for context in ({}, token):
        for more in ({"userId": own, "previousId": pair.user}, {"userId": pair.user, "previousId": own}):
            site.page("/v1/alias", **more, anonymousId=pair.visitor, context=context)
        site.page("/v1/alias", userId=pair.visitor, previousId=pair.address, context=context)
    site.page("/v1/identify", userId=own, anonymousId=pair.visitor, traits={"email": pair.address}, context=token)
    pair.order()
    site.await_fate(pair.key, "thanks sent")
    known = {each["id"] for each in site.profile(pair.key)["identifiers"]}
    assert known <= {pair.key, f"e:{pair.address}", f"a:{pair.visitor}", f"a:{own}"}
    assert not site.is_tied(f"u:{own}", pair.key)
    assert site.profile(pair.key)["traits"] == {"email": pair.address, "firstName": "Ada"}
    assert len(site.letters.to(pair.address)) == 1


# ---- in whose name ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_agreed", [None, False])
def test_nobody_agrees_in_somebodys_name(site: Shop, pair: Pair, has_agreed: bool | None) -> None:
    pair.known(has_agreed=has_agreed)
    yes = {"consent": {"categoryPreferences": {"Advertising": True}}}
    site.page("/v1/consent", anonymousId=pair.visitor, purpose=PURPOSE, granted=True)
    site.page("/v1/consent", userId=pair.user, anonymousId=pair.visitor, purpose=PURPOSE, granted=True)
    site.page("/v1/consent", email=pair.address, anonymousId=pair.visitor, consents={PURPOSE: True})
    alone = [
        site.page("/v1/consent", userId=pair.user, purpose=PURPOSE, granted=True),
        site.page("/v1/consent", email=pair.address, purpose=PURPOSE, granted=True),
    ]
    assert [reply.status for reply in alone] == [403, 400]
    site.page("/v1/track", anonymousId=pair.visitor, event="Seen", context=yes)
    pair.eve_signs_in_as_victim()
    for more in ({"anonymousId": pair.visitor}, {"anonymousId": "another" + pair.visitor}):
        site.page("/v1/track", userId=pair.user, event="Seen", context=yes, **more)
        site.page("/v1/consent", purpose=PURPOSE, granted=True, **more)
    site.settle()
    pair.order()
    site.await_fate(pair.key, f"thanks refused: no consent: {PURPOSE}")
    assert not site.granted(pair.key)
    assert site.letters.to(pair.address, pair.eves) == []
    assert ("a browser may not agree" in str(site.look("explain", pair.key))) is (site.mode == "open")


@pytest.mark.parametrize("has_agreed", [None, False])
@pytest.mark.parametrize("is_tied_first", [True, False])
def test_who_confirms_their_own_address_agrees_for_nobody_else(
    site: Shop, pair: Pair, has_agreed: bool | None, is_tied_first: bool
) -> None:
    pair.known(has_agreed=has_agreed)
    if is_tied_first:
        site.page("/v1/identify", anonymousId=pair.visitor, traits={"email": pair.eves})
        site.page("/v1/track", anonymousId=pair.visitor, event="Newsletter Subscribed")
        link = site.await_letter(pair.eves).link("confirm")
        pair.eve_signs_in_as_victim()
        assert press(site, link, "confirm=yes") == 200
    else:
        pair.eve_confirms()
        pair.eve_signs_in_as_victim()
    site.settle()
    pair.order()
    site.await_fate(pair.key, f"thanks refused: no consent: {PURPOSE}")
    assert not site.granted(pair.key)
    assert site.letters.to(pair.address) == []
    is_refused = "who reads another address may not agree" in str(site.look("explain", pair.key))
    assert is_refused is (is_tied_first and site.mode == "open")


def test_who_was_there_under_a_user_id_before_its_user_is_not_that_user(site: Shop, pair: Pair) -> None:
    """User ids are counted up, so Eve takes the next one before anybody has it."""
    site.page("/v1/identify", userId=pair.user, anonymousId=pair.visitor, traits={"email": pair.eves})
    site.page("/v1/track", userId=pair.user, anonymousId=pair.visitor, event="Newsletter Subscribed")
    press(site, site.await_letter(pair.eves).link("confirm"), "confirm=yes")
    site.settle()
    pair.known(has_agreed=None)
    pair.order("private matters")
    ask = ["ask sent"] if site.mode == "open" else []
    site.await_fate(pair.key, *ask, f"thanks refused: no consent: {PURPOSE}")
    site.server("/v1/consent", userId=pair.user, purpose=PURPOSE, granted=True)
    pair.order("private matters")
    assert "private matters" in site.await_letter(pair.address).whole
    assert len(site.letters.to(pair.eves)) == 1


def test_what_the_shop_says_late_still_counts_before_what_a_browser_said_first(site: Shop, pair: Pair) -> None:
    """Calls of a server may be under way for a while, and histories are imported: Eve was faster, and says later."""
    site.page("/v1/identify", userId=pair.user, anonymousId=pair.visitor, traits={"email": pair.eves})
    site.page("/v1/track", userId=pair.user, anonymousId=pair.visitor, event="Newsletter Subscribed")
    press(site, site.await_letter(pair.eves).link("confirm"), "confirm=yes")
    site.settle()
    earlier = {"timestamp": "2024-01-01T00:00:00Z", "traits": {"email": pair.address}}
    site.server("/v1/identify", userId=pair.user, **earlier)
    site.server("/v1/consent", userId=pair.user, purpose=PURPOSE, granted=True)
    pair.order("private matters")
    assert "private matters" in site.await_letter(pair.address).whole
    assert len(site.letters.to(pair.eves)) == 1


def test_a_link_confirms_the_address_that_it_went_to_and_no_other(site: Shop, pair: Pair) -> None:
    site.page("/v1/identify", anonymousId=pair.visitor, traits={"email": pair.eves})
    site.page("/v1/track", anonymousId=pair.visitor, event="Newsletter Subscribed")
    link = site.await_letter(pair.eves).link("confirm")
    site.page("/v1/identify", anonymousId=pair.visitor, traits={"email": pair.address, "firstName": "BUY THIS"})
    assert press(site, link, "confirm=yes") == 200
    site.settle()
    site.page("/v1/track", anonymousId=pair.visitor, event="Wish Made", properties={"note": "BUY THIS"})
    site.await_fate(f"a:{pair.visitor}", "ask sent", "wish refused: the address is not confirmed")
    assert site.letters.to(pair.address) == []


def test_links_cannot_be_made_up_changed_or_used_for_anything_else(site: Shop, pair: Pair) -> None:
    pair.known()
    pair.order()
    link = site.await_letter(pair.address).link("unsubscribe")
    page, token = link.rsplit("/", 1)
    changed = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in (0, 1, 20, len(token) - 2)]
    forged = [*changed, token[:-1], token + "A", token + "=", "A" * 40, pair.user, pair.key, "..%2e", token * 30]
    answers = {each: site.ask("POST", f"{page}/{each}", b"List-Unsubscribe=One-Click")[::2] for each in forged}
    assert len(set(answers.values())) == 1, f"what is wrong with a link tells nothing: {answers}"
    assert {status for status, _ in answers.values()} == {404}
    for method, path, button in (
        ("GET", link, ""),
        ("HEAD", link, ""),
        ("POST", link, "Confirm=yes"),
        ("POST", f"/v1/confirm/{token}", "confirm=yes"),
        ("PUT", link, "List-Unsubscribe=One-Click"),
    ):
        site.ask(method, path, button.encode(), Content_Type="application/x-www-form-urlencoded")
    site.settle()
    assert site.granted(pair.key)
    for secret in (pair.user, pair.address, "Ada"):
        assert secret.encode() not in site.ask("GET", link).body
