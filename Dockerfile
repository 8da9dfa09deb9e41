# One image for every service: the command says which (see compose.yaml).
FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src src
RUN python -m venv /opt/spojka \
    && /opt/spojka/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt .

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --create-home spojka
COPY --from=build /opt/spojka /opt/spojka
ENV PATH=/opt/spojka/bin:$PATH PYTHONUNBUFFERED=1
USER spojka
WORKDIR /home/spojka
ENTRYPOINT ["spojka"]
CMD ["--help"]
