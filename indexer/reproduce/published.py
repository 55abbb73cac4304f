"""What papers print of their own private films: a reference for the shape of a table, never a target or a claim."""

COLUMN = "published (private films)"

R1 = {
    "precision": "65.46 / 62.58 / 62.06 / 61.48",
    "accuracy": "65.46 / 92.86 / 92.13 / 92.01 *",
    "macro_precision": "k = 3: 92.86 *",
    "macro_recall": "k = 3: 34.08",
}
"""By measure, at k = 1 / 3 / 5 / 7 (Hinterwimmer 2024, "A link to the past")."""

R1_CARE = (
    "* The paper's 92.86 % cannot be the plain accuracy of a vote: with its precision-at-3 of 62.58 % over nine in ten "
    "votes would have to hold by exactly two of three; its class shares with a macro recall of 34.08 % cap accuracy "
    "near 88 %. Nor is it hit-at-k, which cannot fall as k grows. Read as one-vs-rest accuracy over ten classes it "
    "would be about 64 % of votes right. It is no target."
)

R2 = {
    "r2-resnet": {"accuracy": "54.10 ± 2.91", "macro_precision": "55.57 ± 2.00", "macro_recall": "19.85 ± 1.07"},
    "r2-nest": {"accuracy": "62.80 ± 1.90", "macro_precision": "61.33 ± 2.10", "macro_recall": "23.05 ± 0.70"},
}
"""By recipe and measure (the same paper, table 2)."""

R7 = {
    "metadata": "18.5",
    "image": "62.8 ± 1.9 (NesT), 54.1 ± 2.9 (ResNet18)",
    "fused": "64.1",
    "ensemble": "69.7",
}
"""Accuracy by model (Hinterwimmer 2024, PLOS Digital Health, table 3)."""

R3 = "73.78 to 87.43 over the five setups"
"""IoU (Bloier 2022)."""


def baseline(name: str, measure: str) -> str:
    """R2's figure for a classifier that is called by its recipe; nothing for others."""
    return next((figures[measure] for recipe, figures in R2.items() if f" {recipe}:" in name), "")
