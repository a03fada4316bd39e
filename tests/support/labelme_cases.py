"""Unusual labelme and foreign exports, each with the end it must have."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from good_ends import Refused, Taken
from laid_out import films, films_only, labelme, picture, put, rows, task
from yolo_cases import Cases, bare, move, remove, then, write

CASES = Cases(parts=False)
add = CASES.add
STEMS = tuple(films())


# labelme
def labelled(image: str = "{stem}.jpg", file: str = "{stem}.json", **change: object) -> Callable:
    """Lay films out with labelme's files; `change` is of the first film's."""

    def make(folder: Path) -> None:
        films_only(folder, image)
        for stem in STEMS:
            more = change if stem == "a0" else {}
            part = films()[stem][0]
            put(folder / file.format(stem=stem, part=part), labelme(stem, **more))

    return make


def shape(**change: object) -> list[dict[str, object]]:
    return [{"label": "C1", "points": [[1, 1], [9, 1], [9, 9]], "shape_type": "polygon", **change}]


add("labelme", labelled())
add("labelme in images", labelled("images/{stem}.jpg", "images/{stem}.json"))
add("labelme, its files apart", labelled("images/{stem}.jpg", "labels/{stem}.json"))
add("labelme, a folder a part", labelled("{part}/{stem}.jpg", "{part}/{stem}.json"), parts=True)
add(
    "labelme by imagePath",
    then(
        labelled("images/{stem}.jpg", "json/{stem}.json"),
        *(move(f"json/{s}.json", f"json/x{s}.json") for s in STEMS),
    ),
)
add("labelme of Windows", labelled(imagePath="..\\films\\a0.jpg"))
add("labelme of another film", labelled(imagePath="other.jpg"), Refused("says that its film is"))
add("labelme of another size", labelled(imageWidth=99), Refused("for a film of 99x64 px"))
add("labelme without sizes", labelled(imageWidth=None), Refused("export it again"))
add("labelme without a shape", labelled(shapes=[]), Taken(bare("a0")))
add("labelme's line", labelled(shapes=shape(shape_type="line")), Refused("is a line"))
add("labelme's mask", labelled(shapes=shape(shape_type="mask")), Refused("is a mask"))
add("labelme's circle", labelled(shapes=shape(shape_type="circle")), Refused("is a circle"))
add("labelme's two points", labelled(shapes=shape(points=[[1, 1], [9, 9]])), Refused("2 points"))
add(
    "labelme's rectangle",
    labelled(shapes=shape(shape_type="rectangle", points=[[1, 1], [9, 9]])),
    Refused("is a box"),
)
add("labelme's text for points", labelled(shapes=shape(points="x")), Refused("mend or remove it"))
add("labelme's shapes are a number", labelled(shapes=5), Refused("export it again"))
add("labelme's other class", labelled(shapes=shape(label="sacrum")), Refused("sacrum"))
add("labelme cut short", then(labelled(), write("a1.json", labelme("a1")[:50])), Refused("as JSON"))
add(
    "labelme without its image",
    then(labelled(imageData="abc"), remove("a0.jpg")),
    Refused("kept it in the JSON file alone"),
)
add("labelme with one unlabelled", then(labelled(), remove("a0.json")), Taken(bare("a0")))
add(
    "labelme with most unlabelled",
    then(labelled(), remove(*(f"{s}.json" for s in STEMS[:4]))),
    Refused("4 of 6 films have no labels"),
)
add(
    "labelme twice",
    then(labelled(), write("a0.jpg.json", labelme("a1"))),
    Refused("two label files"),
)


# What is not read, and how it becomes what is
def foreign(name: str, content: str | bytes) -> Callable[[Path], object]:
    return then(films_only, write(name, content))


VOC = "<annotation><object><name>C1</name></object></annotation>"
add("Pascal VOC", foreign("annotations/a0.xml", VOC), Refused("Pascal VOC"))
add("Pascal VOC beside", foreign("images/a0.xml", VOC), Refused("Pascal VOC"))
add("CVAT's XML", foreign("annotations.xml", "<?xml?>\n<annotations><image/>"), Refused("CVAT"))
add("masks", foreign("masks/a0.png", picture("a0", ".png")), Refused("mask"))
add("masks in labels", foreign("labels/a0.png", picture("a0", ".png")), Refused("mask"))
add("masks beside", foreign("images/a0_mask.png", picture("a0", ".png")), Refused("mask"))
add(
    "VIA",
    foreign("via.json", json.dumps({"a0.jpg9": {"filename": "a0.jpg", "regions": []}})),
    Refused("VIA"),
)
add("VIA's project", foreign("via.json", json.dumps({"_via_img_metadata": {}})), Refused("VIA"))
add(
    "Supervisely",
    then(
        foreign("meta.json", json.dumps({"classes": [], "tags": []})),
        write("ds/ann/a0.jpg.json", json.dumps({"objects": [], "size": {}})),
    ),
    Refused("Supervisely"),
)
add(
    "Supervisely without its meta",
    foreign("ds/ann/a0.jpg.json", json.dumps({"objects": [], "size": {}})),
    Refused("Supervisely"),
)
add(
    "two kinds of labels",
    then(labelled(), write("tasks.json", json.dumps([task("a0")]))),
    Refused("labels of two kinds"),
)
add(
    "labels without class names",
    then(films_only, *(write(f"labels/{s}.txt", rows(s)) for s in STEMS)),
    Refused("class names are not found"),
)
add(
    "films alone",
    films_only,
    Refused("holds 6 pictures and no labels; outline the vertebrae, as in Label Studio"),
)
add(
    "very many JSON files of no film",
    lambda f: (films_only(f), [put(f / "json" / f"{n}.json", "{}") for n in range(201)]),
    Refused("named as no film"),
)
add(
    "labelme, a part without its files",
    then(
        labelled("{part}/{stem}.jpg", "{part}/{stem}.json"),
        remove("valid/b0.json", "valid/b1.json"),
    ),
    Refused("holds films of the part valid, and no file of labelme names one"),
)
add("labelme in a folder of its own", labelled("images/{stem}.jpg", "json/{stem}.json"))
