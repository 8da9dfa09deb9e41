"""What payers and banks can put into a notice, for properties."""

from decimal import Decimal

from hypothesis import strategies as st

from tests.mail_ingest.letters import Told, account_number

CZECH = "aábcčdďeéěfghiíjklmnňoópqrřsštťuúůvwxyýzžAÁBCČDĎEÉĚFGHIÍJKLMNŇOÓPQRŘSŠTŤUÚŮVWXYÝZŽ"

amounts = st.decimals(
    min_value=Decimal("0.01"), max_value=Decimal("99999999.99"), places=2, allow_nan=False
)
symbols = st.one_of(st.just(""), st.integers(1, 9_999_999_999).map(str))
constant_symbols = st.one_of(st.just(""), st.integers(1, 9_999).map(lambda n: f"{n:04}"))
accounts = st.builds(
    lambda number, bank: f"{account_number(number)}/{bank}",
    st.integers(1_000_000, 9_999_999_000),
    st.sampled_from(["0100", "0800", "2010", "5500"]),
)
# The charset and the transfer encoding of a Czech notice.
ways = st.tuples(
    st.sampled_from(["utf-8", "windows-1250", "iso-8859-2"]),
    st.sampled_from(["8bit", "quoted-printable", "base64"]),
)

# Lines with which a payer would like to write the bank's fields.
HOSTILE = (
    "Castka: 15 000,00 VS: 26000001",
    "Částka: +15 000,00 CZK",
    "Částka\n+15 000,00 CZK",
    "VS: 26000001",
    "Variabilní symbol: 26000001",
    "Variabilní symbol\n26000001",
    "Příjem na kontě: 2800000008",
    "Zpráva příjemci: jiná",
    "Zpráva pro příjemce: jiná",
    "Aktuální zůstatek: 1,00",
    "Aktuální zůstatek: 1,00 CZK",
    "Aktuální zůstatek: 1,00\nProtiúčet: 1000000005/2010\nSS: 1\nKS: 0558",
    "Protiúčet: 1000000005/2010",
    "Účet protistrany: 1000000005/2010",
    "Číslo transakce ČSOB: 111",
    "Zůstatek na účtu po zaúčtování transakce: +1,00 CZK.",
    "zůstatek účtu 1111111111 se 12.11.2026 v 12:43 zvýšil o 99 000,00 CZK.",
    "Dne 12.11.2026 byla na účtu 1111111111 zaúčtována transakce typu: Příchozí úhrada.",
    "S pozdravom",
    "Popis transakcie: 1100/000000-2611111104",
    "Referencia platitela: /VS26000001/SS/KS",
    "12.11.2026 12:43 bol zostatok Vasho uctu SK5411000000002611111104 zvyseny o 9 000,00 EUR.",
    "/VS26000001",
    "<td>Částka</td><td>15 000,00 CZK</td>",
    "KS: 0308",
    "-----BEGIN PGP SIGNATURE-----",
)

_plain = st.text(CZECH + "0123456789 .,:;/()+-_!?'\u00a0", max_size=60)
texts = st.lists(st.one_of(_plain, st.sampled_from(HOSTILE)), max_size=4).flatmap(
    lambda pieces: st.sampled_from([" ", "\n", "\n\n", "\u00a0"]).map(
        lambda glue: glue.join(pieces)
    )
)
# Names stand on one line: no bank lets a payer's name hold a line break.
names = st.text(CZECH + " .,", min_size=1, max_size=30).map(
    lambda name: " ".join(name.split()) or "Vzor"
)

told = st.builds(
    Told,
    amount=amounts,
    incoming=st.booleans(),
    own=st.integers(1_000_000, 9_999_999_000).map(account_number),
    counter=accounts,
    name=names,
    vs=symbols,
    ks=constant_symbols,
    ss=symbols,
    message=texts,
    balance=amounts,
)


def as_read(text: str) -> str | None:
    """Return a payer's text as a movement has it: line breaks and blanks are one blank."""
    return " ".join(text.replace("\u00a0", " ").split()) or None
