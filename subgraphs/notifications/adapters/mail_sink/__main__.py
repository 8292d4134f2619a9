"""`python -m subgraphs.notifications.adapters.mail_sink --port 4181`: HTTP on that port, SMTP on the one ten above."""

from __future__ import annotations

import argparse
import asyncio

from shared.clock import system_clock
from shared.runtime.server import serve
from shared.telemetry.logs import configure_logging
from subgraphs.notifications.adapters.mail_sink.app import mail_sink_app
from subgraphs.notifications.adapters.mail_sink.mailbox import Mailbox
from subgraphs.notifications.adapters.mail_sink.receiver import Receiver

HOST = "127.0.0.1"
SMTP_PORT_OFFSET = 10


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, default=4181)
    arguments.add_argument("--smtp-port", type=int)
    arguments.add_argument("--host", default=HOST)
    given = arguments.parse_args()
    smtp_port = given.smtp_port or given.port + SMTP_PORT_OFFSET
    # Below a warning its SMTP server tells the sender and the recipients of each mail.
    configure_logging("notifications-mail-sink", "WARNING")
    asyncio.run(_run(given.host, given.port, smtp_port))


async def _run(host: str, port: int, smtp_port: int) -> None:
    """SMTP is open before HTTP is, so that whoever sees the sink ready can send."""
    mailbox = Mailbox(system_clock)
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(Receiver(mailbox).server, host, smtp_port)
    try:
        await serve({port: mail_sink_app(mailbox)}, host=host)
    finally:
        smtp.close()


if __name__ == "__main__":
    main()
