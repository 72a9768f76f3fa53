"""Who is meant, as a person writes it: a link of the dashboard, or the name of a saved cohort."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from bactools.explore.cohort import Cohort, CohortError
from bactools.explore.source import Source

_LONGEST = 30_000


def read_cohort(source: Source, text: str) -> Cohort:
    """Return the cohort that a text means.

    Parameters
    ----------
    source : Source
        The study.
    text : str
        A link of the dashboard; or what follows its question mark, such as ``r.age=60~&c.ckd=yes``; or the
        name of a saved cohort, such as ``older-ckd``, with ``@2`` for its second version.

    Raises
    ------
    CohortError
        If it cannot be read, names something unknown, or is a query that cannot be answered.
    """
    text = text.strip()
    if not text or len(text) > _LONGEST:
        raise CohortError("cohort: give a link of the dashboard, or the name of a saved cohort")
    if "=" not in text:
        return Cohort.from_query({"cohort": text}, source.cube, source.study)
    query = dict(parse_qsl(urlsplit(text).query if "?" in text else text, keep_blank_values=True))
    found = Cohort.from_query(query, source.cube, source.study)
    if query.get("study", source.name) != source.name:
        raise CohortError(
            f"cohort: the link is of the study {query['study'][:64]!r}, this is {source.name!r}; if it is"
            " the same, leave study= out"
        )
    if found == Cohort() and "study" not in query:
        raise CohortError(
            f"cohort {text[:64]!r}: no condition is in it; write some as r.age=60~75, c.ckd=yes,"
            " dates=2012-01-01~2016-12-31, views=LCC~RCC, exams=5, cohort=NAME or sql=SELECT…, with & between"
        )
    source.part(found, "status")
    return found
