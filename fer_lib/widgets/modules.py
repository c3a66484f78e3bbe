"""The widgets' JavaScript: plain ES modules in js/, with only `import {a, b} from "./other.js"` between them.

JupyterLab takes one text (`bundle`). A page takes one classic script a module (`page_script`), each loaded once however
many widgets share it: browsers refuse module imports from a page opened from disk, but not classic scripts.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fer_lib.errors import UserError

JS = Path(__file__).parent / "js"
ASSETS = Path(__file__).parent / "assets"
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";$', re.M)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|const|let|class) (\w+))", re.M)
_DEFAULT = re.compile(r"^export default ", re.M)
_LEFT = re.compile(r"^(?:import|export)\b.*", re.M)


@dataclass(frozen=True)
class Module:
    """One file: `needs` names the modules it imports, `body` is a function body that returns its exports.

    In `body`, `need(name)` gives the exports of another module.
    """

    name: str
    needs: tuple[str, ...]
    body: str


@cache
def module(name: str, folder: Path = JS) -> Module:
    """Read js/NAME.js. Raises UserError for an absent file or an import or export of another form."""
    path = folder / f"{name}.js"
    if not path.is_file():
        raise UserError(f"{path}: no such widget module; found {_names(folder)}")
    text = path.read_text(encoding="utf-8")
    needs = tuple(dict.fromkeys(match[2] for match in _IMPORT.finditer(text)))
    exports = [match[1] for match in _EXPORT.finditer(text)]
    body = _IMPORT.sub(lambda match: f'const {{{match[1]}}} = need("{match[2]}");', text)
    body = _EXPORT.sub("", body)
    if _DEFAULT.search(body):
        body, exports = _DEFAULT.sub("const widget = ", body), [*exports, "default: widget"]
    if left := _LEFT.search(body):
        raise UserError(f'{path}: {left[0]!r}; expected import {{a, b}} from "./other.js"; or export before a name')
    return Module(name, needs, f"{body.rstrip()}\nreturn {{ {', '.join(exports)} }};\n")


def _names(folder: Path) -> str:
    return ", ".join(sorted(path.stem for path in folder.glob("*.js")))


def in_order(name: str, folder: Path = JS) -> list[Module]:
    """The module and all it needs, needed ones first. Raises UserError for modules that import each other."""
    done: dict[str, Module] = {}

    def visit(each: str, above: tuple[str, ...]) -> None:
        if each in above:
            raise UserError(f"widget modules import each other: {' -> '.join((*above, each))}")
        if each not in done:
            found = module(each, folder)
            for needed in found.needs:
                visit(needed, (*above, each))
            done[each] = found

    visit(name, ())
    return list(done.values())


@cache
def bundle(name: str, folder: Path = JS) -> str:
    """One ES module with everything that js/NAME.js needs: what JupyterLab runs."""
    parts = ["const made = {};\nconst need = (name) => made[name];"]
    parts += [f'made["{each.name}"] = (() => {{\n{each.body}}})();' for each in in_order(name, folder)]
    return "\n".join([*parts, f'export default made["{name}"].default;\n'])


def page_script(name: str, folder: Path = JS) -> str:
    """js/NAME.js as a classic script that book/site/widgets.js loads once a page."""
    each = module(name, folder)
    return f'ferWidgets.define("{name}", {json.dumps(each.needs)}, (need) => {{\n"use strict";\n{each.body}}});\n'
