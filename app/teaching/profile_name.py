"""Names the files of profiles. Nothing here needs a package, because options are read first."""

from app.errors import ProfileError

PROFILE_SUFFIX = ".profile"
MAX_NAME_LETTERS = 64


def check_profile_name(name: str) -> str:
    """Returns the name of a profile without its suffix.

    Raises:
        ProfileError: The name cannot be that of a file in a folder.

    >>> check_profile_name("ann"), check_profile_name("ann.profile")
    ('ann', 'ann')
    """
    name = name.removesuffix(PROFILE_SUFFIX)
    if "/" in name or "\\" in name:
        raise ProfileError(
            f"{name!r} is a path, not a name. Give a name such as ann; --record-dir DIR chooses "
            "the folder."
        )
    if not name.strip() or name.startswith((".", "-")) or not name.isprintable():
        raise ProfileError(f"{name!r} is no name for a profile. Give a name such as ann.")
    if len(name) > MAX_NAME_LETTERS:
        raise ProfileError(f"A profile's name has at most {MAX_NAME_LETTERS} letters.")
    return name
