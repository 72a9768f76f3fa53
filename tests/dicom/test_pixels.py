"""From stored values to the 8-bit scale: windows, polarity, padding, depths, syntaxes, pictures."""

from __future__ import annotations

import pickle

import cv2
import numpy as np
import pytest
from pydicom import Dataset, dcmread, uid
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

from bactools.dicom import ImageFailure, decode, read_image
from bactools.dicom.codestream import Stated, stated
from bactools.dicom.privacy import PrivatePath
from bactools.dicom.robust import robust_limits
from bactools.testing import LOSSLESS, breast_pixels, write_mammogram


def lut(entries: int = 4096, first: int = 0, bits: int = 12) -> list[Dataset]:
    """A curved table."""
    item = Dataset()
    item.LUTDescriptor = [entries, first, bits]
    item.LUTData = np.round((2**bits - 1) * np.linspace(0, 1, entries) ** 0.7).astype("<u2").tobytes()
    return [item]


def expected(path, bits: int = 12) -> np.ndarray:
    """Return what pydicom makes of the pixels themselves, not of a table, scaled to 0 … 255."""
    dataset = dcmread(path)
    shown = apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset, index=0)
    top = dataset.VOILUTSequence[0].LUTDescriptor[2] if "VOILUTSequence" in dataset else bits
    offset = 2 ** (bits - 1) if dataset.PixelRepresentation and "VOILUTSequence" not in dataset else 0
    shown = (np.asarray(shown, dtype=float) + offset) / (2**top - 1) * 255
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        shown = 255 - shown
    return np.floor(np.round(shown, 6) + 0.5).astype(np.uint8)


WINDOWS = [
    ({"window": (2000, 1500)}, "window"),
    ({"window": (2000, 1500), "VOILUTFunction": "LINEAR"}, "window"),
    ({"window": (2000, 1500), "VOILUTFunction": "LINEAR_EXACT"}, "window"),
    ({"window": (2000, 1500), "VOILUTFunction": "SIGMOID"}, "window"),
    ({"window": (2000.5, 1)}, "window"),
    ({"WindowCenter": [1800, 900], "WindowWidth": [2400, 100]}, "window"),
    ({"VOILUTSequence": lut()}, "voi_lut"),
    ({"VOILUTSequence": lut(2000, 800, 16) + lut(), "window": (5, 5)}, "voi_lut"),
]


@pytest.mark.parametrize(("header", "scaling"), WINDOWS)
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_window_as_pydicom_applies_it(tmp_path, header, scaling, photometric):
    path = write_mammogram(tmp_path / "a.dcm", photometric=photometric, **header)
    image = read_image(path)
    assert image.attrs["scaling"] == scaling
    np.testing.assert_array_equal(image.values, expected(path))
    assert len(np.unique(image)) > 1


def test_a_table_of_numbers_equals_a_table_of_bytes(tmp_path):
    packed = read_image(write_mammogram(tmp_path / "a.dcm", VOILUTSequence=lut()))
    numbers = lut()
    numbers[0].add_new("LUTData", "US", np.frombuffer(numbers[0].LUTData, dtype="<u2").tolist())
    listed = read_image(write_mammogram(tmp_path / "b.dcm", VOILUTSequence=numbers))
    np.testing.assert_array_equal(packed.values, listed.values)


