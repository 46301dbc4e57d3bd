"""Tells whether an error means that memory ran out, and words it in one line."""

import errno

# The words of libraries that get no memory: the C library's loader, C++, the system.
NO_MEMORY_WORDS = (
    "failed to map segment",
    "bad_alloc",
    "annot allocate memory",
    "ailed to allocate",
)


def lacks_memory(error: BaseException) -> bool:
    """Tells whether an operation failed because memory ran out.

    >>> lacks_memory(OSError(errno.ENOMEM, "")), lacks_memory(RuntimeError("std::bad_alloc"))
    (True, True)
    """
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return any(words in str(error) for words in NO_MEMORY_WORDS)


def has_room(size_bytes: int) -> bool:
    """Tells whether this much address space is left. `ulimit -v` and containers may limit it."""
    import mmap  # here, because `--help` needs none

    try:
        mmap.mmap(-1, size_bytes).close()
    except (OSError, ValueError, OverflowError):
        return False
    return True


def format_memory_line(what: str) -> str:
    """Words the lack of memory in one line. `what` continues "There is too little memory here", as
    "to open a.onnx" does."""
    return (
        f"There is too little memory here {what}. Close other programs, or raise the limit of this "
        "one (ulimit -v, or the container's)."
    )
