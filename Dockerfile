# One image for every process: the gateway, each subgraph's API and worker, the evictor, the administrator's step.
#
#   docker run marketplace gateway --supergraph supergraph/supergraph.graphql --host 0.0.0.0
#   docker run marketplace shared.runtime api orders
#   docker run marketplace shared.devstack.provision
#
# It writes nothing to its own file system: run it with --read-only.

ARG BASE=python:3.11-slim-bookworm
# A tag can be moved and a digest cannot. Only a registry knows it, so it is asked for where one is: ./task image.
ARG BASE_DIGEST=

FROM ${BASE}${BASE_DIGEST:+@}${BASE_DIGEST} AS base


FROM base AS packages
ARG UV_VERSION=0.13.9
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir "uv==${UV_VERSION}"
WORKDIR /app
# The packages first: code changes more often than they do.
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-default-groups
COPY gateway gateway
COPY migrations migrations
COPY shared shared
COPY subgraphs subgraphs
COPY supergraph supergraph
RUN .venv/bin/python -m compileall -q gateway shared subgraphs supergraph


FROM base
ARG BASE
ARG BASE_DIGEST
ARG REVISION=unknown
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="marketplace" \
      org.opencontainers.image.description="A multi-vendor marketplace backend as a GraphQL federation, with its gateway" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}" \
      org.opencontainers.image.base.digest="${BASE_DIGEST}"
# The installer of the base goes: what runs is what the lock names. A volume that is mounted on either folder is the user's.
RUN groupadd --gid 10001 marketplace \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin marketplace \
    && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/marketplace/secrets /var/lib/marketplace/state \
    && python -m pip uninstall --yes --quiet --root-user-action=ignore setuptools wheel pip
WORKDIR /app
COPY --from=packages /app /app
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    BUILD_VERSION=${VERSION}
USER 10001:10001
# No HEALTHCHECK: each process has a port of its own, and whoever runs it asks there (compose.yaml, charts/).
ENTRYPOINT ["python", "-m"]
CMD ["gateway", "--help"]
