"""The door as an honest sender meets it, over a real socket."""

import asyncio
import smtplib
import ssl
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mail_ingest.smtp.server import SmtpServer
from spojka.database import Database
from spojka.settings import SettingsError
from tests.mail_ingest.desk import DOMAIN, Desk
from tests.mail_ingest.smtp.conftest import OpenDoor
from tests.mail_ingest.smtp.wire import MAIL, greeted


async def stored(database: Database, desk: Desk) -> list[bytes]:
    """The tenant's mails, byte for byte, oldest first."""
    async with database.transaction(desk.tenant) as connection:
        cursor = await connection.execute("SELECT raw FROM mail_raw ORDER BY mail_id")
        return [row[0] for row in await cursor.fetchall()]


async def test_a_mail_is_stored_before_it_is_answered(
    door: SmtpServer, address: str, desk: Desk, database: Database
) -> None:
    async with greeted(door.port) as wire:
        assert (await wire.deliver(address, MAIL)).startswith("250")
        assert await stored(database, desk) == [MAIL]
        async with database.transaction(desk.tenant) as connection:
            cursor = await connection.execute(
                "SELECT client_ip, helo, envelope_from, size_bytes, mail.id = mail_queue.mail_id"
                " FROM mail LEFT JOIN mail_queue ON mail_queue.mail_id = mail.id"
            )
            assert await cursor.fetchall() == [
                ("127.0.0.1", "client.example", "bank@bank.example", len(MAIL), True)
            ]
        assert await wire.say("QUIT") == "221 Bye"


async def test_a_real_client_library_gets_its_mail_through(
    door: SmtpServer, address: str, desk: Desk, database: Database
) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "bank@bank.example", address, "Žluťoučký"
    message.set_content(".\n.tečka\n..\n\nkonec\n", cte="8bit")

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", door.port, "client.example") as client:
            client.send_message(message)

    await asyncio.to_thread(send)
    raw = (await stored(database, desk))[0]
    assert raw.decode().partition("\r\n\r\n")[2] == ".\r\n.tečka\r\n..\r\n\r\nkonec\r\n"


async def test_eight_bits_utf8_addresses_and_long_lines_are_taken(
    door: SmtpServer, address: str, desk: Desk, database: Database
) -> None:
    mail = b"Subject: \xf8\x00\xff\r\n\r\n" + b"x" * 50_000 + b"\r\n"
    async with greeted(door.port) as wire:
        assert (
            await wire.say("MAIL FROM:<žádost@banka.example> SMTPUTF8 BODY=8BITMIME")
        ).startswith("250")
        assert (await wire.say(f"RCPT TO:<{address.upper()}>")).startswith("250")
        await wire.say("DATA")
        assert (await wire.say(mail + b".")).startswith("250")
        # The bounce address, and one that is no text at all.
        assert (await wire.say(b"MAIL FROM:<>")).startswith("250")
        await wire.say("RSET")
        assert (await wire.say(b"MAIL FROM:<\xff\xfe@x.example>")).startswith("250")
        assert (await wire.say(f"RCPT TO:<{address}>")).startswith("250")
        await wire.say("DATA")
        assert (await wire.say(MAIL + b".")).startswith("250")
    assert await stored(database, desk) == [mail, MAIL]


async def test_several_mails_on_one_connection(
    door: SmtpServer, address: str, desk: Desk, database: Database
) -> None:
    mails = [MAIL + f"{number}\r\n".encode() for number in range(30)]
    async with greeted(door.port) as wire:
        for mail in mails:
            assert (await wire.deliver(address, mail)).startswith("250")
    assert await stored(database, desk) == mails


async def test_the_same_bytes_again_are_noted_and_answered(
    door: SmtpServer, address: str, desk: Desk, database: Database
) -> None:
    async with greeted(door.port) as wire:
        replies = [await wire.deliver(address) for _ in range(3)]
    assert all(reply.startswith("250") for reply in replies)

    async def at_once() -> str:
        async with greeted(door.port) as other:
            return await other.deliver(address, MAIL + b"more\r\n")

    assert {reply[:3] for reply in await asyncio.gather(*(at_once() for _ in range(10)))} == {"250"}
    assert await stored(database, desk) == [MAIL, MAIL + b"more\r\n"]
    async with database.transaction(desk.tenant) as connection:
        cursor = await connection.execute("SELECT redeliveries FROM mail ORDER BY id")
        assert await cursor.fetchall() == [(2,), (9,)]
        cursor = await connection.execute(
            "SELECT count(*) FROM mail_queue WHERE tenant_id = %s", [desk.tenant]
        )
        assert await cursor.fetchone() == (2,)


async def test_the_same_bytes_for_another_tenant_are_another_mail(
    door: SmtpServer, address: str, desk: Desk, database: Database
) -> None:
    other = desk.as_tenant(uuid4())
    theirs = (await other.connect()).address
    async with greeted(door.port) as wire:
        for recipient in (address, theirs):
            assert (await wire.deliver(recipient)).startswith("250")
    assert await stored(database, desk) == [MAIL]
    assert await stored(database, other) == [MAIL]


async def test_mails_of_many_tenants_that_come_together_do_not_mix(
    door: SmtpServer, desk: Desk, database: Database
) -> None:
    desks = [desk.as_tenant(uuid4()) for _ in range(12)]
    addresses = [(await each.connect()).address for each in desks]

    async def send(number: int) -> str:
        async with greeted(door.port) as wire:
            return await wire.deliver(addresses[number], MAIL + f"{number}\r\n".encode())

    replies = await asyncio.gather(*(send(number) for number in range(12)))
    assert all(reply.startswith("250") for reply in replies)
    for number, each in enumerate(desks):
        assert await stored(database, each) == [MAIL + f"{number}\r\n".encode()]