def test_eight_bit_table_of_many_entries(tmp_path):
    """Where pydicom 3.0's own lookup wraps round."""
    item = Dataset()
    item.LUTDescriptor = [4096, 0, 8]
    item.LUTData = np.arange(4096, dtype="<u2").__floordiv__(16).astype("<u2").tobytes()
    path = write_mammogram(tmp_path / "a.dcm", VOILUTSequence=[item])
    np.testing.assert_array_equal(read_image(path).values, breast_pixels() // 16)


def test_window_on_signed_values(tmp_path):
    pixels = (breast_pixels((60, 50)).astype(np.int32) - 2048).astype(np.int16)
    path = write_mammogram(tmp_path / "a.dcm", pixels=pixels, window=(100, 3000))
    np.testing.assert_array_equal(read_image(path).values, expected(path))


def test_rescale_comes_before_the_window(tmp_path):
    plain = write_mammogram(tmp_path / "a.dcm", window=(2000, 1500))
    # LINEAR is centred half a value low and one value short: 2 (2000 - 0.5) + 101 + 0.5, 2 (1500 - 1) + 1
    rescaled = write_mammogram(
        tmp_path / "b.dcm", window=(4100.5, 2999), RescaleSlope="2", RescaleIntercept="101"
    )
    np.testing.assert_array_equal(read_image(plain).values, read_image(rescaled).values)


def mirrored(header: dict, top: int = 4095) -> dict:
    """The same transformation for values turned round: top - value."""
    turned = dict(header)
    exact = 0 if header.get("VOILUTFunction") in ("LINEAR_EXACT", "SIGMOID") else 1
    if "window" in header:
        turned["window"] = (top - header["window"][0] + exact, header["window"][1])
    if "VOILUTSequence" in header:
        item = Dataset()
        item.LUTDescriptor = [4096, 0, 12]
        table = np.frombuffer(header["VOILUTSequence"][0].LUTData, dtype="<u2")
        item.LUTData = (4095 - table[::-1]).tobytes()
        turned["VOILUTSequence"] = [item]
    return turned


@pytest.mark.parametrize(
    "header",
    [
        {"window": (2000, 1500)},
        {"window": (2001, 255 * 2 + 1)},  # halves everywhere: rounding must not favour one twin
        {"window": (2000, 1530), "VOILUTFunction": "LINEAR_EXACT"},
        {"window": (1900, 1100), "VOILUTFunction": "SIGMOID"},
        {"VOILUTSequence": lut()},
        {},
        {"window": (2000, 0)},
    ],
)
def test_monochrome_twins_are_equal(tmp_path, header):
    """MONOCHROME1 of the inverted values is the same image to the last bit."""
    two = read_image(write_mammogram(tmp_path / "2.dcm", **header))
    one = read_image(write_mammogram(tmp_path / "1.dcm", photometric="MONOCHROME1", **mirrored(header)))
    np.testing.assert_array_equal(one.values, two.values)
    assert two.values[0, -1] < two.values[320, 100]


def test_lossless_syntaxes_are_identical(tmp_path):
    images = [
        read_image(write_mammogram(tmp_path / f"{name}.dcm", syntax=code)) for name, code in LOSSLESS.items()
    ]
    for image in images[1:]:
        np.testing.assert_array_equal(image.values, images[0].values)
    assert len(images) == 9


@pytest.mark.parametrize("bits", [10, 11, 12, 14, 16])
def test_depths_show_the_same_picture(tmp_path, bits):
    deep = breast_pixels((200, 160), bits=16)
    for syntax in ("explicit", "jpeg_ls", "jpeg_2000", "rle"):
        path = write_mammogram(
            tmp_path / f"{syntax}.dcm", pixels=deep >> (16 - bits), bits_stored=bits, syntax=LOSSLESS[syntax]
        )
        image = read_image(path)
        assert image.attrs["bits_stored"] == bits
        difference = image.values.astype(int) - read_image_of(tmp_path, deep).astype(int)
        assert np.abs(difference).max() <= 1


def read_image_of(folder, pixels) -> np.ndarray:
    return read_image(write_mammogram(folder / "deep.dcm", pixels=pixels, bits_stored=16)).values


def test_sixteen_bits_declared_over_twelve_bit_data(tmp_path):
    honest = write_mammogram(tmp_path / "a.dcm")
    lying = write_mammogram(tmp_path / "b.dcm", pixels=breast_pixels(), bits_stored=16)
    np.testing.assert_array_equal(read_image(honest).values, read_image(lying).values)


def test_bits_above_the_stored_ones_are_not_image(tmp_path):
    pixels = breast_pixels((60, 50))
    clean = read_image(write_mammogram(tmp_path / "a.dcm", pixels=pixels))
    overlaid = read_image(write_mammogram(tmp_path / "b.dcm", pixels=pixels | np.uint16(0x5000)))
    shifted = read_image(write_mammogram(tmp_path / "c.dcm", pixels=pixels << 4, HighBit=15))
    np.testing.assert_array_equal(overlaid.values, clean.values)
    np.testing.assert_array_equal(shifted.values, clean.values)


def test_eight_bit_dicom(tmp_path):
    pixels = breast_pixels((61, 51), bits=8).astype(np.uint8)
    path = write_mammogram(tmp_path / "a.dcm", pixels=pixels, bits_stored=8, window=(128, 256))
    np.testing.assert_array_equal(read_image(path).values, pixels)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("header", [{"window": (2000, 1500)}, {}])
@pytest.mark.parametrize("value", [0, 4095])
def test_padding_is_black(tmp_path, photometric, header, value):
    """Also where the padding value is the greatest, as in some MONOCHROME1 files."""
    pixels = np.clip(breast_pixels((200, 160)), 60, 4000)
    pixels = 4095 - pixels if photometric == "MONOCHROME1" else pixels
    reference = read_image(
        write_mammogram(tmp_path / "a.dcm", pixels=pixels, photometric=photometric, **header)
    )
    padded = pixels.copy()
    padded[:20] = value
    path = write_mammogram(
        tmp_path / "b.dcm", pixels=padded, photometric=photometric, PixelPaddingValue=value, **header
    )
    image = read_image(path)
    assert (image.values[:20] == 0).all()
    assert image.attrs["padding_pixels"] == 20 * 160
    # without a window the scale is found on what is left, so the last grey level may differ
    difference = np.abs(image.values[20:].astype(int) - reference.values[20:])
    assert difference.max() <= (0 if header else 1)


def test_padding_range_and_signed_padding(tmp_path):
    pixels = breast_pixels((60, 50)).astype(np.int16) - 2048
    path = write_mammogram(
        tmp_path / "a.dcm",
        pixels=pixels,
        window=(0, 4096),
        PixelPaddingValue=-2048,
        PixelPaddingRangeLimit=-2000,
    )
    image = read_image(path)
    assert image.attrs["padding_pixels"] == np.count_nonzero(pixels <= -2000)
    assert (image.values[pixels <= -2000] == 0).all()


@pytest.mark.parametrize(
    "bad", [{"window": (100, -5)}, {"window": (100, 0)}, {"window": (9, 9), "VOILUTFunction": "CUBIC"}]
)
def test_an_impossible_window_is_no_window(tmp_path, bad):
    image = read_image(write_mammogram(tmp_path / "a.dcm", **bad))
    np.testing.assert_array_equal(image.values, read_image(write_mammogram(tmp_path / "b.dcm")).values)
    assert image.attrs["scaling"] == "robust"


def test_robust_scaling_ignores_film_border_and_label(tmp_path):
    breast = np.maximum(breast_pixels((640, 512)), 0) // 2 + 200
    film = breast.copy()
    film[:12] = 4095  # a border
    film[300:330, 420:460] = 4095  # a label
    assert robust_limits(film) == robust_limits(breast)
    low, high = robust_limits(breast)
    assert low == 200
    body = breast[breast > 900]
    assert np.percentile(body, 99) < high <= body.max()


def test_robust_scaling_without_background_starts_at_the_least_value():
    random = np.random.default_rng(0)
    tissue = random.normal(2000, 300, (400, 400)).astype(np.uint16)
    low, high = robust_limits(tissue)
    assert low < np.percentile(tissue, 0.1)
    assert high == pytest.approx(np.percentile(tissue, 99.9), rel=0.02)


def test_a_constant_image_is_black(tmp_path):
    path = write_mammogram(tmp_path / "a.dcm", pixels=np.full((40, 30), 7, dtype=np.uint16))
    assert not read_image(path).values.any()


def test_what_a_dicom_image_carries(tmp_path):
    path = write_mammogram(
        tmp_path / "a.dcm", window=(2000, 1500), EstimatedRadiographicMagnificationFactor="1.05"
    )
    image = read_image(PrivatePath(path))
    assert (image.dims, image.dtype, image.shape) == (("y", "x"), np.uint8, (640, 512))
    assert image.attrs["spacing_detector_mm"] == pytest.approx(0.07)
    assert image.attrs["spacing_corrected_mm"] == pytest.approx(0.07 / 1.05)
    assert image.attrs["window_center"] == 2000
    assert image.attrs["window_function"] == "LINEAR"
    container = read_image(path, scaling="container")
    np.testing.assert_array_equal(container.values, image.values)


def test_unknown_scaling_lists_the_choices(tmp_path):
    with pytest.raises(ValueError, match="presentation or container"):
        read_image(tmp_path / "a.dcm", scaling="odd")


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_pictures_as_opencv_reads_them(tmp_path, suffix):
    deep = breast_pixels((70, 60), bits=16)
    flat = breast_pixels((70, 60), bits=8).astype(np.uint8)
    for name, pixels in (("deep", deep), ("flat", flat), ("grey_rgb", np.dstack([flat] * 3))):
        path = tmp_path / f"{name}.{suffix}"
        cv2.imwrite(str(path), pixels)
        shown = read_image(path, scaling="container")
        np.testing.assert_array_equal(shown.values, cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
        assert shown.attrs["scaling"] == ("container" if name == "deep" else "none8")
    assert read_image(tmp_path / f"flat.{suffix}").attrs["scaling"] == "none8"
    robust = read_image(tmp_path / f"deep.{suffix}")
    assert robust.attrs["scaling"] == "robust"
    assert np.isnan(robust.attrs["spacing_detector_mm"])


def test_a_picture_equals_the_same_values_in_dicom(tmp_path):
    deep = breast_pixels((300, 200), bits=16)
    cv2.imwrite(str(tmp_path / "a.png"), deep)
    dicom = write_mammogram(tmp_path / "a.dcm", pixels=deep, bits_stored=16)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").values, read_image(dicom).values)


def test_colour_pictures_are_refused(tmp_path):
    colour = np.random.default_rng(0).integers(0, 255, (20, 20, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), colour)
    with pytest.raises(ImageFailure) as failure:
        read_image(tmp_path / "a.png")
    assert failure.value.code == "unsupported"


@pytest.mark.parametrize("name", ["jpeg_ls", "jpeg_2000", "jpeg_lossless", "jpeg_lossless_sv1"])
def test_a_codestream_states_its_size(tmp_path, name):
    content = write_mammogram(
        tmp_path / "a.dcm", pixels=breast_pixels((70, 60)), syntax=LOSSLESS[name]
    ).read_bytes()
    start = content.rindex(b"\xff\x4f\xff\x51" if name == "jpeg_2000" else b"\xff\xd8\xff")
    found = stated(content[start:])
    assert found is not None
    assert (found.rows, found.columns, found.components) == (70, 60, 1)
    assert found.bits in (12, 16)
    assert stated(b"no image at all") is None
    assert isinstance(found, Stated)


def test_fallback_to_the_next_decoder(tmp_path, monkeypatch):
    path = write_mammogram(tmp_path / "a.dcm", syntax=LOSSLESS["jpeg_2000"])
    first = read_image(path).values
    tried = []
    original = decode._try_decoder

    def failing(source, syntax, plugin):
        tried.append(plugin)
        if len(tried) == 1:
            raise ImageFailure("decode", "planted")
        return original(source, syntax, plugin)

    monkeypatch.setattr(decode, "_try_decoder", failing)
    np.testing.assert_array_equal(read_image(path).values, first)
    assert tried == ["pylibjpeg", "pillow"]


def test_a_missing_codec_names_its_package(tmp_path, monkeypatch):
    path = write_mammogram(tmp_path / "a.dcm", syntax=LOSSLESS["jpeg_ls"])
    monkeypatch.setitem(decode._PREFERRED, str(uid.JPEGLSLossless), ())
    monkeypatch.setitem(decode._PREFERRED, str(uid.JPEGLSLossless), ("pylibjpeg",))
    with pytest.raises(ImageFailure, match="pip install pylibjpeg") as failure:
        read_image(path)
    assert failure.value.code == "missing_codec"


def test_a_failure_survives_pickling():
    failure = pickle.loads(pickle.dumps(ImageFailure("decode", "broken")))
    assert (failure.code, failure.message, str(failure)) == ("decode", "broken", "decode: broken")
