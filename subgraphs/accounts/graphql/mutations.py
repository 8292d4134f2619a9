"""Writes of accounts. Signing in and refreshing take no idempotency key: each answer is a new secret, kept nowhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from uuid import UUID

import strawberry

from shared.commands import InvalidFields, validate
from shared.db.idempotency import Outcome
from shared.errors import Refusal
from shared.graphql.context import CommandInput, input_values, invalid_input
from shared.graphql.types import UserError, user_errors
from subgraphs.accounts.domain.api_clients import NewKey
from subgraphs.accounts.graphql import inputs
from subgraphs.accounts.graphql.context import Info
from subgraphs.accounts.graphql.enums import AccountsErrorCode
from subgraphs.accounts.graphql.types import (
    AccountActionPayload,
    Address,
    AddressPayload,
    ApiClient,
    ApiClientPayload,
    ApiKeyPayload,
    LoginPayload,
    RefreshTokenPayload,
    RemoveAddressPayload,
    User,
    UserPayload,
)
from subgraphs.accounts.service.sign_in import SignedIn

Write = Callable[[str, CommandInput, Any], Awaitable[Outcome]]
Errors = list[UserError[AccountsErrorCode]]


@strawberry.type
class Mutation:
    @strawberry.mutation(description="Make an account. It may sign in at once; a mail asks to verify the address.")
    async def register(self, info: Info, input: inputs.RegisterInput) -> UserPayload:
        context, use_cases = info.context, info.context.service.registration
        outcome = await _prepare_and_write(
            context.write, "register", input, use_cases.hash_password, use_cases.register
        )
        return await _user_payload(info, outcome)

    @strawberry.mutation(description="Prove that you read your mail, by the token in it.")
    async def verify_email(self, info: Info, input: inputs.VerifyEmailInput) -> UserPayload:
        use_case = info.context.service.registration.verify_email
        return await _user_payload(info, await info.context.write("verifyEmail", input, use_case))

    @strawberry.mutation(description="Sign in. Five failures in 15 minutes close the account's door for that long.")
    async def login(self, info: Info, input: inputs.LoginInput) -> LoginPayload:
        login = partial(info.context.service.sign_in.login, client=info.context.actor.client)
        signed_in, errors = await _sign_in(info, input, login)
        if signed_in is None:
            return LoginPayload(access_token=None, refresh_token=None, expires_in=None, user=None, user_errors=errors)
        return LoginPayload(
            access_token=signed_in.access_token,
            refresh_token=signed_in.refresh_token,
            expires_in=signed_in.expires_in,
            user=await _fresh_user(info, signed_in.actor.require_user()),
            user_errors=[],
        )

    @strawberry.mutation(
        description="Trade a refresh token for new tokens, once. Showing a traded one again ends the whole session."
    )
    async def refresh_token(self, info: Info, input: inputs.RefreshTokenInput) -> RefreshTokenPayload:
        signed_in, errors = await _sign_in(info, input, info.context.service.sign_in.refresh)
        if signed_in is None:
            return RefreshTokenPayload(
                access_token=None, refresh_token=None, expires_in=None, user=None, user_errors=errors
            )
        return RefreshTokenPayload(
            access_token=signed_in.access_token,
            refresh_token=signed_in.refresh_token,
            expires_in=signed_in.expires_in,
            user=await _fresh_user(info, signed_in.actor.require_user()),
            user_errors=[],
        )

    @strawberry.mutation(description="End this session. Access tokens already out expire within ten minutes.")
    async def logout(self, info: Info, input: inputs.LogoutInput) -> AccountActionPayload:
        return _action(await info.context.write_as_user("logout", input, info.context.service.sign_in.logout))

    @strawberry.mutation(description="End all your sessions, on every device.")
    async def logout_all(self, info: Info, input: inputs.LogoutAllInput) -> AccountActionPayload:
        return _action(await info.context.write_as_user("logoutAll", input, info.context.service.sign_in.logout_all))

    @strawberry.mutation(description="Have a reset mail sent. The answer does not tell whether there is an account.")
    async def request_password_reset(self, info: Info, input: inputs.RequestPasswordResetInput) -> AccountActionPayload:
        use_case = info.context.service.passwords.request_reset
        return _action(await info.context.write("requestPasswordReset", input, use_case))

    @strawberry.mutation(description="Set a new password by the mailed token. Every session ends.")
    async def reset_password(self, info: Info, input: inputs.ResetPasswordInput) -> AccountActionPayload:
        return _action(await info.context.write("resetPassword", input, info.context.service.passwords.reset))

    @strawberry.mutation(description="Set a new password by the present one. Your other sessions end.")
    async def change_password(self, info: Info, input: inputs.ChangePasswordInput) -> UserPayload:
        context, use_cases = info.context, info.context.service.passwords
        prepare = partial(use_cases.prepare_change, context.actor)
        outcome = await _prepare_and_write(context.write_as_user, "changePassword", input, prepare, use_cases.change)
        return await _user_payload(info, outcome)

    @strawberry.mutation(description="Change your display name or language.")
    async def update_profile(self, info: Info, input: inputs.UpdateProfileInput) -> UserPayload:
        use_case = info.context.service.profile.update_profile
        return await _user_payload(info, await info.context.write_as_user("updateProfile", input, use_case))

    @strawberry.mutation(description="Keep an address; up to 20.")
    async def add_address(self, info: Info, input: inputs.AddAddressInput) -> AddressPayload:
        use_case = info.context.service.profile.add_address
        return await _address_payload(info, await info.context.write_as_user("addAddress", input, use_case))

    @strawberry.mutation(description="Replace an address.")
    async def update_address(self, info: Info, input: inputs.UpdateAddressInput) -> AddressPayload:
        use_case = info.context.service.profile.update_address
        return await _address_payload(info, await info.context.write_as_user("updateAddress", input, use_case))

    @strawberry.mutation(description="Forget an address. Orders that were sent there keep their own copy.")
    async def remove_address(self, info: Info, input: inputs.RemoveAddressInput) -> RemoveAddressPayload:
        use_case = info.context.service.profile.remove_address
        outcome = await info.context.write_as_user("removeAddress", input, use_case)
        gone = outcome.ids.get("address")
        return RemoveAddressPayload(
            address_id=strawberry.ID(gone) if gone else None, user_errors=user_errors(outcome, AccountsErrorCode)
        )

    @strawberry.mutation(description="Give a role to a person (admin).")
    async def grant_role(self, info: Info, input: inputs.GrantRoleInput) -> UserPayload:
        use_case = info.context.service.roles.grant
        return await _user_payload(info, await info.context.write_as_user("grantRole", input, use_case))

    @strawberry.mutation(description="Take a role from a person (admin). Tokens already out expire within ten minutes.")
    async def revoke_role(self, info: Info, input: inputs.RevokeRoleInput) -> UserPayload:
        use_case = info.context.service.roles.revoke
        return await _user_payload(info, await info.context.write_as_user("revokeRole", input, use_case))

    @strawberry.mutation(description="Let a partner's program in (admin). The key is in this answer and nowhere else.")
    async def create_api_client(self, info: Info, input: inputs.CreateApiClientInput) -> ApiKeyPayload:
        return await _write_key(info, "createApiClient", input, info.context.service.api_clients.create)

    @strawberry.mutation(description="Give a partner's program another key (admin); the one before ends after a while.")
    async def rotate_api_key(self, info: Info, input: inputs.RotateApiKeyInput) -> ApiKeyPayload:
        return await _write_key(info, "rotateApiKey", input, info.context.service.api_clients.rotate_key)

    @strawberry.mutation(description="Shut a partner's program out for good (admin), within seconds.")
    async def revoke_api_client(self, info: Info, input: inputs.RevokeApiClientInput) -> ApiClientPayload:
        use_case = info.context.service.api_clients.revoke
        outcome = await info.context.write_as_user("revokeApiClient", input, use_case)
        return ApiClientPayload(
            api_client=await _fresh_api_client(info, outcome), user_errors=user_errors(outcome, AccountsErrorCode)
        )

    @strawberry.mutation(description="Be forgotten: every personal value is deleted here and by the other domains.")
    async def request_erasure(self, info: Info, input: inputs.RequestErasureInput) -> UserPayload:
        use_case = info.context.service.profile.request_erasure
        return await _user_payload(info, await info.context.write_as_user("requestErasure", input, use_case))


async def _prepare_and_write(
    write: Write,
    operation: str,
    input: CommandInput,
    prepare: Callable[[Any], Awaitable[object]],
    use_case: Callable[..., Awaitable[Outcome]],
) -> Outcome:
    """Do slow work on a valid input before any transaction is open; the use case gets its result as `prepared`."""
    try:
        command = validate(input.command, input_values(input))
    except InvalidFields as invalid:
        return invalid_input(invalid)
    return await write(operation, input, partial(use_case, prepared=await prepare(command)))


async def _write_key(
    info: Info, operation: str, input: CommandInput, use_case: Callable[..., Awaitable[Outcome]]
) -> ApiKeyPayload:
    """The key is shown where this very request made it: one that is told again has nothing to show."""
    key = NewKey.make()
    outcome = await info.context.write_as_user(operation, input, partial(use_case, prepared=key))
    client = await _fresh_api_client(info, outcome)
    made = client is not None and await info.context.holds_key(UUID(client.id), key)
    return ApiKeyPayload(
        api_client=client, key=key.text if made else None, user_errors=user_errors(outcome, AccountsErrorCode)
    )


async def _fresh_api_client(info: Info, outcome: Outcome) -> ApiClient | None:
    client_id = outcome.ids.get("api_client")
    if client_id is None:
        return None
    info.context.api_client_by_id.clear(UUID(client_id))
    found = await info.context.api_client_by_id.load(UUID(client_id))
    return ApiClient.of(found) if found else None


async def _sign_in(
    info: Info, input: CommandInput, use_case: Callable[[Any], Awaitable[SignedIn]]
) -> tuple[SignedIn | None, Errors]:
    try:
        signed_in = await use_case(validate(input.command, input_values(input)))
    except InvalidFields as invalid:
        return None, user_errors(invalid_input(invalid), AccountsErrorCode)
    except Refusal as refusal:
        return None, user_errors(Outcome.refused(refusal), AccountsErrorCode)
    info.context.become(signed_in.actor)
    return signed_in, []


async def _fresh_user(info: Info, user_id: UUID) -> User | None:
    """As it is after the change, whatever an earlier field of this request has loaded."""
    context = info.context
    context.user_by_id.clear(user_id)
    context.rights_by_user.clear(user_id)
    found = await context.user_by_id.load(user_id)
    return User.of(found) if found else None


async def _user_payload(info: Info, outcome: Outcome) -> UserPayload:
    user_id = outcome.ids.get("user")
    return UserPayload(
        user=await _fresh_user(info, UUID(user_id)) if user_id else None,
        user_errors=user_errors(outcome, AccountsErrorCode),
    )


async def _address_payload(info: Info, outcome: Outcome) -> AddressPayload:
    address_id = outcome.ids.get("address")
    address = None
    if address_id:
        info.context.address_by_id.clear(UUID(address_id))
        address = await info.context.address_by_id.load(UUID(address_id))
    return AddressPayload(
        address=Address.of(address) if address else None, user_errors=user_errors(outcome, AccountsErrorCode)
    )


def _action(outcome: Outcome) -> AccountActionPayload:
    return AccountActionPayload(user_errors=user_errors(outcome, AccountsErrorCode))
