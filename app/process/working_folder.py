"""Notices that the folder in which a program was started has been removed since."""

import os

NO_WORKING_FOLDER = (
    "The folder in which this was started does not exist any more. Change to another one, or give "
    "whole paths."
)


def has_working_folder() -> bool:
    """Tells whether the working folder still exists."""
    try:
        os.getcwd()
    except OSError:
        return False
    return True
