"""`fer-lib faces`: pictures of people showing action units."""

import math
from pathlib import Path

import click

from fer_lib import facs
from fer_lib.cli.options import refuse
from fer_lib.errors import UserError

SHEETS = ("aus", "intensities", "emotions", "identities")


def _parse(settings: tuple[str, ...]) -> dict[str, float]:
    """("12=0.8", "L4=0.5") → {"12": 0.8, "L4": 0.5}."""
    parsed = {}
    for setting in settings:
        au, _, value = setting.partition("=")
        try:
            parsed[au] = float(value) if value else 1.0
        except ValueError:
            raise UserError(f"--au {setting}: intensity {value!r} found, expected a number from 0 to 1") from None
        facs.parse_au(au)
    return parsed


@click.command()
@click.option("--au", "aus", multiple=True, metavar="AU=INTENSITY", help="12=0.8, L4=0.5 (subject's left); repeatable.")
@click.option("--identity", default=0, show_default=True, help="Number of the person.")
@click.option("--population", default="ckplus", show_default=True, help="ckplus or balanced.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the population.")
@click.option("--size", default=256, show_default=True, help="Pixels per side of one picture.")
@click.option("--yaw", default=0.0, help="Degrees to the viewer's right.")
@click.option("--pitch", default=0.0, help="Degrees up.")
@click.option("--sheet", type=click.Choice(SHEETS), help="A contact sheet instead of one picture.")
@click.option("--people", default=8, show_default=True, help="People on a sheet.")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
def faces(aus, identity, population, seed, size, yaw, pitch, sheet, people, out) -> None:
    """Render a face with given action units, or a contact sheet, to OUT (a PNG file)."""
    from fer_lib.faces import sample_identities
    from fer_lib.faces.sheets import contact_sheet, save_png, single

    if sheet:
        refuse("aus", "identity", "yaw", "pitch", because=f"on a sheet (--sheet {sheet})")
    else:
        refuse("people", because="on one picture, without --sheet")
    if identity < 0:
        raise UserError(f"--identity {identity} found, expected 0 or more")
    for name, degrees in (("yaw", yaw), ("pitch", pitch)):
        if not math.isfinite(degrees):
            raise UserError(f"--{name} {degrees} found, expected a number of degrees")
    if out.suffix.lower() != ".png":
        raise UserError(f"{out}: expected a file name that ends in .png")
    if sheet:
        picture = contact_sheet(sheet, sample_identities(people, seed, population), size)
    else:
        person = sample_identities(identity + 1, seed, population)[identity]
        picture = single(person, _parse(aus), size, (yaw, pitch, 0.0))
    save_png(picture, out)
    click.echo(f"wrote {out}")
