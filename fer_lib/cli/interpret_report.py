"""The sections of a study's report: what was found, in plain sentences with the numbers in them."""

from pathlib import Path

import numpy as np
import pandas as pd
from plotly import graph_objects as go
from plotly.io import to_html
from plotly.offline import get_plotlyjs

from fer_lib import figures
from fer_lib.interpret import examples, localisation
from fer_lib.interpret.report import Picture, Section, write_report
from fer_lib.interpret.study import Study, sheet_examples
from fer_lib.pictures import signed_grey


def report(study: Study, name: str, path: Path) -> Path:
    """Write the report of a study of network `name`."""
    data = study.dataset.provenance.get("label", study.dataset.name)
    sections = [_overview(study, name, data), _alignment(study, data), _controls(study, data), _ablation(study, data)]
    sections += [_concepts(study), *_probes(study), _sanity(study, data)]
    sections += [_sheet(study, number, data) for number in study.sheets]
    return write_report(path, f"What the filters of {name} learned", sections, get_plotlyjs())


def _drawn(figure: go.Figure) -> tuple[str, str]:
    return to_html(figure, full_html=False, include_plotlyjs=False), figure.layout.meta["alt"]


def _overview(study: Study, name: str, data: str) -> Section:
    held = study.held_out[study.held_out["kind"] == "filter of AU"]
    undefined = study.alignment.drop_duplicates("au")
    undefined = undefined[undefined["status"].str.contains("present in|absent in")]
    text = [
        f"Network {name}, {len(study.dataset)} images of {len(set(study.dataset.subject))} people: {data}.",
        f"{len(study.labels)} of {study.network.model.conv3.out_channels} conv3 filters align with an action unit "
        "beyond what chance allows over all filters and AUs (max-T p ≤ 0.05, whole sequences permuted).",
        "For each AU's best filter, chosen on half of the people, the mean AUROC on the other half is "
        f"{held['auroc'].mean():.2f} ({held['chosen_auroc'].mean():.2f} where it was chosen).",
    ]
    if len(undefined):
        text.append(f"Undefined on these images: {', '.join(f'AU{au}' for au in undefined['au'])}.")
    columns = ["filter", "au", "value", "p_max", "present", "absent", "unknown"]
    table = study.labels[columns].rename(columns={"value": "z"})
    return Section("Overview", text, tables=[("Labelled filters", table), ("Chosen and reported on others", held)])


def _alignment(study: Study, data: str) -> Section:
    ranked = study.alignment[study.alignment["metric"].isin(["auroc", "kl_z", "partial_r"])]
    best = ranked.dropna(subset="value").sort_values("value", ascending=False).groupby(["metric", "au"]).head(1)
    text = [
        "AUROC: chance that an image with the AU excites the filter more than one without. "
        "A plug-in KL divergence favours rare AUs; its excess over permuted labels, in their sd, does not.",
    ]
    columns = ["metric", "au", "filter", "value", "low", "high", "p", "p_max", "q", "status"]
    figure = figures.alignment_heatmap(study.alignment, "auroc", data=data)
    return Section("Alignment", text, [_drawn(figure)], tables=[("Best filter of each AU", best[columns])])


def _controls(study: Study, data: str) -> Section:
    table = study.controls
    figure = figures.bars(
        table["network"], table["au_auroc"], "Best filter of each AU, on people it was not chosen on", "mean AUROC",
        chance=0.5, data=data,
    )  # fmt: skip
    trained = table.iloc[0]
    text = [
        f"{trained['labels']:.0f} filters reach an AUROC of 0.7 with some AU; permuted labels give "
        f"{trained['chance_mean']:.1f} on average and at most {trained['chance_95']:.0f} in 95 % of permutations.",
    ]
    return Section("Control networks", text, [_drawn(figure)], tables=[("All networks", table)])


def _ablation(study: Study, data: str) -> Section:
    shown = []
    if len(study.sets):
        wide = study.sets.assign(gain=study.sets["harm"] - study.sets["control"])
        wide = wide.pivot(index="set", columns="emotion", values="gain").loc[study.sets["set"].unique()]
        wide = wide[list(study.network.emotions)]
        title = "Harm of taking out an AU's filters, beyond matched random filters"
        shown.append(_drawn(figures.matrix(wide, wide.index, wide.columns, title, "nats", diverging=True, data=data)))
    text = ["Harm: fall of the true class's mean log-probability when filters are set to zero."]
    if study.agreement:
        found, chance, p = (study.agreement[key] for key in ("agreement", "chance", "p"))
        text.append(
            "Each labelled filter's harm correlates with the share of its AU in the emotions' prototypes: "
            f"{found:.2f} on average, {chance:.2f} when AUs are dealt at random (p = {p:.3g})."
        )
    zero = study.harm[study.harm["mode"] == "zero"].sort_values("accuracy_change").head(20)
    return Section("Ablation", text, shown, tables=[("Sets", study.sets), ("Twenty most missed filters", zero)])


