# The program with its server and everything that it needs to run offline:
#   docker build -t vizsla . && docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/data" vizsla index
#   docker run --rm -p 8765:8765 -v "$PWD:/data:ro" vizsla serve --host 0.0.0.0 --insecure-no-token
FROM rust:1.92-slim-bookworm AS build
RUN apt-get update && apt-get install --yes --no-install-recommends python3-pip && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/source/target \
    cargo build --release --locked --package vizsla-cli && cp target/release/vizsla /usr/local/bin/
RUN VIZSLA_DATA_DIR=/opt/vizsla vizsla setup

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libstdc++6 tesseract-ocr \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 vizsla
COPY --from=build /usr/local/bin/vizsla /usr/local/bin/vizsla
COPY --from=build /opt/vizsla /opt/vizsla
ENV VIZSLA_DATA_DIR=/opt/vizsla
USER vizsla
WORKDIR /data
EXPOSE 8765
ENTRYPOINT ["vizsla"]
CMD ["--help"]
