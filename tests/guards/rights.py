"""Guards of who may do what, and of whom a client believes: rows of the table."""

from __future__ import annotations

from tests.guards.guard import Guard

_SETTINGS = "tests/unit/shared/test_settings.py"
_DATABASE = "tests/integration/rights/test_database.py"
_BROKER = "tests/integration/rights/test_broker.py"
_FORGERY = "tests/integration/messaging/test_forgery.py"
_STORES = "tests/integration/tls/test_stores.py"
_IMPOSTORS = f"{_STORES}::test_nothing_is_said_to_a_server_that_cannot_show_who_it_is"
_UPSTREAM = "tests/integration/gateway_runtime/test_upstream_tls.py"

RIGHTS = (
    Guard(
        "rights",
        "shared/devstack/bootstrap.py",
        """    await inside.execute(f'ALTER DEFAULT PRIVILEGES FOR ROLE "{owner}" REVOKE ALL ON ROUTINES FROM PUBLIC')""",
        "",
        f"{_DATABASE}::test_the_catalogue_knows_of_no_right_outside_of_a_roles_own_schema",
    ),
    Guard(
        "rights",
        "shared/devstack/bootstrap.py",
        """    await admin.execute(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC')""",
        "",
        f"{_DATABASE}::test_a_role_reaches_nothing_beyond_the_schemas",
    ),
    Guard(
        "rights",
        "shared/messaging/topology.py",
        """        write=f"^{re.escape(EXCHANGE)}$" if user.publishes else NOTHING,""",
        """        write=".*",""",
        f"{_BROKER}::test_a_user_publishes_its_own_prefixes_whole_and_to_one_exchange",
    ),
    Guard(
        "rights",
        "shared/messaging/contract.py",
        "    if published_as is not None and event.name != published_as:",
        "    if False:",
        "tests/unit/messaging/test_contract.py::test_an_event_by_another_name_than_it_was_published_by_is_undecodable",
    ),
    Guard(
        "rights",
        "shared/messaging/dead_letters.py",
        "        headers[PUBLISHED_AS_HEADER] = key",
        "        pass",
        f"{_FORGERY}::test_an_event_is_believed_by_the_name_alone_that_its_publisher_may_use",
    ),
    Guard(
        "rights",
        "shared/messaging/subscriber.py",
        "        if raw.exchange and not _MARKS_OF_OTHERS.isdisjoint(raw.headers):",
        "        if False:",
        f"{_FORGERY}::test_a_forgery_that_looks_like_a_replay_does_not_even_reach_the_dead_letters",
    ),
    Guard(
        "rights",
        "shared/http/internal_auth.py",
        """        if scope["path"] in self._exempt:""",
        """        if not scope["path"].startswith("/graphql"):""",
        "tests/contract/test_doors.py::test_no_path_leads_around_the_door",
    ),
    Guard(
        "tls",
        "shared/addresses.py",
        """            return options.get("sslmode") == "verify-full\"""",
        """            return options.get("sslmode") != "disable\"""",
        f"{_SETTINGS}::test_production_refuses_an_address_that_is_not_verified",
    ),
    Guard(
        "tls",
        "shared/db/engine.py",
        """    chosen["dsn"] = url""",
        "",
        _IMPOSTORS,
    ),
    Guard(
        "tls",
        "shared/messaging/topology.py",
        "            verify=_trust(management) or _trust(amqp) or True,",
        "            verify=False,",
        _IMPOSTORS,
    ),
    Guard(
        "tls",
        "gateway/executor/subgraph_client.py",
        "        pool = self._pools.get((endpoint.host, endpoint.port, endpoint.tls))",
        "        pool = next(iter(self._pools.values()), None)",
        f"{_UPSTREAM}::test_a_kept_connection_in_plain_text_never_carries_what_is_to_be_encrypted",
    ),
    Guard(
        "tls",
        "shared/tls.py",
        "            _load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), self._files)",
        "",
        f"{_UPSTREAM}::test_half_a_renewal_changes_nothing",
    ),
    Guard(
        "tls",
        "shared/tls.py",
        "        context.verify_mode = ssl.CERT_REQUIRED",
        "        pass",
        f"{_UPSTREAM}::test_a_subgraph_may_ask_the_gateway_for_a_certificate",
    ),
)
