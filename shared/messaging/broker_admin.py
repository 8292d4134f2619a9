"""The administrator's connection to the broker, for the commands of this room."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractChannel


class NoAdministrator(Exception):
    """The environment does not say how to reach the broker or the database as an administrator."""


def required(variable: str) -> str:
    """The variable's value; raises NoAdministrator with what to do."""
    value = os.environ.get(variable)
    if not value:
        raise NoAdministrator(f"{variable} is not set. Use `./task dlq …` on the local stack, or set it yourself.")
    return value


@asynccontextmanager
async def admin_channel(url: str | None = None) -> AsyncIterator[AbstractChannel]:
    """A channel with confirms on the broker that RABBITMQ_ADMIN_URL names, unless `url` does."""
    connection = await aio_pika.connect(url or required("RABBITMQ_ADMIN_URL"), timeout=10)
    async with connection:
        yield await connection.channel(publisher_confirms=True, on_return_raises=True)
