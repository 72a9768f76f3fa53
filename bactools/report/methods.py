"""The methods paragraph, filled with the run's own recipe and numbers."""

from __future__ import annotations

import pandas as pd

from bactools.recipe import Recipe
from bactools.report.material import METRIC, Material
from bactools.report.parts import Section, counted

_SMOOTHING = {
    "none": "It was not smoothed.",
    "median_square_5": "It was smoothed by a median filter of 5 x 5 pixels.",
    "median_disk_5": "It was smoothed by a median filter over a disk of radius 5 pixels.",
}
_SCALING = {
    "presentation": (
        "Stored values became 8-bit grey by the modality and VOI transformation that the DICOM file states,"
        " or, where it states none, by a robust scaling inside the breast."
    ),
    "container": (
        "Stored values of 16-bit pictures were divided by 256; DICOM files were scaled by the transformation"
        " that they state."
    ),
}
_LABELS = {
    "keep": "",
    "opening_disk_10": " Burned-in labels were removed by a morphological opening (disk of radius 10"
    " pixels).",
}
_CONTRAST = {
    "none": "",
    "stretch": " Contrast was stretched from the 0.5th to the 99.5th percentile of the breast.",
}
_REGION = {"image": "the whole image", "breast": "the breast (largest body, without film border and labels)"}
_MERGED = {"maximum": "their maximum", "mean": "their mean", "gaussian": "a Gaussian-weighted mean"}

_REFERENCES = (
    "Metrics and burden of an exam: Guo X, et al. Med Phys 2021;48:5851-5861.",
    "Flow of inclusion and exclusion: von Elm E, et al. (STROBE). Lancet 2007;370:1453-1457.",
    "Table 1: Pollard TJ, et al. JAMIA Open 2018;1:26-31 (tableone).",
    "Limits of agreement: Bland JM, Altman DG. Lancet 1986;1:307-310, and Stat Methods Med Res"
    " 1999;8:135-160; several images per woman: Bland JM, Altman DG. J Biopharm Stat 2007;17:571-582, Zou"
    " GY. Stat Methods Med Res 2013;22:630-642; exact intervals: Carkeet A. Optom Vis Sci 2015;92:e71-e80.",
    "Standard errors robust to women: Cameron AC, Miller DL. J Hum Resour 2015;50:317-372.",
    "Mixed models of change: Laird NM, Ware JH. Biometrics 1982;38:963-974.",
    "Smallest detectable change: de Vet HCW, et al. J Clin Epidemiol 2006;59:1033-1039.",
    "Concordance: Lin LI. Biometrics 1989;45:255-268. Intraclass correlation: Shrout PE, Fleiss JL. Psychol"
    " Bull 1979;86:420-428.",
)


def methods(material: Material) -> Section:
    """Return what was measured how, in sentences that a paper can take over."""
    section, cube = Section("Methods"), material.cube
    done = cube["status"] == 1
    section.words(
        f"Measured with bactools: {counted(int(done.sum()), 'image')} of"
        f" {counted(int(done.any('view').sum()), 'exam')} of"
        f" {counted(int(done.any(['view', 'exam']).sum()), 'woman', 'women')}. An image is one of"
        " the four standard views (LCC, LMLO, RCC, RMLO) of one woman and day. Of several images of a view"
        " and day one counts: implant-displaced, synthesized and raw images only if there is no other, and"
        " of equals the last taken. Magnification, spot and partial views, tomosynthesis and whatever is no"
        " mammogram are not measured; the quality appendix counts what was excluded. Women are known by"
        " pseudonyms. An image that could not be"
        " measured is missing, not 0; 0 means measured, and no calcification found."
        f" The cohort of this report: {material.cohort.words(longest=20_000)}."
    )
    section.words(" ".join(_measured(material.recipe)))
    section.words(_weights(material))
    section.words(_metrics(material.recipe))
    section.words(
        f"Burden of an exam is {METRIC.upper()} divided by the area of the breast on each image, summed"
        " over the four views, as in the paper; exams that lack a view are left out of burden, not filled"
        " in. Years are counted from each woman's first exam that is kept. Images are nested in exams,"
        " breasts and women: intervals allow for a woman having several, and where a naive answer is shown"
        " it is named so. Limits of agreement are by components of variance between and within women; lines"
        " by least squares with standard errors robust to women; change per year by a mixed model"
        " (restricted maximum likelihood) in which each woman has a level and a rate of her own; grades by"
        " fixed cut-offs in mm² of the calcified area; progression as a change beyond the smallest"
        " detectable one. All intervals are of 95 % and all p-values two-sided and, unless a table says"
        " otherwise, not adjusted for their number."
    )
    if material.drawn is not None:
        section.words(
            "Metrics were compared with those of masks drawn by hand, measured on the same grid and inside"
            " the same region (bactools evaluate)."
        )
    if material.other is not None:
        section.part("What it is compared with", lambda: _compared(section, material))
    section.heading("Recipe")
    section.table(recipe_table(material.recipe), f"Recipe {material.recipe.name}, {material.recipe.hash}")
    section.heading("References of the statistics")
    section.items(_REFERENCES)
    return section


