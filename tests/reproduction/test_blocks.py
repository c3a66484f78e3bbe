from dataclasses import replace

import pytest

from fer_lib.reproduction.blocks import ODDITIES, blocks


def test_every_file_of_a_folder_is_one_training():
    """Two cells that would write one file must be the same cell."""
    seen = {}
    for block in blocks().values():
        for cell in block.cells:
            assert seen.setdefault((block.folder, cell.key), cell) == cell, cell.key


def test_the_grid_is_the_protocols():
    made = blocks()
    assert len(made["grid"].cells) == 4 * 2 * 10
    assert len(made["seeds"].cells) == 4 * 2 * 2 * 3
    assert {cell.fold for cell in made["networks"].cells} == set(range(10))
    assert made["again"].cells == made["networks"].cells
    assert [name for name, block in made.items() if block.folder == made["again"].folder] == ["again"]  # never a copy
    assert set(made["networks-96"].cells) < set(made["full-size"].cells)
    assert {cell.split for cell in made["leak"].cells} == {"subject", "sequence", "image"}


def test_longer_trainings_differ_by_their_length_alone():
    stills, longer = blocks()["stills"], blocks()["stills-longer"]
    assert stills.folder != longer.folder  # the names of the cells are the same
    for short, long in zip(stills.cells, longer.cells, strict=True):
        same = replace(long.config, steps=short.config.steps, checkpoint_every=short.config.checkpoint_every)
        assert replace(long, config=same) == short
        assert len(long.config.checkpoint_steps) == len(short.config.checkpoint_steps)


def test_oddities_change_one_line_each():
    recipes = {cell.config.recipe for cell in blocks()["oddities"].cells}
    assert {"as_released", "as_described"} < recipes
    assert len(recipes) == 2 + len(ODDITIES) and "custom" not in recipes


@pytest.mark.parametrize("name", ["oddities", "seeds", "grid", "plain-against-ad"])
def test_a_stopped_block_compares_on_the_same_folds(name):
    """Cells come fold by fold; the first configuration, which contrasts are against, is as released."""
    cells = blocks()[name].cells
    folds = [cell.fold for cell in cells]
    assert folds == sorted(folds)
    assert cells[0].config.recipe == "as_released"


@pytest.mark.parametrize("name", blocks())
def test_a_block_has_one_size(name):
    block = blocks()[name]
    assert {cell.config.size for cell in block.cells} == {block.size}
    assert len(set(block.cells)) == len(block.cells)
