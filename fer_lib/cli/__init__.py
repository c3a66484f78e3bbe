"""`fer-lib`: one group whose commands are imported only when they are called, so that `--help` stays quick."""

from importlib import import_module
from importlib.util import find_spec

import click

import fer_lib
from fer_lib.errors import UserError

COMMANDS = {
    "check-env": "fer_lib.cli.check_env:check_env",
    "data": "fer_lib.cli.data:data",
    "evaluate": "fer_lib.cli.evaluate:evaluate",
    "faces": "fer_lib.cli.faces:faces",
    "interpret": "fer_lib.cli.interpret:interpret",
    "ledger": "fer_lib.cli.ledger:ledger",
    "reproduce": "fer_lib.cli.reproduce:reproduce",
    "train": "fer_lib.cli.train:train",
}


class LazyGroup(click.Group):
    """A click group that finds a command by a table {name: "module:attribute"} and reports a `UserError` plainly."""

    def list_commands(self, context: click.Context) -> list[str]:
        return [name for name, place in COMMANDS.items() if find_spec(place.partition(":")[0])]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(context):
            return None
        module, _, attribute = COMMANDS[name].partition(":")
        return getattr(import_module(module), attribute)

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except UserError as error:
            click.echo(f"Error: {error}", err=True)
            context.exit(2)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(fer_lib.__version__, prog_name="fer-lib")
def main() -> None:
    """Faces with known action units, the network of Khorrami, Paine and Huang (2015), and what its filters learned."""