def recipe_table(recipe: Recipe) -> pd.DataFrame:
    """Return every field of a recipe and its value."""
    fields = {**recipe.to_dict(), "hash": recipe.hash}
    shown = {key: "the stored grid" if value is None else str(value) for key, value in fields.items()}
    shown["weights"] = shown["weights"].replace("\\", "/").rsplit("/", 1)[-1]
    return pd.DataFrame({"field": list(shown), "value": list(shown.values())})


def _measured(recipe: Recipe) -> list[str]:
    """Return how an image became a map of probability, in sentences."""
    grid = (
        f"Images that state their pixel spacing were resampled to {recipe.spacing_mm:g} mm."
        if recipe.spacing_mm is not None
        else "Images were measured on their stored grid."
    )
    if recipe.inference == "one_pass":
        how = f"The network ({recipe.network}) saw the whole breast at once."
    else:
        how = (
            f"The network ({recipe.network}) saw windows of {recipe.patch} pixels, {recipe.stride} apart;"
            f" where they overlap {_MERGED[recipe.merge]} was taken, and windows whose grey has a mean not"
            f" above {recipe.reject_mean:g} or an SD not above {recipe.reject_sd:g} were skipped."
        )
    normal = (
        f"Grey levels were normalised as (x/255 - {recipe.mean:g}) / {recipe.sd:g}."
        if recipe.normalisation == "fixed"
        else f"Each window was normalised by its own mean and an SD of {recipe.sd:g}."
    )
    clipped = "" if recipe.clip else " Network output was not limited to 0 to 1."
    return [
        _SCALING[recipe.scaling],
        grid,
        _SMOOTHING[recipe.smoothing] + _LABELS[recipe.labels] + _CONTRAST[recipe.contrast],
        how,
        normal + clipped,
        f"A pixel of {_REGION[recipe.region]} is called calcified where its probability is above"
        f" {recipe.cut:g}.",
    ]


def _weights(material: Material) -> str:
    weights, about = material.weights, material.source.about
    note = f" Note: {material.source.note}." if material.source.note else ""
    versions = about.get("versions") or {}
    told = ", ".join(f"{name} {held}" for name, held in versions.items())
    return (
        f"Weights: {weights['name']}, SHA-256 {weights.get('sha256', 'unknown')}.{note} Recipe"
        f" {material.recipe.name}, hash {material.recipe.hash}. Software: {told or 'versions not stated'}."
    )


def _metrics(recipe: Recipe) -> str:
    than = "above X" if recipe.comparison == ">" else "at or above X"
    return (
        "Metrics of an image: PM, the sum of probabilities; AM, the number of calcified pixels; SIM, the"
        f" sum of their grey levels; TAM_X, the number of calcified pixels {than} (X = 100 of 255); TSIM_X,"
        " the sum of the grey levels of these. Names ending in mm2 are areas in mm²; those ending in norm"
        " are divided by the area of the breast."
    )


def _compared(section: Section, material: Material) -> None:
    other = material.other
    if other is None:
        return
    theirs = other.study
    name = str(theirs.weights.get("name", "")).replace("\\", "/").rsplit("/", 1)[-1]
    section.words(
        f"Study {other.name}: recipe {theirs.recipe.name} ({theirs.recipe.hash}), weights {name}, SHA-256"
        f" {theirs.weights.get('sha256', 'unknown')}."
    )
    differ = material.recipe.differences(theirs.recipe)
    if differ:
        told = "; ".join(f"{field}: {ours} and {others}" for field, (ours, others) in differ.items())
        section.missing(f"The two studies were measured by different recipes: {told}.")
