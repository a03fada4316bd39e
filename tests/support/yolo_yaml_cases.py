"""Unusual data.yaml files, and files of which nothing is made, each with the end it must have."""

from __future__ import annotations

import json
import shutil

from good_ends import Lost, Refused, Taken
from laid_out import STEMS, lay, picture, put, rows
from yolo_cases import ROBOFLOW, Cases, bare, laid, move, remove, then, without, write

from spineseg.levels import CERVICAL

CASES = Cases()
add = CASES.add


# data.yaml
ODD = "{part}_set/pictures/{stem}.jpg", "{part}_set/pictures/{stem}.txt"
add("folders that only data.yaml names", laid(*ODD, train="train_set", val="valid_set/pictures"))
add("parts that are lists of folders", laid(*ODD, train=["train_set/pictures"], val=["valid_set"]))
add(
    "path and parts",
    lambda f: lay(
        f,
        f"ds/{ODD[0]}",
        f"ds/{ODD[1]}",
        keys={"path": "ds", "train": "train_set", "val": "valid_set"},
    ),
)
add("paths of another machine", laid(*ODD, path="/home/me/ds", train="train_set", val="valid_set"))
add(
    "whole paths of another machine",
    laid(*ODD, train="D:\\ds\\train_set\\pictures", val="/ds/valid_set/pictures/"),
)
add(
    "Roboflow's paths",
    lambda f: lay(
        f, keys={"train": "../train/images", "val": "../valid/images", "test": "../test/images"}
    ),
)
add(
    "paths that are nowhere, and known folders",
    lambda f: lay(f, keys={"train": "/gone/a", "val": "/gone/b"}),
)
add(
    "a path that is nowhere",
    laid(*ODD, train="train_set", val="gone"),
    Refused("val: gone is not there"),
)
add("a part that data.yaml does not name", lambda f: lay(f, keys={"train": "train/images"}))
add(
    "only a training part",
    then(
        lambda f: lay(f, keys={"train": "../train/images", "val": "../valid/images"}),
        lambda f: shutil.rmtree(f / "valid"),
    ),
    Taken(without("b0", "b1")),
)
add(
    "one folder for two parts",
    lambda f: lay(f, keys={"train": "train/images", "val": "train/images"}),
    Refused("is in two parts"),
)
add("a part that is a number", lambda f: lay(f, keys={"train": 5}), Refused("must be a path"))
add("data.yml", then(ROBOFLOW, move("data.yaml", "data.yml")))
add("data.yaml itself is named", ROBOFLOW, place="data.yaml")
add(
    "names by text numbers",
    lambda f: lay(f, names={str(i): name for i, name in enumerate(CERVICAL)}),
)
add("names with a gap", lambda f: lay(f, names={0: "C1", 2: "C2"}), Refused("without gaps"))
add(
    "names that look so",
    lambda f: lay(f, names=["С1", "ｃ２", "c–03", "Ϲ4", "C\u200b5", "C6", "C7"]),
)
add("a name in other letters", lambda f: lay(f, names=["Ш1", *CERVICAL[1:]]), Refused("U+0428"))
add(
    "data.yaml and other classes",
    then(ROBOFLOW, write("classes.txt", "T1\nT2")),
    Refused("names other classes"),
)
add("keypoints", lambda f: lay(f, keys={"kpt_shape": [17, 3]}), Refused("keypoints"))
add("an export further down", lambda f: lay(f / "export"), Refused("name"))
add(
    "elsewhere by data.yaml",
    lambda f: (
        lay(f / "far" / "ds", names=None),
        lay(
            f / "here",
            stems="",
            keys={"path": str(f / "far" / "ds"), "train": "train/images", "val": "valid/images"},
        ),
    ),
    place="here",
)
add(
    "a neighbour that Roboflow's path would mean",
    lambda f: (
        lay(f / "here", stems="a0 a1", keys={"train": "../train/images", "val": "../valid/images"}),
        lay(f, stems="b0 b1", names=None),
    ),
    Taken(without("a2", "a3", "b0", "b1")),
    place="here",
)

