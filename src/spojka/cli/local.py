"""Settings of commands that run beside `spojka up` on the same machine."""

from typing import Final

from pydantic import ValidationError

from spojka.settings import Settings, SettingsError, load_settings

ENVIRONMENT_FILE: Final = "up.env"
"""Where `spojka up` leaves what its services run with, in its data directory: NAME=value lines."""


def local_settings() -> Settings:
    """The environment's settings, and beneath them those of the `up` in the data directory.

    Raises SettingsError.
    """
    settings = load_settings()
    file = settings.data_dir / ENVIRONMENT_FILE
    if not file.is_file():
        return settings
    try:
        return Settings(_env_file=file)
    except (OSError, ValidationError) as error:
        raise SettingsError(f"{file} can't be used: {error}") from error
