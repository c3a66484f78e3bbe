"""The paper's own numbers, each with how sure it is. Prose and tables quote the paper from here alone.

V  read in a primary source: the authors' code and its history, or a data set's own read-me
C  read in a citing source
D  derived or measured from those
M  remembered only: shown with a visible "unverified" mark
The paper's body text and tables could not be read: only its abstract, its Figure 1 and the code.
"""

from dataclasses import dataclass

from fer_lib.errors import UserError

CERTAINTY = {"V": "verified", "C": "from a citing source", "D": "derived", "M": "unverified"}


@dataclass(frozen=True)
class PaperValue:
    """A number of the paper. `value` and `sd` are per cent for accuracies, plain counts elsewhere."""

    value: float
    certainty: str  # V, C, D or M
    what: str
    sd: float | None = None

    def __str__(self) -> str:
        text = f"{self.value:g}" + (f" ± {self.sd:g}" if self.sd is not None else "")
        return text + (" (unverified)" if self.certainty == "M" else "")


_WORKSHOP = "CNN+AD, workshop paper and arXiv v1-v2, best checkpoint on the test fold"
_V3 = "CNN+AD, arXiv v3, checkpoint chosen on a validation fold"

PAPER: dict[str, PaperValue] = {
    "tfd.workshop": PaperValue(89.8, "M", f"TFD, 7 classes, 5 folds: {_WORKSHOP}"),
    "ckplus8.workshop": PaperValue(96.4, "M", f"CK+, 8 classes, 10 folds: {_WORKSHOP}"),
    "ckplus6.workshop": PaperValue(98.3, "M", f"CK+, 6 classes, 10 folds: {_WORKSHOP}"),
    # the means of the first two are also read on a page that summarises the paper; the spreads are remembered
    "tfd.v3": PaperValue(88.6, "C", f"TFD, 7 classes, 5 folds: {_V3}"),
    "ckplus8.v3": PaperValue(95.1, "C", f"CK+, 8 classes, 10 folds: {_V3}"),
    "ckplus6.v3": PaperValue(95.7, "M", f"CK+, 6 classes, 10 folds: {_V3}", 2.5),
    "tfd.v3.sd": PaperValue(1.5, "M", "standard deviation over TFD's folds, arXiv v3"),
    "ckplus8.v3.sd": PaperValue(3.1, "M", "standard deviation over CK+'s folds, 8 classes, arXiv v3"),
    "ckplus6.v3.sd": PaperValue(2.5, "M", "standard deviation over CK+'s folds, 6 classes, arXiv v3"),
    "chance8": PaperValue(25.0, "D", "CK+, 8 classes, always answering neutral"),
    "chance6": PaperValue(26.9, "D", "CK+, 6 classes, always answering surprise"),
    "selection.independent": PaperValue(
        98.4, "D", "expected best of 31 independent checkpoints of true accuracy 95 %, 131 independent images"
    ),
    "augmentation.filled.draws": PaperValue(
        57, "D", "share of augmentation draws that shrink the face, so that zeros fill the rim"
    ),
    "augmentation.filled.pixels": PaperValue(16, "D", "share of pixels filled with zeros by augmentation, on average"),
    "fer2013.human": PaperValue(65, "C", "human accuracy on FER2013", 5),
    "ding2017.tfd.gabor_pca": PaperValue(80.2, "C", "TFD, Gabor + PCA, as tabulated by Ding et al. 2017"),
    "ding2017.tfd.deep_mpot": PaperValue(82.4, "C", "TFD, Deep mPoT, as tabulated by Ding et al. 2017"),
    "ding2017.tfd.cda_cca": PaperValue(85.0, "C", "TFD, CDA + CCA, as tabulated by Ding et al. 2017"),
    "ding2017.tfd.disrbm": PaperValue(85.4, "C", "TFD, disRBM, as tabulated by Ding et al. 2017"),
    "ding2017.tfd.bootstrap": PaperValue(86.8, "C", "TFD, bootstrap-recon, as tabulated by Ding et al. 2017"),
    "ding2017.tfd.fn2en": PaperValue(88.9, "C", "TFD, FN2EN, as tabulated by Ding et al. 2017"),
    "ding2017.ckplus6.cspl": PaperValue(89.9, "C", "CK+ 6 classes, CSPL, as tabulated by Ding et al. 2017"),
    "ding2017.ckplus6.3dcnn_dap": PaperValue(92.4, "C", "CK+ 6 classes, 3DCNN-DAP, as tabulated by Ding et al. 2017"),
    "ding2017.ckplus6.adagabor": PaperValue(93.3, "C", "CK+ 6 classes, AdaGabor, as tabulated by Ding et al. 2017"),
    "ding2017.ckplus6.lbpsvm": PaperValue(95.1, "C", "CK+ 6 classes, LBPSVM, as tabulated by Ding et al. 2017"),
    "ding2017.ckplus6.bdbn": PaperValue(96.7, "C", "CK+ 6 classes, BDBN, as tabulated by Ding et al. 2017"),
    "ding2017.ckplus6.fn2en": PaperValue(98.6, "C", "CK+ 6 classes, FN2EN, as tabulated by Ding et al. 2017"),
    "ding2017.ckplus8.audn": PaperValue(92.1, "C", "CK+ 8 classes, AUDN, as tabulated by Ding et al. 2017"),
    "ding2017.ckplus8.fn2en": PaperValue(96.8, "C", "CK+ 8 classes, FN2EN, as tabulated by Ding et al. 2017"),
}


def paper_value(key: str) -> PaperValue:
    """One of the paper's numbers. Raises UserError naming the known keys."""
    if key not in PAPER:
        raise UserError(f"paper value {key!r} is unknown; expected one of {', '.join(PAPER)}")
    return PAPER[key]
