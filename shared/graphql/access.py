"""What the gateway refuses before any subgraph is asked. The subgraph checks once more: it believes its own rules alone."""

from __future__ import annotations

from strawberry.federation.schema_directives import Authenticated, RequiresScopes

from shared.auth.actor import CATALOG_READ, STOCK_READ

SIGNED_IN = Authenticated()
"""For whoever shows a token or a key; which of them may, the subgraph says."""

READS_CATALOG = RequiresScopes(scopes=[[CATALOG_READ]])
READS_STOCK = RequiresScopes(scopes=[[STOCK_READ]])
"""For programs that have the scope, and for staff, who have every scope."""
