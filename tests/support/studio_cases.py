"""Unusual exports of Label Studio, each with the end it must have."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from good_ends import Films, Refused, Taken
from labelme_cases import STEMS
from laid_out import films_only, put, results, task
from yolo_cases import Cases, bare

from spineseg.levels import CERVICAL

CASES = Cases(parts=False)
add = CASES.add


# Label Studio
def studio(
    file: str = "project.json",
    image: str = "images/{stem}.jpg",
    name: str = "{stem}.jpg",
    **change: object,
) -> Callable:
    """Lay films out with Label Studio's tasks; `change` is of the first task."""

    def make(folder: Path) -> None:
        films_only(folder, image)
        tasks = [task(s, name, id=n, **(change if not n else {})) for n, s in enumerate(STEMS)]
        put(folder / file, json.dumps(tasks))

    return make


def annotation(stem: str = "a0", **change: object) -> dict[str, object]:
    return {"id": 9, "was_cancelled": False, "result": results(stem), **change}


def region(**change: object) -> dict[str, object]:
    return {"annotations": [annotation(result=[{**results("a0")[0], **change}])]}


def one_level(wanted: Films) -> object:
    return wanted.update(a0=(wanted["a0"][0], CERVICAL[:1]))


LOCAL = "/data/local-files/?d=some/dir/{stem}.jpg"
add("Label Studio", studio())
add("Label Studio, films beside", studio(image="{stem}.jpg"))
add("Label Studio, films below", studio(image="x/y/{stem}.jpg"))
add("Label Studio, local files", studio(name=LOCAL))
add(
    "Label Studio, local files escaped", studio(name="/data/local-files/?d=some%2Fdir%2F{stem}.jpg")
)
add("Label Studio, uploads", studio(name="/data/upload/1/abcd1234-{stem}.jpg"))
add(
    "Label Studio, uploads as they are",
    studio(image="images/abcd1234-{stem}.jpg", name="/data/upload/1/abcd1234-{stem}.jpg"),
    Taken(lambda w: [w.update({f"abcd1234-{s}": w.pop(s)}) for s in STEMS]),
)
add("Label Studio, a bucket", studio(name="s3://bucket/films/{stem}.jpg"))
add("Label Studio, an address", studio(name="https://example.org/films/{stem}.jpg?token=1"))
add("Label Studio, data.film", studio(data={"film": "a0.jpg", "image": "/x"}))
add(
    "Label Studio, all by data.film",
    lambda f: (
        films_only(f),
        put(
            f / "tasks.json",
            json.dumps(
                [
                    task(s, data={"image": "/data/local-files/?d=x.png", "film": f"{s}.jpg"})
                    for s in STEMS
                ]
            ),
        ),
    ),
)
add("Label Studio's file itself", studio(), place="project.json")
add(
    "Label Studio, a part a folder",
    lambda f: (
        films_only(f, "{part}/{stem}.jpg"),
        put(f / "tasks.json", json.dumps([task(s) for s in STEMS])),
    ),
    parts=True,
)
add(
    "Label Studio, a path that climbs",
    studio(data={"image": "/data/local-files/?d=../../../etc/a0.jpg"}),
)
add("Label Studio, an absent film", studio(data={"image": "none.jpg"}), Refused("is not there"))
add("Label Studio, no image", studio(data={"text": "x"}), Refused("does not say its film"))
add("Label Studio, two tasks of one", studio(data={"image": "a1.jpg"}), Refused("second task"))
add(
    "Label Studio, cancelled",
    studio(annotations=[annotation(was_cancelled=True)]),
    Taken(bare("a0"), told="cancelled annotation"),
)
add(
    "Label Studio, cancelled and not",
    studio(annotations=[annotation("a1", was_cancelled=True, updated_at="2027"), annotation()]),
    Taken(told="cancelled annotation"),
)
add(
    "Label Studio, two annotations",
    studio(
        annotations=[
            annotation("a2", updated_at="2026-01-01T09:00:00Z"),
            annotation(updated_at="2026-01-02T08:00:00Z"),
        ]
    ),
    Taken(told="older annotation"),
)
add(
    "Label Studio, predictions alone",
    studio(annotations=[], predictions=[annotation("a2")]),
    Taken(bare("a0"), told="predictions only"),
)
add("Label Studio, nothing to see", studio(annotations=[annotation(result=[])]), Taken(bare("a0")))
add(
    "Label Studio, most not annotated",
    lambda f: (
        films_only(f),
        put(
            f / "t.json",
            json.dumps([task(s, annotations=[]) for s in STEMS[:4]] + [task(s) for s in STEMS[4:]]),
        ),
    ),
    Refused("4 of 6 films have no labels"),
)
add(
    "Label Studio, a task without film",
    lambda f: (
        films_only(f),
        put(
            f / "t.json",
            json.dumps(
                [task(s) for s in STEMS]
                + [{"id": 99, "data": {"image": "zz.jpg"}, "annotations": []}]
            ),
        ),
    ),
    Taken(told="without annotation and film"),
)
add(
    "Label Studio, a brush",
    studio(**region(type="brushlabels", value={"rle": [1], "brushlabels": ["C1"]})),
    Refused("painted with a brush"),
)
add(
    "Label Studio, a rectangle",
    studio(
        **region(
            type="rectanglelabels",
            value={
                "x": 1,
                "y": 1,
                "width": 9,
                "height": 9,
                "rotation": 0,
                "rectanglelabels": ["C1"],
            },
        )
    ),
    Refused("is a box"),
)
add(
    "Label Studio, an ellipse",
    studio(
        **region(
            type="ellipselabels",
            value={"x": 1, "y": 1, "radiusX": 9, "radiusY": 9, "labels": ["C1"]},
        )
    ),
    Refused("ellipselabels"),
)
add(
    "Label Studio, a region without label",
    studio(**region(value={"points": [[1, 1], [9, 1], [9, 9]]})),
    Refused("has 0 labels"),
)
add(
    "Label Studio, two labels",
    studio(**region(value={"points": [[1, 1], [9, 1], [9, 9]], "polygonlabels": ["C1", "C2"]})),
    Refused("has 2 labels"),
)
add(
    "Label Studio, a choice beside",
    studio(
        annotations=[
            annotation(result=[*results("a0"), {"type": "choices", "value": {"choices": ["good"]}}])
        ]
    ),
)
add(
    "Label Studio, shape and label apart",
    studio(
        annotations=[
            annotation(
                result=[
                    part
                    for r in results("a0")
                    for part in (
                        {**r, "type": "polygon", "value": {"points": r["value"]["points"]}},
                        {
                            "id": r["id"],
                            "type": "labels",
                            "value": {"labels": r["value"]["polygonlabels"]},
                        },
                    )
                ]
            )
        ]
    ),
)
add(
    "Label Studio, another size", studio(**region(original_width=99)), Refused("its labels are for")
)
add(
    "Label Studio, another size as fractions",
    studio(**region(original_width=99.0)),
    Refused("its labels are for 99x64"),
)
add(
    "Label Studio, two sizes in a task",
    studio(
        annotations=[
            annotation(result=[{**results("a0")[0], "original_width": 99}, *results("a0")])
        ]
    ),
    Refused("for films of 64x64 and of 99x64 px"),
)
add(
    "Label Studio, a film turned there",
    studio(**region(image_rotation=90)),
    Refused("was turned by 90 degrees"),
)
add("Label Studio, a film not turned", studio(**region(image_rotation=0)), Taken(one_level))
add(
    "Label Studio, damaged results",
    studio(annotations=[annotation(result=5)]),
    Refused("list of results"),
)
add("Label Studio, damaged annotations", studio(annotations=5), Refused("no list of annotations"))
add(
    "Label Studio's JSON-MIN",
    lambda f: (
        films_only(f),
        put(
            f / "m.json",
            json.dumps(
                [
                    {
                        "id": n,
                        "image": f"/data/upload/1/abcd1234-{s}.jpg",
                        "annotation_id": n,
                        "updated_at": "2026",
                        "label": [
                            {**r["value"], "original_width": 64, "original_height": 64}
                            for r in results(s)
                        ],
                    }
                    for n, s in enumerate(STEMS)
                ]
            ),
        ),
    ),
)
