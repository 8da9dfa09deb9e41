"""What a warehouse system's client may raise, split by what the caller does."""


class WarehouseError(Exception):
    """Something went wrong with the warehouse system.

    `message` says what, `advice` what a person can do about it.
    """

    def __init__(self, message: str, advice: str = "") -> None:
        """Keep both sentences for people."""
        super().__init__(message)
        self.message = message
        self.advice = advice


class Unavailable(WarehouseError):
    """The system can't be reached or is busy, and the request had no effect: try again later."""


class OutcomeUnknown(WarehouseError):
    """The request was sent and no usable answer came: look up before anything else."""


class Misconfigured(WarehouseError):
    """Address, credentials or rights are wrong: stop until a person changes them."""


class Refused(WarehouseError):
    """The system refused this request for good: block it and tell a person.

    `line_ids` names the order lines that are to blame, where the system says so.
    """

    def __init__(self, message: str, advice: str = "", line_ids: tuple[str, ...] = ()) -> None:
        """Keep which lines were named."""
        super().__init__(message, advice)
        self.line_ids = line_ids


class Unreadable(WarehouseError):
    """The system's answer can't be understood: keep it for the operator, try again later.

    `fragment` is the part of the answer that was not understood, shortened.
    """

    def __init__(self, message: str, advice: str = "", fragment: str = "") -> None:
        """Keep the part for the operator."""
        super().__init__(message, advice)
        self.fragment = fragment


class SettingsInvalid(WarehouseError):
    """Settings or credentials are not usable; `fields` says what is wrong with each."""

    def __init__(self, fields: dict[str, str]) -> None:
        """Name every wrong field."""
        super().__init__("; ".join(f"{name}: {problem}" for name, problem in fields.items()))
        self.fields = fields
