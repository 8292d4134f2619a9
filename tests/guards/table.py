"""One guard a row: the line that prevents something, what the line would be without it, and the test that must see it."""

from __future__ import annotations

from tests.guards.chart import CHART
from tests.guards.edge import EDGE
from tests.guards.marketplace import MARKETPLACE
from tests.guards.operations import OPERATIONS
from tests.guards.rights import RIGHTS

GUARDS = (*MARKETPLACE, *EDGE, *RIGHTS, *OPERATIONS, *CHART)
