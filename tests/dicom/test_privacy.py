"""Nobody's name, number, birthday or path gets out; keys and linkage files are the owner's alone."""

from __future__ import annotations

import hashlib
import hmac
import pickle
import stat
import traceback

import pandas as pd
import pytest

from bactools.conventions import is_subject
from bactools.dicom import ImageFailure, index_folder, read_image
from bactools.dicom.privacy import PrivatePath, Pseudonymiser, load_key, write_linkage
from bactools.testing import write_mammogram

from .conftest import KEY, TINY

PLANTED = {
    "patient_id": "MRN4711",
    "patient_name": "Mustermann^Erika",
    "PatientBirthDate": "19561117",
    "AccessionNumber": "ACC0815",
    "InstitutionName": "St-Elsewhere",
    "SOPInstanceUID": "1.2.999.5555",
    "StudyInstanceUID": "1.2.999.4444",
    "Manufacturer": "Mustermann Devices",
    "PhotometricInterpretation": "ERIKA",
    "SeriesDescription": "Erika 1956",
    "ViewPosition": "ELSEWHERE",
    "Modality": "MRN4711",
}
WORDS = (
    "MRN4711",
    "Mustermann",
    "Erika",
    "ERIKA",
    "19561117",
    "1956-11-17",
    "ACC0815",
    "Elsewhere",
    "ELSEWHERE",
)
WORDS += ("1.2.999", "private_folder", "Wanda")


def clean(text: str) -> bool:
    return not any(word in text for word in WORDS)


def failure_of(path) -> ImageFailure | None:
    try:
        read_image(path)
    except ImageFailure as failure:
        return failure
    return None


def planted_folder(tmp_path):
    folder = tmp_path / "private_folder" / "Wanda"
    folder.mkdir(parents=True)
    good = {key: PLANTED[key] for key in list(PLANTED)[:8]}
    write_mammogram(folder / "good.dcm", pixels=TINY, **good)
    for number, key in enumerate(list(PLANTED)[8:]):
        header = {**good, "SOPInstanceUID": f"1.2.999.{number}", key: PLANTED[key]}
        write_mammogram(folder / f"bad{number}.dcm", pixels=TINY, **header)
    whole = (folder / "good.dcm").read_bytes()
    (folder / "cut_Wanda.dcm").write_bytes(whole[:-9])
    (folder / "broken_Wanda.dcm").write_bytes(whole.replace(b"MG", b"\xff\xff", 1)[:400])
    (folder / "Wanda.png").write_bytes(b"\x89PNG broken")
    (folder / "Wanda.txt").write_text("Mustermann")
    return tmp_path / "private_folder"


def test_planted_values_appear_nowhere(tmp_path, caplog, capfd):
    folder = planted_folder(tmp_path)
    index = index_folder(folder, key=KEY, shift_dates=30)
    assert len(index) == 9
    for text in (index.table.to_csv(), repr(index), index.summary(), index._repr_html_(), repr(index.paths)):
        assert clean(text)
    failures = [failure for path in index.paths.values() if (failure := failure_of(path)) is not None]
    assert len(failures) >= 4
    for failure in failures:
        assert clean("".join(traceback.format_exception(failure)))
        assert clean(repr(failure))
    assert clean(caplog.text)
    assert clean("".join(capfd.readouterr()))


def test_the_linkage_leads_back(tmp_path):
    index = index_folder(planted_folder(tmp_path), key=KEY)
    row = index.linkage.set_index("path").loc[str(tmp_path / "private_folder" / "Wanda" / "good.dcm")]
    assert row.patient_id == "MRN4711"
    assert row.subject == Pseudonymiser(KEY).subject("MRN4711")
    assert index.paths[row.image_id].open_path().name == "good.dcm"


