"""What a person does with a review, step by step."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from spineseg.review.choice import Choice

PATTERN = "data.patient_pattern: '^(p-[0-9a-f]{16})_'"
"""Tells patients by the names of copies whose films were told by DICOM identifiers."""
_TEXT = """{summary}

Labels to look at, and how to mend them
=======================================

sheets/doubtful-*.html  the doubtful films, worst first; open them in a browser
sheets/sound-*.html     a sample of the others
films.csv               the films here: name, source, part, findings
images/                 copies of the films
tasks.json              the films and their present outlines, for Label Studio
label-config.xml        the 24 levels in their colours, for Label Studio

1. Install Label Studio in an environment of its own:

       python3 -m venv label-studio
       label-studio/bin/pip install label-studio

2. Start it with leave to show the films of this folder. As written here it answers this machine
   alone and reports nothing to its makers; without these two words it does otherwise. It asks for
   an e-mail address and a password: any will do, they stay here.

       COLLECT_ANALYTICS=false \\
       LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true \\
       LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={folder} \\
       label-studio/bin/label-studio start --internal-host 127.0.0.1

3. Create a project. Under Labeling Setup choose Custom template, then Code, and paste the whole of
   label-config.xml.

4. Settings, Cloud Storage, Add Source Storage, Local files, with the absolute local path

       {images}

   and Save. Do not sync: the tasks come from tasks.json. Without this step no film is shown.

5. Import tasks.json. The score of a prediction orders the films: 0 is the most doubtful, 1 sound.

6. Settings, Annotation: "Use predictions to prelabel tasks" is to be on, with "present labels", as
   it is after an import. Each task then opens with its present outlines.

7. Open each task, mend levels and points, and Submit. Submit the films that are right, too: only
   those that were submitted are in the export.

8. Export, format JSON, and put the file here in the place of tasks.json, under that name: with
   both there each film would have two tasks, which is refused.

9. Name this folder as a source in the study's config, with the data.patient_pattern that was there:

       data:
         sources:
           - {{kind: local, path: {path}}}

{sources}
   `spineseg data CONFIG` then merges, splits and audits anew; the data get another fingerprint, and
   a study on them another name.
"""
_WHOLE = """\
   All {films} films of the dataset are here: it takes the place of all former sources.
"""
_PART = """\
   Only {films} of the dataset's {all_films} films are here. Take just these (films.csv)
   and their labels out of their former source, and name this folder beside it: else they are there
   twice, with two sets of labels.
{related}   A review of every film takes the place of all sources: `--sound {all_films}`.
"""
_RELATED = """\
   {films} films of the same patients are not here. Patients are told within one source:
   in two sources a patient counts as two, and can lie in two parts. With several films a patient,
   review every film.
"""


_RENAMED = """   DICOM identifiers told the patients. Copies have none; their names say it now, by

       {pattern}

"""


def readme_text(choice: Choice, summary: str, folder: Path, renamed: bool) -> str:
    """Return the README of a review in `folder`, an absolute path.

    `renamed`: whether copies were given names that say whose they are.
    """
    films = len(choice.films)
    related = _RELATED.format(films=choice.related) if choice.related else ""
    sources = (
        _WHOLE.format(films=films)
        if choice.whole
        else _PART.format(films=films, all_films=choice.all_films, related=related)
    )
    return _TEXT.format(
        summary=summary,
        folder=shlex.quote(str(folder)),
        path=json.dumps(str(folder), ensure_ascii=False),
        images=folder / "images",
        sources=sources + (_RENAMED.format(pattern=PATTERN) if renamed else ""),
    )
