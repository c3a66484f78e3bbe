"""The directive {quiz}: a question whose every choice is answered with a reason. Needs no kernel and no script.

```{quiz} Why do we choose the filter on other people than we report on?
- (right) The best of many looks good by luck.

  On new people the luck is gone.
- To have more pictures.

  Splitting leaves fewer of them.
```
"""

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

RIGHT = "(right)"


class Quiz(SphinxDirective):
    """A question (the argument) and a list of choices, each with its reason as a further paragraph (see site.css)."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        parsed = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, parsed)
        items = [item for bullets in parsed.findall(nodes.bullet_list) for item in bullets.children]
        marked = [item for item in items if item.astext().startswith(RIGHT)]
        if len(items) < 2 or len(marked) != 1:
            raise self.error(f"a quiz needs two choices or more, one of them marked {RIGHT}")
        group = f"quiz-{self.env.new_serialno('quiz')}"
        choices = [node for place, item in enumerate(items) for node in self._choice(item, f"{group}-{place}", group)]
        question, _ = self.state.inline_text(self.arguments[0], self.lineno)
        head = [_raw('<fieldset class="fer-quiz"><legend>'), *question, _raw("</legend>")]
        return [*head, *choices, _raw("</fieldset>")]

    def _choice(self, item: nodes.Element, name: str, group: str) -> list[nodes.Node]:
        answer, *why = item.children
        if not why:
            raise self.error(f"the choice {answer.astext()!r} has no reason: add one as an indented paragraph")
        text = next(answer.findall(nodes.Text))
        right = text.startswith(RIGHT)
        text.parent.replace(text, nodes.Text(text.removeprefix(RIGHT).lstrip() if right else str(text)))
        verdict = '<p class="fer-verdict">Right.</p>' if right else '<p class="fer-verdict">Not this one.</p>'
        return [
            _raw(f'<div class="fer-choice"><input type="radio" name="{group}" id="{name}"><label for="{name}">'),
            *answer.children,
            _raw(f'</label><div class="fer-why" aria-live="polite">{verdict}'),
            *why,
            _raw("</div></div>"),
        ]


def _raw(text: str) -> nodes.raw:
    return nodes.raw("", text, format="html")
