"""Tells whether an error means that memory ran out, and says so in one line."""

import errno
import mmap

# What libraries say where there is no memory for them: the C library's loader, C++, the system.
NO_MEMORY = ("failed to map segment", "bad_alloc", "annot allocate memory", "ailed to allocate")


def lacks_memory(error: BaseException) -> bool:
    """Tells whether an operation failed for want of memory, and not for what it worked on."""
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    return any(words in str(error) for words in NO_MEMORY)


def has_room(size_bytes: int) -> bool:
    """Tells whether so much address space can be had. Limits (ulimit -v, containers) may end it."""
    try:
        mmap.mmap(-1, size_bytes).close()
    except (OSError, ValueError, OverflowError):
        return False
    return True


def format_memory_line(what: str) -> str:
    """One line on `what`, for which there is too little memory."""
    return (
        f"There is too little memory here {what}. Close other programs, or raise the limit of this "
        "one (ulimit -v, or the container's)."
    )
