"""What a client is told of the parts of an answer that it may not see."""

from __future__ import annotations

from gateway.executor.completion import Refusals
from gateway.security.access_rules import AUTHENTICATED, Grants
from gateway.security.authorization import Authorized


def refusals_of(authorized: Authorized, grants: Grants) -> Refusals | None:
    """The error for what was taken out, or None. It does not say what would be needed: that is nobody's business."""
    if authorized.is_whole:
        return None
    fields, types = authorized.refused_fields, authorized.refused_types
    if AUTHENTICATED in grants:
        return Refusals("FORBIDDEN_FIELD", "You may not see this part of the answer.", fields, types)
    return Refusals("UNAUTHENTICATED", "Sign in to see this part of the answer.", fields, types)