def _concepts(study: Study) -> Section:
    wide = study.concepts.pivot(index="au", columns="emotion", values="tcav")[list(study.network.emotions)]
    names = [f"AU{au}" for au in wide.index]
    figure = figures.matrix(wide, names, wide.columns, "Concept vectors: share of rising logits", "TCAV score")
    text = ["A score counts only where p is small and the vector tells the AU on other people (auroc)."]
    return Section("Concept vectors", text, [_drawn(figure)], tables=[("All scores", study.concepts)])


def _probes(study: Study) -> list[Section]:
    if study.probes is None:
        return []
    survival = study.probes.survival
    rate = survival.groupby("test")[["significant", "same_sign", "largest", "survives"]].mean().reset_index()
    told = [f"{row.test}: {row.survives:.0%} of labels survive." for row in rate.itertuples()]
    shown = []
    if len(rate):
        title = "Labels that hold where AUs are set one by one"
        shown.append(_drawn(figures.bars(rate["test"], rate["survives"], title, "share", data="synthetic faces")))
    sections = [Section("Interventions", told, shown, tables=[("Survival", rate), ("Labels", survival)])]
    if len(study.probes.localisation):
        rng = np.random.default_rng(study.settings.seed)
        gain = localisation.localisation_gain(study.probes.localisation, rng, by="person")
        figure = figures.baselines(gain, "synthetic faces")
        sections.append(Section("Localisation", (), [_drawn(figure)], tables=[("Scores", gain)]))
    return sections


def _sanity(study: Study, data: str) -> Section:
    specificity, null = study.sanity["specificity"], study.sanity["null"]
    shown = [
        _drawn(
            figures.bars(
                list(specificity),
                [np.nan if v is None else v for v in specificity.values()],
                "Likeness of different filters' maps at one place",
                "mean cosine",
                data=data,
            )  # fmt: skip
        )
    ]
    random = pd.DataFrame(
        {"layer": study.sanity["randomised"]["guided"]["layer"]}
        | {method: rows["cosine"] for method, rows in study.sanity["randomised"].items()}
    ).astype({method: float for method in study.sanity["randomised"]})
    title = "Likeness of maps after randomising layers from the top"
    shown.append(_drawn(figures.lines(random, "layer", list(random.columns[1:]), title, "cosine", data=data)))
    text = [
        "A likeness near 1 between different filters means that the picture is about the image, not the filter.",
        f"Null data with clustered rows: naive tests reject {null['naive_rejections']:.1%} at p < 0.05 and "
        f"Benjamini–Hochberg reports {null['naive_discoveries']} discoveries of {null['tests']}; permuting sequences "
        f"reports {null['max_t_discoveries']}. Plug-in KL names one of the four rarest of twenty AUs for "
        f"{null['kl_on_rarest']:.0%} of filters.",
    ]
    return Section("Sanity checks", text, shown, tables=[("After randomising", random)])


def _sheet(study: Study, number: int, data: str) -> Section:
    """Top images, their crops, decoded patches, AU profile and ablation effect of one filter."""
    table = sheet_examples(study.examples, study.sheets)
    mine = np.flatnonzero((table["filter"] == number).to_numpy())
    rows = table.iloc[mine]
    crops, _ = examples.example_crops(study.dataset.images, rows, "conv3")
    methods = ("deconvnet", "guided", "gradient_x_input", "occlusion")
    maps = [signed_grey(study.decoded[method][mine].numpy()) for method in methods]
    tiles = np.stack([crops.numpy(), *maps]) / 255
    faces = study.dataset.images[rows["image"].to_numpy(), 0][None] / 255
    best = study.labels[study.labels["filter"] == number]
    label = f"AU{best['au'].iloc[0]}" if len(best) else "no AU beyond chance"
    clipped = int(rows["clipped"].sum())
    text = [f"Label: {label}. {clipped} of {len(rows)} receptive fields reach over the image's border (black)."]
    wanted = next((face for face in study.wanted if face["filter"] == number), None)
    if wanted:
        liked = [f"AU{au}" for au, dose in wanted["intensity"].items() if dose > 0]
        text.append(
            f"Rendered faces: {' + '.join(liked) or 'no AU'} raises its mean activation from {wanted['rest']:.3g} "
            f"to {wanted['activation']:.3g}."
        )
    pictures = [
        Picture(
            faces, f"The {len(rows)} images that excite filter {number} most.", "Top images, one a sequence.",
            max(1, 144 // faces.shape[-1]),
        ),
        Picture(tiles, f"Crops and decoded maps of filter {number}: one column an image.",
                "Rows: crop, deconvnet, guided backpropagation, gradient × input, occlusion.", 3),
    ]  # fmt: skip
    shown = [_drawn(figures.au_profile(study.alignment, number, data))]
    harm = study.harm[(study.harm["filter"] == number) & (study.harm["mode"] == "zero")]
    return Section(f"Filter {number}", text, shown, pictures, [("Taken out", harm), ("Where", rows)])
