"""A program may have been started in a folder that was removed since."""

import os

NO_WORKING_FOLDER = (
    "The folder in which this was started does not exist any more. Change to another one, or give "
    "whole paths."
)


def has_working_folder() -> bool:
    try:
        os.getcwd()
    except OSError:
        return False
    return True
