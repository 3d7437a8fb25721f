"""What a question about growth has for an answer."""


def found(title, measured, wanted="", met=None, seen=(), **figures):
    """`wanted` and `met`: what it is to be, and whether it is; None where that is only told. `seen`: what generators saw,
    whose errors fail the run."""
    wrong = [one for one in seen if one["errors"]]
    return {"title": title, "measured": measured, "wanted": wanted, "met": met,
            "errors": sum(one["errors"] for one in wrong), "first_error": wrong[0]["first_error"] if wrong else "",
            "figures": figures}


def wrong(what):
    """Something that went wrong outside a generator, as `seen` of found."""
    return {"errors": 1, "first_error": what}
