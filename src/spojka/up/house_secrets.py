"""The secrets of an installation: those of the settings, the others made once and kept."""

import base64
import json
import secrets
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from spojka.settings import Settings
from spojka.up.errors import UpError
from spojka.up.private_file import write_private

SECRET_BYTES: Final = 32
FILE_NAME: Final = "secrets.json"


def with_secrets(settings: Settings, data_dir: Path) -> Settings:
    """Fill in the secrets that the settings lack, from the data directory.

    What is made there once is used ever after: credentials sealed with a lost
    key can't be opened again. Raises UpError where the file can't be read.
    """
    kept = _kept(data_dir / FILE_NAME)
    lacking = {
        name: SecretStr(value) for name, value in kept.items() if getattr(settings, name) is None
    }
    return settings.model_copy(update=lacking)


def _kept(path: Path) -> dict[str, str]:
    made = _made()
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return {name: str(kept[name]) for name in made}
    except FileNotFoundError:
        write_private(path, json.dumps(made, indent=2) + "\n")
        return made
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UpError(
            f"The secrets in {path} can't be read ({error!r}). Bring the file back from a backup, "
            "or use another data directory."
        ) from error


def _made() -> dict[str, str]:
    sealing_key = base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    return {
        "role_secret": secrets.token_urlsafe(SECRET_BYTES),
        "internal_token": secrets.token_urlsafe(SECRET_BYTES),
        "sealing_keys": f"key1:{sealing_key}",
    }