def test_pseudonyms_depend_on_the_key_and_nothing_else():
    one, same, other = Pseudonymiser(KEY), Pseudonymiser(KEY), Pseudonymiser(KEY[::-1])
    assert one.subject("1", "A") == same.subject("1", "A")
    assert one.subject("1", "A") != other.subject("1", "A")
    assert one.subject("1", "A") != one.subject("1", "B")
    assert is_subject(one.subject("1"))
    assert len(one.subject("1")) == 13
    assert one.image_id("x") != one.fingerprint(b"x")
    assert len(one.image_id("x")) == len(one.fingerprint(b"x")) == 16


def test_subject_is_the_stated_hmac():
    import base64

    digest = hmac.new(KEY, b"ISSUER|4711", hashlib.sha256).digest()
    assert Pseudonymiser(KEY).subject("4711", "ISSUER") == "S" + base64.b32encode(digest).decode()[:12]


def test_date_shift_is_never_zero_and_bounded():
    names = Pseudonymiser(KEY)
    shifts = {names.date_shift(f"S{number}", 3) for number in range(300)}
    assert shifts == {-3, -2, -1, 1, 2, 3}
    assert names.date_shift("S1", 0) == 0
    with pytest.raises(ValueError, match="choose 0"):
        names.date_shift("S1", -1)


def test_short_keys_are_refused():
    with pytest.raises(ValueError, match="at least 16"):
        Pseudonymiser(b"short")


def test_shifted_dates_keep_intervals(tmp_path, index_here):
    for number, day in enumerate(("20180101", "20190301", "20200701")):
        for patient in ("A", "B"):
            write_mammogram(
                tmp_path / f"{patient}{number}.dcm", pixels=TINY, patient_id=patient, study_date=day
            )
    plain, shifted = index_here().table, index_here(shift_dates=100)
    moved = (shifted.table.date - plain.date).dt.days
    assert (moved.abs().between(1, 100)).all()
    assert (moved.groupby(plain.subject).nunique() == 1).all()
    pd.testing.assert_series_equal(shifted.linkage.date, plain.date)
    assert shifted.linkage.shift_days.tolist() == moved.tolist()


def test_key_file(tmp_path, monkeypatch):
    place = tmp_path / "new" / "my.key"
    key = load_key(place)
    assert len(key) == 32
    assert load_key(place) == key
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    assert [path.name for path in place.parent.iterdir()] == ["my.key"]

    monkeypatch.setenv("BACTOOLS_KEY", str(place))
    assert load_key() == key
    monkeypatch.delenv("BACTOOLS_KEY")
    monkeypatch.setattr("platformdirs.user_config_dir", lambda name: str(tmp_path / name))
    assert load_key() != key
    assert (tmp_path / "bactools" / "pseudonym.key").is_file()

    place.chmod(0o644)
    with pytest.raises(ValueError, match="chmod 600"):
        load_key(place)
    place.chmod(0o600)
    place.write_text("not a key")
    with pytest.raises(ValueError, match="64 hex digits"):
        load_key(place)


def test_linkage_file_is_private_and_harmless(tmp_path):
    table = pd.DataFrame(
        {"subject": ["S1", "S2"], "patient_id": ["=HYPERLINK(1)", "7"], "shift_days": [-3, 4]}
    )
    path = tmp_path / "linkage.csv"
    path.write_text("old")
    path.chmod(0o644)
    write_linkage(table, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    back = pd.read_csv(path, dtype=str)
    assert back.patient_id.tolist() == ["'=HYPERLINK(1)", "7"]
    assert back.shift_days.tolist() == ["-3", "4"]
    assert [item.name for item in tmp_path.iterdir()] == ["linkage.csv"]


def test_private_path_shows_nothing():
    path = PrivatePath("/secret/file.dcm")
    for text in (repr(path), str(path), f"{path}", repr([path])):
        assert "secret" not in text
    back = pickle.loads(pickle.dumps(path))
    assert back == path
    assert hash(back) == hash(path)
    assert back.open_path().as_posix() == "/secret/file.dcm"
