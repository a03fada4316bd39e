"""The comparison of two versions of Ultralytics as Markdown.

python benchmarks/ultralytics_versions.py ...      # prints it; there is nothing to run here
"""

from __future__ import annotations

import math
import statistics
from typing import Any

SCORES = ("metrics/mAP50(B)", "metrics/mAP50-95(B)", "metrics/mAP50(M)", "metrics/mAP50-95(M)")
# Sets of 8.3's rules (ultralytics_old_rules.py) that are put back in 8.4.
LOSS_RULES: list[list[str]] = [[], ["small boxes"], ["mask edges"], ["small boxes", "mask edges"]]
SCORE_RULES: list[list[str]] = [[], ["mask edges"], ["curve's end"], ["mask edges", "curve's end"]]
OWN_SCORES = ("box_map50", "box_map50_95", "mask_map50", "mask_map50_95", "right_level_rate")
LOSSES = ("train/box_loss", "train/seg_loss", "train/cls_loss", "train/dfl_loss")
IDLE = {"project", "name", "save_dir", "model", "data", "pretrained", "exist_ok", "task", "mode"}


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table, its first column to the left and the others to the right."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def shown(value: Any) -> str:
    """Return a value as a table shows it."""
    return f"{value:.5g}" if isinstance(value, float) else f"{value}"


def side_by_side(left: dict[str, Any], right: dict[str, Any], names: tuple[str, str]) -> str:
    """Return a table of what two mappings hold, where it differs or only one has it."""
    keys = [key for key in left | right if left.get(key, "-") != right.get(key, "-")]
    rows = [[key, shown(left.get(key, "-")), shown(right.get(key, "-"))] for key in keys]
    return table(["", *names], rows) if rows else "The same.\n"


def description(described: list[dict[str, Any]], names: tuple[str, str]) -> str:
    """Return what 'auto' becomes, what a checkpoint becomes, and how one is scored."""
    rows = []
    for number, case in enumerate(described[0]["auto"]):
        for version, found in zip(
            names, (other["auto"][number] for other in described), strict=True
        ):
            group = max(found["groups"], key=lambda row: row["tensors"])
            rows.append(
                [
                    f"{case['films']:,} films, batch {case['batch']}, {case['epochs']} epochs",
                    version,
                    f"{found['iterations']:,}",
                    group["optimizer"],
                    *(shown(group[key]) for key in ("initial_lr", "momentum")),
                    *(shown(found[key]) for key in ("warmed_up_to", "warmup_bias_lr")),
                ]
            )
    head = ["", "version", "iterations", "optimizer", "lr0", "momentum", "warmed up to"]
    text = "### What `auto` becomes\n\n" + table([*head, "warmup_bias_lr"], rows)
    text += "\n### The network\n\n" + table(
        ["", *names],
        [
            [key, shown(value), shown(described[1]["network"][key])]
            for key, value in described[0]["network"].items()
        ],
    )
    scores = [
        [f"{key.split('/')[1]} at {size} px", *(f"{d['scores'][size][key]:.3f}" for d in described)]
        for size in described[0]["scores"]
        for key in SCORES
    ]
    return text + "\n### The same weights, scored by both\n\n" + table(["", *names], scores)


def resolved(runs: list[dict[str, Any]], names: tuple[str, str]) -> str:
    """Return what differs in the settings, the optimizer and the augmentations of two runs."""
    args = [{k: v for k, v in run["args"].items() if k not in IDLE} for run in runs]
    text = "### Settings that differ\n\n" + side_by_side(args[0], args[1], names)
    rows = [
        [version, when, *(shown(value) for value in group.values())]
        for when, key in (("start", "groups"), ("end", "final_groups"))
        for version, run in zip(names, runs, strict=True)
        for group in run[key]
    ]
    head = ["version", "at the", *runs[0]["groups"][0]]
    text += "\n### Groups of the optimizer\n\n" + table(head, rows)
    text += "\n### Augmentations\n"
    for version, run in zip(names, runs, strict=True):
        text += f"\n{version}:\n\n" + "\n".join(f"    {step}" for step in run["transforms"]) + "\n"
    return text


