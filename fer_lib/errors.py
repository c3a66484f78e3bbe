"""The one exception that means: the user can mend this."""


class UserError(ValueError):
    """Bad input. The message names the file or value, what was found, what was expected and what to do."""
