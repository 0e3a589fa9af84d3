"""How long something is going to take, in words."""


def lasting(seconds: float) -> str:
    """About, since nobody knows."""
    if seconds < 2:
        return "in a second or two"
    return f"in about {seconds:,.0f} seconds" if seconds < 120 else f"in about {seconds / 60:,.0f} minutes"