def first_batches(runs: list[dict[str, Any]]) -> dict[str, str]:
    """Return whether two runs saw the same first batch, and how far its losses lie apart."""
    first, second = (run["first_batch"] for run in runs)
    boxes = [batch["boxes"] for batch in (first, second)]
    apart = "another number of them"
    if len(boxes[0]) == len(boxes[1]):
        values = (zip(a, b, strict=True) for a, b in zip(*boxes, strict=True))
        apart = f"{max(abs(x - y) for pair in values for x, y in pair):.2g} at most"
    losses = [sum(run["first_losses"].get(key, 0.0) for key in LOSSES) for run in runs]
    return {
        "films": "the same" if first["films"] == second["films"] else "other ones",
        "pictures": "the same" if first["pictures"] == second["pictures"] else "differ",
        "masks": "the same" if first["masks"] == second["masks"] else "differ",
        "boxes apart by": apart,
        "loss": " / ".join(f"{loss:.4f}" for loss in losses),
    }


def undone(
    found: dict[str, Any],
    first_losses: dict[str, float],
    scores: dict[str, dict[str, float]],
    names: tuple[str, str],
) -> str:
    """Return first losses and scores of 8.4 with 8.3's rules put back, and of 8.3 itself."""
    columns = [*found["losses"], first_losses]
    text = "\nFirst losses of the first seed with 8.3's rules put back:\n\n" + table(
        ["", *(_rules(one, names) for one in LOSS_RULES), names[0]],
        [[key, *(f"{column[key]:.4f}" for column in columns)] for key in LOSSES],
    )
    if not scores:
        return text
    rows = [
        [f"{key.split('/')[1]} at {size} px"]
        + [f"{one[size][key]:.4f}" for one in (*found["scores"], scores)]
        for size in scores
        for key in SCORES
    ]
    head = ["", *(_rules(one, names) for one in SCORE_RULES), names[0]]
    return text + "\nScores of the bundled weights, likewise:\n\n" + table(head, rows)


def _rules(undone: list[str], names: tuple[str, str]) -> str:
    return " + ".join([names[1], *undone])


def curves(runs: dict[tuple[int, int], dict[str, Any]], seeds: list[int], names: Any) -> str:
    """Return losses and scores by epoch: means over the seeds, and their spread at the end."""
    text = ""
    for title, keys in (("Training loss", LOSSES), ("Score", SCORES)):
        head = ["epoch", *(f"{key.split('/')[1]} {name}" for key in keys for name in names)]
        rows = []
        for epoch in range(len(runs[0, seeds[0]]["epochs"])):
            cells = [
                f"{statistics.mean(runs[side, s]['epochs'][epoch][key] for s in seeds):.3f}"
                for key in keys
                for side in (0, 1)
            ]
            rows.append([str(epoch + 1), *cells])
        text += f"\n{title}, means over seeds {', '.join(map(str, seeds))}:\n\n" + table(head, rows)
    rows = []
    for key in (*LOSSES, *SCORES, *(f"own/{key}" for key in OWN_SCORES)):
        ends = [[runs[side, seed]["epochs"][-1][key] for seed in seeds] for side in (0, 1)]
        gap = statistics.mean(ends[1]) - statistics.mean(ends[0])
        spread = [statistics.stdev(values) if len(seeds) > 1 else math.nan for values in ends]
        each = [" ".join(f"{value:.3f}" for value in values) for values in ends]
        noise = math.sqrt(sum(value**2 for value in spread) / 2)
        rows.append([key.removeprefix("metrics/"), *each, f"{gap:+.3f}", f"{noise:.3f}"])
    head = ["last epoch", *(f"{name}, by seed" for name in names), "difference", "sd of seeds"]
    return text + "\nThe versions' difference beside the seeds':\n\n" + table(head, rows)
