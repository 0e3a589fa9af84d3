"""Where mail to a person goes as of T, in SQL (kernel/addresses.py): to what servers have said, by the rule of the
trait `email`; where none has said anything, to what was said at the first of the person's fragments that says it. First
are the person's own, then the others as they came."""

from sqlglot import exp

from tactful.language.sql import build
from tactful.language.sql.build import Select, Sql, column
from tactful.language.sql.layout import TRAITS
from tactful.language.sql.relations import FRAGMENT, Query
from tactful.language.sql.traits import ranked

_TRAIT = "email"


def mailboxes(query: Query) -> str:
    """The name of the relation (person, address): a row for everybody who has the trait; null where no mail can go."""
    query.has_order = True
    return query.relation("mailboxes", lambda _: _mailboxes(query), is_joined=False)


def _mailboxes(query: Query) -> Select:
    order, counts, is_first = ranked(query, _TRAIT)
    rank = build.struct({f"o{nth}": one for nth, one in enumerate(order)})
    pick = build.at_least if is_first else build.at_greatest
    said = build.struct({"rank": rank, "address": column("w", "address")})
    person = query.person("w")
    place = {"is_other": build.FALSE, "applied": build.whole(0), "place": build.whole(0), "epoch": column("w", "epoch")}
    if query.has_ties:
        is_other = build.negated(build.compared("==", column("w", "identifier"), person))
        there = {name: build.when(is_other, column("p", name), build.whole(0)) for name in ("applied", "place")}
        place |= {"is_other": is_other, **there}
    each = build.select(
        {
            "person": person,
            "place": build.least(build.struct(place)),
            "said": pick(said, rank),
            "sure": pick(said, rank, build.negated(column("w", "is_hearsay"))),
        },
        (TRAITS, "w"),
        build.both(query.visible("w", TRAITS), counts),
        [person, *(column("w", name) for name in FRAGMENT)],
    )
    sure = column("q", "sure")
    known: Sql = pick(sure, build.field(sure, "rank"), build.is_there(sure))
    first = build.at_least(column("q", "said"), column("q", "place"))
    both = build.select({"person": column("q", "person"), "sure": known, "said": first}, (query.owned(each, "w"), "q"))
    both.set("group", exp.Group(expressions=[column("q", "person")]))
    mine = {name: build.field(column("q", name), "address") for name in ("sure", "said")}
    address = build.when(build.is_there(column("q", "sure")), mine["sure"], mine["said"])
    return build.select({"person": column("q", "person"), "address": address}, (both, "q"))
