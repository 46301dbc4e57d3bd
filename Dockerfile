# syntax=docker/dockerfile:1
# The live page in a container; docs/containers.md tells how it is started and how it was tried.
FROM debian:trixie-slim AS build

# Debian's versions stay within the release; a pinned one would be gone after its next update.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/uv && /opt/uv/bin/pip install --no-cache-dir uv==0.13.9

WORKDIR /src
COPY LICENSE README.md constraints.txt pyproject.toml run_demo.py ./
COPY tools/wheel_backend.py tools/
COPY models models
COPY training training
COPY app app
RUN /opt/uv/bin/uv build --wheel --no-cache --out-dir /dist \
    && /opt/uv/bin/uv venv --python /usr/bin/python3 /opt/expressions \
    && /opt/uv/bin/uv pip install --python /opt/expressions/bin/python --no-cache --compile-bytecode \
        --constraint constraints.txt "$(echo /dist/*.whl)[live]"

FROM debian:trixie-slim

# MediaPipe needs the first two libraries, OpenCV the others.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends python3 libegl1 libgles2 libgl1 libglib2.0-0t64 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --home-dir /data --uid 10001 --groups video expressions

COPY --from=build /opt/expressions /opt/expressions

ENV PATH=/opt/expressions/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1
WORKDIR /data
USER 10001
EXPOSE 8765
# As Ctrl-C: outputs are finished first.
STOPSIGNAL SIGINT
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8765/health', timeout=4)"]
ENTRYPOINT ["expression-recogniser"]
CMD ["--serve", "0.0.0.0:8765"]
