# libtorch with CUDA, of TorchSharp's packages, for machines with an NVIDIA GPU and a registry. NOT BUILT in this repository's checks: the packages
# are 5 GB, and no case loads onto a GPU yet. The worker is mounted when a case runs, as into the Debian images.
#   docker build -f containers/libtorch/cuda.Dockerfile -t loadline-libtorch:cuda containers/libtorch
# and "engine": "libtorch", "image": "loadline-libtorch:cuda", "gpus": 1 in a case.
ARG SDK=mcr.microsoft.com/dotnet/sdk:10.0
ARG BASE=mcr.microsoft.com/dotnet/runtime-deps:10.0-noble-chiseled@sha256:18d4848091a40d13dbfdd6a8340c1657dc3e2f2d7fa2f042e9d162e68669dbc9

# The packages come in parts, which only a build puts together. 0.105.2 brings libtorch 2.7.1.
FROM ${SDK} AS packages
RUN dotnet new console --output /app && dotnet add /app package TorchSharp-cuda-linux --version 0.105.2 \
    && dotnet publish /app --runtime linux-x64 --self-contained false --output /published \
    && mkdir /libtorch && cp /published/*.so* /libtorch/

FROM ${BASE}
COPY --from=packages /libtorch /libtorch
ENV LOADLINE_LIBTORCH=/libtorch
# The base runs as a user of its own, who could not read weights that only their owner may read.
USER 0
