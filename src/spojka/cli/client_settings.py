"""Settings of the commands that call the public address."""

from typing import Final

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from spojka.settings import PREFIX, Address

KEY_FILE: Final = "admin.key"
"""Where `spojka up` leaves a key for the commands of the same machine, in its data directory."""


class ClientSettings(BaseSettings):
    """Where to call, and as whom."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", hide_input_in_errors=True)

    address: Address | None = Field(
        None,
        description="Public gRPC address that commands call, as host:port. Where it is absent, "
        "that of the edge on this machine is called, by SPOJKA_EDGE_GRPC_PORT.",
    )
    api_key: SecretStr | None = Field(
        None,
        description="API key that commands call with. Where it is absent, the file 'admin.key' "
        "that 'up' leaves in the data directory is used.",
    )
    tenant: str | None = Field(
        None, description="Tenant, by name or id, that an admin key acts for in commands."
    )
    tls_ca: str | None = Field(
        None,
        description="PEM file of the authority that signed the public address's certificate; "
        "commands then call by TLS. The word 'system' takes the machine's own authorities.",
    )
