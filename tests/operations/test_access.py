"""Access without HTTP: attempts, names, what the doctor says."""

import pytest

from tactful.operations.access.access import Wrong, check_password, checked_name
from tactful.operations.access.attempts import Attempts
from tactful.operations.access.guarding import check
from tactful.runtime.accounts import Account, ApiToken
from tactful.runtime.settings_access import AccessSettings, OpenIdSettings, access_problem
from tactful.values import SECOND_US


def test_attempts_come_back_with_time() -> None:
    attempts = Attempts(2, 10 * SECOND_US)
    assert [attempts.take("a", 0) for _ in range(3)] == [0, 0, 10]
    assert attempts.take("b", 0) == 0
    assert (attempts.wait_s("a", 4 * SECOND_US), attempts.take("a", 10 * SECOND_US)) == (6, 0)
    assert attempts.take("a", 0) == 10, "a clock that goes back gives nothing"
    attempts.give_back("a", 10 * SECOND_US)
    assert attempts.take("a", 10 * SECOND_US) == 0
    assert [attempts.take("a", 1_000 * SECOND_US) for _ in range(3)] == [0, 0, 10], "and never more than at the start"


def test_attempts_of_strangers_fill_no_memory() -> None:
    attempts = Attempts(1, SECOND_US, most=3)
    assert [attempts.take(f"key {number}", 0) for number in range(100)] == [0] * 100
    assert attempts.take("key 99", 0) == 1
    assert attempts.take("key 1", 0) == 0, "forgotten"


@pytest.mark.parametrize(
    ("typed", "kept"), [(" Ada@Example.com ", "ada@example.com"), ("ＡＤＡ", "ada"), ("Zoë_1", "zoë_1")]
)
def test_a_name_is_kept_in_one_form(typed: str, kept: str) -> None:
    assert checked_name(typed) == kept


@pytest.mark.parametrize(
    "typed", ["", " ", "a b", "token x", "a\0b", "a\nb", "<a>", "a" * 101, "=1+1", "a/b", "a\u202eb"]
)
def test_what_is_no_name_is_refused(typed: str) -> None:
    with pytest.raises(Wrong):
        checked_name(typed)


@pytest.mark.parametrize("password", ["", "short", "aaaaaaaaaaaaaaaa", "ada.lovelace123", "tactfulpassword", "x" * 257])
def test_what_would_be_guessed_is_no_password(password: str) -> None:
    with pytest.raises(Wrong):
        check_password(password, "ada.lovelace")


@pytest.mark.parametrize(
    "password", ["four words are good", "ada.lovelace likes tea", "пароль из слов", "correct-horse"]
)
def test_anything_long_is_one(password: str) -> None:
    check_password(password, "ada.lovelace")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (AccessSettings(idle="soon"), "access.idle"),
        (AccessSettings(longest="1s"), "access.longest"),
        (AccessSettings(hosts=["https://a"]), "access.hosts"),
        (AccessSettings(passwords=False), "no other way in"),
        (AccessSettings(openid=OpenIdSettings(client_id="x")), "access.openid.issuer"),
        (AccessSettings(openid=OpenIdSettings("http://id.example", "x")), "unencrypted"),
        (AccessSettings(openid=OpenIdSettings("https://id.example")), "access.openid.client_id"),
        (AccessSettings(openid=OpenIdSettings("id.example", "x")), "no address"),
        (AccessSettings(openid=OpenIdSettings("https://id.example", "x", scopes=["email"])), "access.openid.scopes"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: AccessSettings, said: str) -> None:
    problem = access_problem(settings)
    assert problem is not None and said in problem[0] and problem[1]


def test_settings_that_can_be() -> None:
    assert access_problem(AccessSettings()) is None
    openid = OpenIdSettings("https://id.example/realms/shop", "x", roles={"a": "viewer"})
    assert access_problem(AccessSettings(passwords=False, openid=openid, hosts=["tactful.shop.example"])) is None
    assert access_problem(AccessSettings(openid=OpenIdSettings("http://localhost:9400", "x"))) is None


def test_the_doctor_looks_at_the_door() -> None:
    ada, ben = Account("ada", "admin", 1, "x", "hash"), Account("ben", "admin", 1, "x")
    token = ApiToken("old", "admin", b"d", 1, "ada")
    openid = AccessSettings(openid=OpenIdSettings("https://id.example", "x"))

    def said(*given: object) -> list[tuple[str, str]]:
        return [(one.level, one.text.split()[0]) for one in check(*given)]  # type: ignore[arg-type]  # as given

    assert said(AccessSettings(), "", "", [], []) == [("note", "there")]
    assert said(AccessSettings(), "", "", [ada, ben], []) == [("note", "ada")], "who was only invited lets nobody in"
    assert said(AccessSettings(), "", "secret", [ada, Account("cy", "admin", 1, "x", subject="s")], [token]) == [
        ("good", "2"),
        ("bad", "TACTFUL_ADMIN_TOKEN"),
        ("note", "tokens"),
    ]
    assert said(openid, "http://shop.example", "", [ada], [])[1] == ("bad", "[access.openid]")
