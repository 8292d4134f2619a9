"""What notifications reads from its environment."""

from __future__ import annotations

from pathlib import Path

from shared.settings import ServiceSettings
from subgraphs.notifications.adapters.mailer import Mailer
from subgraphs.notifications.adapters.smtp import SmtpMailer, SmtpServer, SmtpTls

SMTP_PORT_OFFSET = 10
"""The mail sink takes mail on its HTTP port plus this."""


class NotificationsSettings(ServiceSettings):
    sealing_private_key_file: Path
    """Opens what others have sealed for us: addresses and tokens."""
    mail_sink_port: int = 4181
    smtp_host: str | None = None
    """Without it mail goes to the local mail sink, which a production environment refuses."""
    smtp_port: int = 587
    smtp_tls: SmtpTls = SmtpTls.STARTTLS
    smtp_user: str | None = None
    smtp_password_file: Path | None = None
    smtp_ca_file: Path | None = None
    """Authorities that vouch for the mail server; without it the system's."""
    mail_from: str = "Marketplace <no-reply@marketplace.example>"

    def mailer(self) -> Mailer:
        """Raises ValueError where production names no mail server."""
        return SmtpMailer(self._server(), sender=self.mail_from)

    def _server(self) -> SmtpServer:
        if self.smtp_host is None:
            if self.environment == "production":
                raise ValueError("ENVIRONMENT=production needs SMTP_HOST")
            return SmtpServer("127.0.0.1", self.mail_sink_port + SMTP_PORT_OFFSET, SmtpTls.NONE)
        file = self.smtp_password_file
        password = file.read_text(encoding="utf-8").strip() if file else None
        return SmtpServer(self.smtp_host, self.smtp_port, self.smtp_tls, self.smtp_user, password, self.smtp_ca_file)
