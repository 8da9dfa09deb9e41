"""TLS of the public gRPC port; a renewed certificate is taken without a restart."""

from pathlib import Path

import grpc
import structlog

from spojka.settings import Settings, SettingsError

log = structlog.get_logger()


def server_credentials(settings: Settings) -> grpc.ServerCredentials | None:
    """The credentials by the settings; None where TLS is not asked for.

    The files are read again at the first handshake after one of them changed.
    Raises SettingsError where one of the two is missing or can't be read.
    """
    certificate, key = settings.edge_tls_certificate, settings.edge_tls_key
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise SettingsError(
            "SPOJKA_EDGE_TLS_CERTIFICATE and SPOJKA_EDGE_TLS_KEY belong together: set both or none"
        )
    files = _CertificateFiles(certificate, key)
    try:
        first = files.read()
    except OSError as error:
        raise SettingsError(
            f"SPOJKA_EDGE_TLS_CERTIFICATE or SPOJKA_EDGE_TLS_KEY can't be read: {error}"
        ) from error
    return grpc.dynamic_ssl_server_credentials(
        first,
        files.read_changed,  # type: ignore[arg-type] # None is documented: nothing changed
    )


class _CertificateFiles:
    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate = certificate
        self._key = key
        self._stamp = (0, 0)

    def read(self) -> grpc.ServerCertificateConfiguration:
        self._stamp = self._current_stamp()
        pair = (self._key.read_bytes(), self._certificate.read_bytes())
        return grpc.ssl_server_certificate_configuration([pair])

    def read_changed(self) -> grpc.ServerCertificateConfiguration | None:
        """What to use from this handshake on; None for what was used before."""
        try:
            return self.read() if self._current_stamp() != self._stamp else None
        except OSError as error:
            log.warning("the renewed certificate can't be read", error=str(error))
            return None

    def _current_stamp(self) -> tuple[int, int]:
        return self._certificate.stat().st_mtime_ns, self._key.stat().st_mtime_ns
