"""Tells the kinds of picture that are read by their first bytes, and explains other files to users.

The name of a file tells nothing: cameras, messengers and data sets write one kind under the suffix
of another. Suffixes only choose files from a folder.
"""

import re
from pathlib import Path

RAW_SUFFIXES = frozenset(
    ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf "
    ".rw2 .rwl .sr2 .srf .srw .x3f".split()
)
# Kinds of picture that are not read. Those in a folder are reported, not passed over silently.
UNREAD_SUFFIXES = RAW_SUFFIXES | frozenset(
    ".exr .hdr .icns .ico .j2c .j2k .jp2 .jpc .jpf .jpx .jxl .jxr .pam "
    ".pcx .pfm .psb .psd .qoi .svg .tga .wdp .xcf".split()
)

EXPORT_AS_JPEG = "Export it as JPEG."
EXPORT_AS_PNG = "Export it as PNG."
_AS_JPEG = (
    ("HEIF without HEVC", rb"....ftyp(mif|msf)"),
    ("AVCI (HEIF with H.264)", rb"....ftypavc"),
    ("JPEG XL", rb"\xff\x0a|\0\0\0\x0cJXL "),
    ("JPEG 2000", rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"),
    ("JPEG XR", rb"II\xbc[\x00\x01]"),
    ("a camera's raw file (CR3)", rb"....ftypcrx "),
    ("a camera's raw file (RAF)", rb"FUJIFILM"),
    ("a camera's raw file (ORF)", rb"II(RO|RS)|MMOR"),
    ("a camera's raw file (RW2)", rb"IIU\0"),
    ("a camera's raw file (X3F)", rb"FOVb"),
    ("Photoshop's own format", rb"8BPS"),
    ("GIMP's own format", rb"gimp xcf"),
    ("OpenEXR", rb"v/1\x01"),
    ("Radiance HDR", rb"#\?R"),
    ("DICOM", rb".{128}DICM"),
    ("QOI", rb"qoif"),
    ("PAM", rb"P7\s"),
    ("PFM", rb"P[fF]\s"),
    ("BPG", rb"BPG\xfb"),
    ("FITS", rb"SIMPLE  ="),
)
_AS_PNG = (
    ("an icon", rb"\0\0\x01\0|icns"),
    ("a PDF", rb"%PDF"),
    ("SVG, a drawing", rb"\s*(<\?xml.{,2000})?<svg"),
)
_OTHERS = (
    (rb"....ftyp|....(moov|mdat|wide)|RIFF....AVI |\x1aE\xdf\xa3", "is a video. Use --video."),
    (
        rb"\s*(<!--.{,500}-->\s*)?<(!doctype html|html|head|body)",
        "is a web page, not a picture. The download has failed; fetch it again.",
    ),
    (
        rb"version https://git-lfs",
        "is a pointer of Git LFS, not the picture. Run git lfs pull in its repository.",
    ),
    (
        rb"/annex/objects/",
        "is a pointer of git-annex, not the picture. Run git annex get on it.",
    ),
    (
        rb"\x00\x05\x16[\x00\x07]",
        "is what macOS notes on another file, not a picture. Leave it out.",
    ),
    (
        rb"\xd0\xcf\x11\xe0",
        "is a Windows or Office container such as Thumbs.db, not a picture. Leave it out.",
    ),
    (rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!", "is an archive. Unpack it first."),
    (rb"\0{64}", "begins with nothing but zeros: it was not written in full. Copy it again."),
    (rb"[\t\n\r\x20-\x7e]+\Z", "is text, not a picture."),
)


_PICTURES = rb"\xff\xd8\xff|\x89PNG|BM|GIF8|II\*\0|MM\0\*|RIFF....WEBP|....ftypavif|P[1-6]\s"


def is_picture(content: bytes) -> bool:
    """Tells whether `content` begins as a kind of picture that is read."""
    return _begins(content, _PICTURES)


def explain_unread(content: bytes, path: Path) -> str:
    """Says why a file of another kind is not read, and what to do.

    Args:
        content: The beginning of the file.
        path: The name of the file.

    Returns:
        The rest of a sentence that begins with the name of the file.

    >>> explain_unread(b"%PDF-1.7", Path("scan.png"))
    'is a PDF, which is not read here. Export it as PNG.'
    """
    if is_raw_file(content, path):
        return f"is a camera's raw file, which is not read here. {EXPORT_AS_JPEG}"
    for kinds, way_out in ((_AS_JPEG, EXPORT_AS_JPEG), (_AS_PNG, EXPORT_AS_PNG)):
        for name, begins in kinds:
            if _begins(content, begins):
                return f"is {name}, which is not read here. {way_out}"
    for begins, why in _OTHERS:
        if _begins(content, begins):
            return why
    if path.suffix.lower() in UNREAD_SUFFIXES:  # some kinds have no mark of their own
        kind = path.suffix[1:].upper()
        return f"is {kind}, or damaged; that kind is not read here. {EXPORT_AS_PNG}"
    return "is damaged or not a picture."


def is_raw_file(content: bytes, path: Path) -> bool:
    """Tells whether a file that begins as a TIFF is the raw file of a camera. Most raw files have
    the form of a TIFF, and a decoder would give the thumbnail in them."""
    if not content.startswith((b"II*\0", b"MM\0*")):
        return False
    return content[8:10] == b"CR" or path.suffix.lower() in RAW_SUFFIXES


def _begins(content: bytes, pattern: bytes) -> bool:
    return re.match(pattern, content[:4096], re.DOTALL | re.IGNORECASE) is not None