async def test_every_unknown_recipient_gets_one_answer(
    door: SmtpServer, address: str, desk: Desk
) -> None:
    made = await desk.connect(currency="EUR")
    await desk.rotate(made, 0)
    local = address.partition("@")[0]
    async with greeted(door.port) as wire:
        assert (await wire.say("MAIL FROM:<x@y.example>")).startswith("250")
        replies = {
            await wire.say(f"RCPT TO:<{recipient}>")
            for recipient in (
                made.address,
                f"bmail-{'a' * 26}@{DOMAIN}",
                f"{local}@other.example",
                f"{local}x@{DOMAIN}",
                local,
                f"postmaster@{DOMAIN}",
                "postmaster",
                f'"{local}"@{DOMAIN}',
                f"x@y@{DOMAIN}",
            )
        }
        assert replies == {"550 5.1.1 No such mailbox here"}
        assert (await wire.say("DATA")).startswith("503")
        assert (await wire.say(f"RCPT TO:<{address}>")).startswith("250")


async def test_rotation_and_revocation_are_heard_at_once(
    door: SmtpServer, desk: Desk, database: Database
) -> None:
    made = await desk.connect()
    async with greeted(door.port) as wire:
        assert (await wire.deliver(made.address)).startswith("250")
        rotated = await desk.rotate(made, 1)
        assert (await wire.deliver(made.address, MAIL + b"old\r\n")).startswith("250")
        assert (await wire.deliver(rotated.address, MAIL + b"new\r\n")).startswith("250")
        # The address ends between RCPT and the mail's last byte.
        assert (await wire.address(rotated.address)).startswith("250")
        last = await desk.rotate(made, 0)
        await wire.say("DATA")
        assert (await wire.say(MAIL + b"late\r\n.")).startswith("550")
        assert (await wire.deliver(last.address, MAIL + b"last\r\n")).startswith("250")
    assert len(await stored(database, desk)) == 4


async def test_an_address_of_another_tenant_leads_to_that_tenant_alone(
    door: SmtpServer, desk: Desk, database: Database, address: str
) -> None:
    thief = desk.as_tenant(uuid4())
    await thief.connect()
    async with greeted(door.port) as wire:
        assert (await wire.deliver(address)).startswith("250")
    assert await stored(database, thief) == []
    assert len(await stored(database, desk)) == 1


async def test_one_recipient_for_each_mail(door: SmtpServer, address: str, desk: Desk) -> None:
    other = (await desk.connect(currency="EUR")).address
    async with greeted(door.port) as wire:
        assert (await wire.address(address)).startswith("250")
        assert (await wire.say(f"RCPT TO:<{other}>")).startswith("452")
        await wire.say("DATA")
        assert (await wire.say(MAIL + b".")).startswith("250")


async def test_commands_that_would_tell_something_tell_nothing(
    door: SmtpServer, address: str
) -> None:
    async with greeted(door.port) as wire:
        greeting = await wire.greet()
        assert "SIZE 1048576" in greeting
        assert "SMTPUTF8" in greeting
        assert "8BITMIME" in greeting
        assert "AUTH" not in greeting
        assert "STARTTLS" not in greeting
        assert await wire.say(f"VRFY {address}") == await wire.say("VRFY nobody")
        assert (await wire.say(f"EXPN {address}")).startswith("502")
        assert (await wire.say("AUTH PLAIN AGEAYgA=")).startswith("502")
        assert (await wire.say("HELP RCPT")).startswith("214")
        assert (await wire.say("STARTTLS")).startswith("454")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, chain = folder / "key.pem", folder / "chain.pem"
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, DOMAIN)])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=private.public_key(),
        serial_number=1,
        not_valid_before=now,
        not_valid_after=now + timedelta(days=1),
    ).sign(private, hashes.SHA256())
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return chain, key


async def test_mail_comes_over_tls_where_there_is_a_certificate(
    open_door: OpenDoor,
    certificate: tuple[Path, Path],
    address: str,
    desk: Desk,
    database: Database,
) -> None:
    door = await open_door(smtp_tls_certificate=certificate[0], smtp_tls_key=certificate[1])
    async with greeted(door.port) as wire:
        assert "STARTTLS" in await wire.greet()
        await wire.start_tls()
        # What was said before TLS does not count (RFC 3207, section 4.2).
        assert (await wire.say("MAIL FROM:<x@y.example>")).startswith("503")
        greeting = await wire.greet()
        assert "STARTTLS" not in greeting
        assert "AUTH" not in greeting
        assert (await wire.deliver(address)).startswith("250")
    assert await stored(database, desk) == [MAIL]


async def test_commands_smuggled_before_the_handshake_are_dropped(
    open_door: OpenDoor, certificate: tuple[Path, Path], address: str
) -> None:
    door = await open_door(smtp_tls_certificate=certificate[0], smtp_tls_key=certificate[1])
    async with greeted(door.port) as wire:
        await wire.send(b"STARTTLS\r\nEHLO injected.example\r\nMAIL FROM:<a@b.example>\r\n")
        assert (await wire.reply()).startswith("220")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            await wire.writer.start_tls(context)
        except (ssl.SSLError, ConnectionError):
            return  # The handshake may fail: nothing was injected, either.
        assert (await wire.say(f"RCPT TO:<{address}>")).startswith("503")


async def test_a_certificate_that_can_not_be_used_is_named(
    open_door: OpenDoor, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="SPOJKA_SMTP_TLS_CERTIFICATE"):
        await open_door(smtp_tls_certificate=tmp_path / "missing.pem")