# What is left out
add(
    "previews",
    then(
        ROBOFLOW, write("preview.png", picture("p")), write("runs/train_batch0.jpg", picture("q"))
    ),
    Taken(told="picture without labels"),
)
add(
    "films beside the parts",
    then(
        ROBOFLOW, write("extra/images/c.jpg", picture("c")), write("extra/labels/c.txt", rows("a0"))
    ),
    Lost("film with labels, in no part"),
)
add(
    "films in images beside its parts",
    then(
        laid("images/{part}/{stem}.jpg", "labels/{part}/{stem}.txt"),
        write("images/c.jpg", picture("c")),
        write("labels/c.txt", rows("a0")),
    ),
    Lost("film with labels, in no part"),
)
add(
    "a HEIC with a label",
    then(ROBOFLOW, move("train/images/a0.jpg", "train/images/a0.heic")),
    Lost("unknown kind (.heic) among the films", without("a0")),
)
add(
    "a GIF among the films",
    then(ROBOFLOW, write("train/images/c.gif", b"GIF89a")),
    Lost("(.gif) among"),
)
add("a file of no kind elsewhere", then(ROBOFLOW, write("weights.bin", b"x")), Taken(told="(.bin)"))
add(
    "only HEIC in a part",
    then(
        ROBOFLOW,
        move("valid/images/b0.jpg", "valid/images/b0.heic"),
        move("valid/images/b1.jpg", "valid/images/b1.heic"),
    ),
    Refused("holds no film"),
)
add(
    "litter",
    then(
        ROBOFLOW,
        *(
            write(name, "x")
            for name in (
                "README.roboflow.txt",
                "train/images/.DS_Store",
                "train/images/Thumbs.db",
                "__MACOSX/train/images/a0.jpg",
                "train/labels/._a0.txt",
                "train/labels.cache",
                "patients.csv",
                "LICENSE",
                "train/images/desktop.ini",
                "train/images/DICOMDIR",
            )
        ),
    ),
)
add(
    "XML beside films without labels",
    then(ROBOFLOW, move("train/labels/a0.txt", "train/images/a0.xml")),
    Lost(".xml file", bare("a0")),
)
add(
    "XML beside films with labels",
    then(ROBOFLOW, write("train/images/a0.xml", "<annotation/>")),
    Taken(told=".xml file"),
)
add(
    "masks beside labels",
    then(ROBOFLOW, write("train/labels/a0.png", picture("a0", ".png"))),
    Taken(told="picture among labels"),
)
add(
    "a COCO file beside labels",
    then(ROBOFLOW, write("train/_annotations.coco.json", json.dumps({}))),
    Lost(".json file"),
)
add(
    "labels of a lost part",
    then(ROBOFLOW, lambda f: shutil.rmtree(f / "valid" / "images")),
    Refused("holds labels and no film"),
)
add(
    "a link into the folder",
    then(ROBOFLOW, lambda f: (f / "again").symlink_to(f / "train")),
    Taken(told="link to a folder that is here"),
)
add(
    "a link out of the folder",
    then(
        lambda f: lay(f / "ds"),
        lambda f: lay(f / "far"),
        lambda f: (f / "ds" / "more").symlink_to(f / "far"),
    ),
    Lost("link to a folder elsewhere"),
    place="ds",
)
add(
    "links round and round",
    then(ROBOFLOW, lambda f: (f / "train" / "images" / "up").symlink_to(f)),
    Taken(told="link to a folder that is here"),
)
add(
    "DICOM by suffix and by mark",
    then(
        ROBOFLOW,
        *(
            then(
                remove(f"train/images/{old}.jpg"),
                write(f"train/images/{new}", bytes(128) + b"DICM"),
                move(f"train/labels/{old}.txt", f"train/labels/{stem}.txt"),
            )
            for old, new, stem in (
                ("a0", "IM0.dcm", "IM0"),
                ("a1", "IM1", "IM1"),
                ("a2", "1.2.840.5", "1.2.840.5"),
            )
        ),
    ),
    Taken(lambda w: w.update({"IM0": w.pop("a0"), "IM1": w.pop("a1"), "1.2.840.5": w.pop("a2")})),
    merge=False,
)
add(
    "a zip",
    lambda f: shutil.make_archive(str(f / "ds"), "zip", lay(f / "x")),
    Refused("unpack it first"),
    place="ds.zip",
)
add("spine.yaml", then(ROBOFLOW, move("data.yaml", "spine.yaml")))
add(
    "links among the films",
    lambda f: (
        lay(f, "all/images/{stem}.jpg", "all/labels/{stem}.txt"),
        [put(f / part / "labels" / f"{s}.txt", rows(s)) for s, part in STEMS.items()],
        [(f / part / "images").mkdir() for part in ("train", "valid")],
        [
            (f / part / "images" / f"{s}.jpg").symlink_to(f / "all" / "images" / f"{s}.jpg")
            for s, part in STEMS.items()
        ],
    ),
    Taken(told="that a link among the films leads to"),
)
add(
    "images that are a link",
    then(
        lambda f: lay(f / "ds", keys={"train": "../train/images", "val": "../valid/images"}),
        move("ds/train/images", "far"),
        lambda f: (f / "ds" / "train" / "images").symlink_to(f / "far"),
    ),
    Refused("is a link to a folder, and these are not followed"),
    place="ds",
)
add(
    "films in a folder of labels",
    then(ROBOFLOW, write("labels/c.jpg", picture("c")), write("labels/c.txt", rows("a0"))),
    Lost("picture among labels"),
)
add("a folder with a zip", write("roboflow.zip", b"PK"), Refused("unpack it first"))
add(
    "classes.txt far below",
    then(
        lambda f: lay(f, "images/{part}/{stem}.jpg", "labels/{part}/{stem}.txt", names=None),
        write("labels/train/classes.txt", "\n".join(CERVICAL)),
    ),
)
add(
    "Label Studio's YOLO",
    then(
        lambda f: lay(f, "images/{stem}.jpg", "labels/{stem}.txt", names=None),
        write("classes.txt", "\n".join(CERVICAL)),
        write("notes.json", json.dumps({"categories": [], "info": {}})),
    ),
    Taken(told=".json file"),
    parts=False,
)
