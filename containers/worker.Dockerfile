# The worker on a pinned base, for machines that have a registry. Built from the folder that the worker was published to; see README.md.
ARG BASE=mcr.microsoft.com/dotnet/runtime-deps:10.0-noble-chiseled@sha256:18d4848091a40d13dbfdd6a8340c1657dc3e2f2d7fa2f042e9d162e68669dbc9
FROM ${BASE}
COPY loadline-worker /loadline-worker
# The base runs as a user of its own, who could not read weights that only their owner may read.
USER 0
ENTRYPOINT ["/loadline-worker"]
